"""
The tables `[retention]` and `[anchors]` of the configuration: how long the journal is kept, and where its checkpoints
go.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ostiary.core.logs.retention import SHORTEST
from ostiary.core.words.instants import Span, days

__all__ = [
    "KEEP_ALL",
    "NO_ANCHORS",
    "AnchorConfig",
    "RetentionConfig",
    "document",
    "journal_kept",
    "sign_ins_kept",
    "with_variable",
]


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
    sign_ins: Annotated[
        int,
        Field(
            ge=0,
            le=36_500,
            description="Days after which sign-ins leave the sign-in log, at least 30; 0 keeps them. The journal keeps "
            "what it has of them ([signins.md](signins.md)).",
        ),
    ] = 1825

    @field_validator("sign_ins")
    @classmethod
    def _long_enough(cls, value: int) -> int:
        if 0 < value < SHORTEST:
            raise ValueError(f"0, or at least {SHORTEST} days")
        return value


KEEP_ALL = RetentionConfig()


class AnchorConfig(BaseModel):
    """Where checkpoints go, out of reach of whoever holds their key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Annotated[
        Path | None,
        Field(description="File on another mount, outside the data folder, to whose end they are added."),
    ] = None
    minutes: Annotated[int, Field(ge=1, le=1440, description="At most one in so many minutes.")] = 60


NO_ANCHORS = AnchorConfig()
TABLES: dict[str, type[BaseModel]] = {"retention": RetentionConfig, "anchors": AnchorConfig}


def with_variable(values: dict[str, Any], name: str, text: str) -> bool:
    """Take the variable *name* (`retention_journal`) into *values*, where it is one of these tables'."""
    section, _, key = name.partition("_")
    if section not in TABLES or not key:
        return False
    before = values.get(section, {})
    if isinstance(before, dict):  # what is no table is told of by its reader
        values[section] = {**before, key: text}
    return True


def journal_kept(config: RetentionConfig) -> Span | None:
    """How long the journal is kept; None for good."""
    return None if config.journal is None else days(config.journal)


def sign_ins_kept(config: RetentionConfig) -> Span | None:
    """How long sign-ins stay in the log; None for good."""
    return days(config.sign_ins) if config.sign_ins else None


def document() -> list[str]:
    """Its part of docs/configuration.md."""
    lines = []
    for table, model in TABLES.items():
        lines += ["", f"## `[{table}]`", "", "| Key | Default | Meaning |", "|---|---|---|"]
        for name, field in model.model_fields.items():
            lines.append(f"| `{name}` | `{'–' if field.default is None else field.default}` | {field.description} |")
    return lines
