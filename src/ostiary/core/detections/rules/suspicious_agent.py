"""
A program that calls itself what kits are called. Needs the User-Agent, which anybody can change.
"""

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind

__all__ = ["RULE"]

KITS = ("kali365", "squarephish", "graphish", "gitphish", "tokentactics", "roadtx", "roadrecon", "graphrunner",
        "teamfiltration", "aadinternals", "eviltokens", "deviceflowphish", "o365-attack", "evilginx")  # fmt: skip
"""Words of the agents of published kits and tools."""
LIBRARIES = ("aiohttp", "python-requests", "python-urllib", "go-http-client", "node-fetch", "undici", "okhttp")
"""Bare libraries: honest programs name themselves."""


def _look(event: Event, past: Past) -> Found | None:
    agent = event.side.agent.casefold()
    kit = next((word for word in KITS if word in agent), "")
    library = "" if kit else next((word for word in LIBRARIES if agent.startswith(word)), "")
    if not kit and not (library and event.side.hosted):
        return None
    what = f"a kit ({kit})" if kit else f"a bare library ({library}) in a hosting network"
    return found(
        f"A program asked that calls itself what {what} does.",
        subject=f"{event.side.source} {kit or library}", severity=None if kit else Severity.LOW,
        agent=event.side.agent, address=event.side.address, operator=event.side.operator,
    )  # fmt: skip


RULE = Rule(
    id="suspicious_agent",
    title="A program that is known from kits",
    severity=Severity.HIGH,
    explanation=(
        "The User-Agent of the machine has a word of a published phishing kit or attack tool in it (high), or is that "
        "of a bare HTTP library in a hosting network (low)."
    ),
    false_positives="One's own tests with such a tool; scripts on rented machines.",
    watches=frozenset({Kind.STARTED, Kind.START_REFUSED, Kind.REDEEMED, Kind.REFRESHED}),
    look=_look,
    covers=("elastic-4b11dbab",),
    needs="a geo file that names operators, for bare libraries",
)
