"""
A refresh as a row of its own in the sign-in log: what Graph calls a non-interactive sign-in. It is told from its one
entry of the journal; no row is kept for it.
"""

from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.story import Story, fold
from ostiary.core.logs.telling import Telling, access_of, applied, tell
from ostiary.core.words.instants import Instant

__all__ = ["of_refresh"]


def of_refresh(entry: Recorded, now: Instant) -> Telling:
    """What *entry*, of a refresh that was given or refused, tells by itself; its `id` is the sign-in's."""
    detail = entry.body["detail"]
    policies = applied(detail)
    return tell(fold(Story(entry.story), [entry]), now)._replace(
        row=f"{entry.stream}.{entry.number}",
        token=str(detail.get("jti") or ""),
        session=detail.get("session") or None,
        policies=policies,
        access=access_of(policies),
    )
