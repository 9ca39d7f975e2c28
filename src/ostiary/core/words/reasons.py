"""
Why somebody did something, in their words: asked for where it matters, kept with the entry.
"""

from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said

__all__ = ["REASON_LENGTH", "read_reason"]

REASON_LENGTH = (3, 512)  # characters


def read_reason(text: str, *, field: str = "reason") -> str | Refused:
    """
    *text* with runs of white space made one space; refused when it is too short, too long or has control characters.

    *field* is what the caller's door calls it.
    """
    shortest, longest = REASON_LENGTH
    reason = " ".join(text.split()) if len(text) <= 2 * longest else ""
    if shortest <= len(reason) <= longest and reason.isprintable():
        return reason
    detail = said("A reason of %(least)s to %(most)s printable characters is needed.", least=shortest, most=longest)
    return Refused(Reason.REASON_REQUIRED, detail, field=field)
