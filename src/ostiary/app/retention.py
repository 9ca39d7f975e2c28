"""
The table `[retention]` of the configuration: how long what is kept is kept.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ostiary.core.logs.retention import SHORTEST
from ostiary.core.words.instants import Span, days

__all__ = ["KEEP_ALL", "RetentionConfig", "document", "journal_kept", "with_variable"]

SECTION = "retention"


class RetentionConfig(BaseModel):
    """How long; without a number for good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    journal: Annotated[
        int | None,
        Field(
            ge=SHORTEST,
            le=36_500,
            description="Days after which entries of the journal, and sign-ins of which nothing was written since, are "
            "removed; their hashes stay, and an entry announces the gap ([audit.md](audit.md)).",
        ),
    ] = None


KEEP_ALL = RetentionConfig()


def with_variable(values: dict[str, Any], name: str, text: str) -> bool:
    """Take the variable *name* (`retention_journal`) into *values*, where it is one of this table's."""
    if not name.startswith(f"{SECTION}_"):
        return False
    before = values.get(SECTION, {})
    if isinstance(before, dict):  # what is no table is told of by its reader
        values[SECTION] = {**before, name.removeprefix(f"{SECTION}_"): text}
    return True


def journal_kept(config: RetentionConfig) -> Span | None:
    """How long the journal is kept; None for good."""
    return None if config.journal is None else days(config.journal)


def document() -> list[str]:
    """Its part of docs/configuration.md."""
    lines = ["", "## `[retention]`", "", "| Key | Default | Meaning |", "|---|---|---|"]
    return [*lines, *(f"| `{name}` | `–` | {f.description} |" for name, f in RetentionConfig.model_fields.items())]
