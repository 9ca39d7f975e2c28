"""
The warning that a sign-in with a code ends within ten minutes: on stderr, whatever stdout is for.
"""

from ostiary.cli.durations import left
from ostiary.cli.errand import Errand

__all__ = ["SOON", "warn_of_end"]

SOON = 600.0  # seconds; the service sends its notice as long before


def warn_of_end(errand: Errand) -> None:
    """Say when the stored sign-in ends soon with its exemption; nothing of one that is not of a code, or not here."""
    held = errand.cache.load()
    if held is None or held.how != "device_code" or held.ends_at is None:
        return
    remaining = held.ends_at - errand.machine.wall()
    if 0 < remaining <= SOON:
        at = errand.machine.local_time(held.ends_at)
        errand.screen.say(f"! This sign-in ends in {left(remaining)}, at {at}, with its exemption.", "bold red")
        errand.screen.say("  longer:       ostiary exemption extend --reason WHY")
