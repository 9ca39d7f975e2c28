"""
`--since`: a length of time back from now, as a condition of `$filter`.
"""

from ostiary.cli.durations import seconds_of
from ostiary.cli.errand import Errand
from ostiary.core.words.instants import from_seconds, to_iso

__all__ = ["since_filter"]


def since_filter(errand: Errand, field: str, since: str) -> str:
    """The condition that *field* lies no further back than *since*. Raises Misused."""
    return f"{field} ge {to_iso(from_seconds(max(0.0, errand.machine.wall() - seconds_of(since, '--since'))))}"
