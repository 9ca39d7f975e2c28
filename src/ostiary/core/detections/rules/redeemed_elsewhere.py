"""
A code is redeemed by another machine than asked for it. Needs both addresses, and where they are.
"""

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind

__all__ = ["RULE"]


def _look(event: Event, past: Past) -> Found | None:
    asked, now = event.requester, event.side
    how = now.elsewhere(asked)
    if event.started is None or not how:
        return None
    return found(
        f"A code that {asked.address} had asked for was redeemed from {now.address}, in another "
        + {"country": "country.", "far": "place.", "network": "network."}[how],
        subject=event.story, severity=Severity.HIGH if how == "country" else None, asked=asked.address,
        askedCountry=asked.country, redeemed=now.address, redeemedCountry=now.country, bound=bool(event.key),
    )  # fmt: skip


RULE = Rule(
    id="redeemed_elsewhere",
    title="A code is redeemed elsewhere than it was made",
    severity=Severity.MEDIUM,
    explanation=(
        "The machine that redeemed the code is in another network than the one that had asked for it, or in another "
        "country (high): a device code that was passed on or stolen."
    ),
    false_positives="A machine that changes its network between both, or whose requests leave by several providers.",
    watches=frozenset({Kind.REDEEMED}),
    look=_look,
    covers=("panther-aws-sso",),
    needs="a geo file of networks or countries",
)
