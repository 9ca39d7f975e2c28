"""
Faults: what should not have happened. Refusals are not here (they are values, `outcome.py`).

    OstiaryError
    ├── StoreError            the store could not do its work; nothing was acknowledged
    │   ├── StoreBusy         too much waits in line
    │   ├── Clash             a value that must be the only one of its kind is there already; the deed was undone
    │   ├── StoreFailed       disk full, I/O error, commit failed: the process is unready
    │   └── SurveyTimeout     a survey took longer than it may
    ├── Stale                 memory is older than the database; reload and run again
    └── BrokenState           a row or value contradicts an invariant
"""


class OstiaryError(Exception):
    """Root of our faults. `public` may be shown to anybody; the message itself goes to the log only."""

    public = "Something went wrong on our side."


class StoreError(OstiaryError):
    """The store could not do its work."""

    public = "The service cannot store anything at the moment. Try again shortly."


class StoreBusy(StoreError):
    """Too many transactions wait in line."""


class StoreFailed(StoreError):
    """The database refused to commit; nothing of the group was acknowledged (R14)."""


class Clash(StoreError):
    """A value that must be the only one of its kind is there already."""


class SurveyTimeout(StoreError):
    """A survey took longer than its limit."""

    public = "That question takes too long. Narrow it down and ask again."


class Stale(OstiaryError):
    """The picture in memory is older than the database."""


class BrokenState(OstiaryError):
    """Stored state contradicts an invariant."""
