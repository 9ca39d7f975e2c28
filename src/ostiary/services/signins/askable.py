"""
Whether a person whom policy blocks at the page may ask for an exemption for this very sign-in, and with what form (R1,
R5, R11).
"""

from dataclasses import replace

from ostiary.core.access.decision import Outcome
from ostiary.core.access.picture import Picture
from ostiary.core.exemptions.asking import Unmet, Wish
from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.narrowing import limited_to
from ostiary.core.exemptions.request import Ticket
from ostiary.core.exemptions.rules import Rules
from ostiary.core.signins.awaiting import waits_until
from ostiary.core.signins.signin import SignIn
from ostiary.core.signins.view import Asking
from ostiary.core.tokens.scopes import asked_scopes
from ostiary.core.words.instants import after
from ostiary.core.words.outcome import Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.access.gather import Ask, Gathered, gather, use_at
from ostiary.services.exemptions.ask import outlook
from ostiary.store import Tx, eligibilities

__all__ = ["askable", "form_for", "narrowed", "next_step"]

_TYPED = frozenset({"ExpirationRule", "JustificationRule", "TicketingRule"})
"""Rules that what is typed into the form can keep."""


async def askable(tx: Tx, visit: Visit, picture: Picture, signin: SignIn, ask: Ask) -> Gathered | None:
    """Step: *ask* judged as though an exemption for it were open, if its person may ask for one at this page."""
    application = picture.applications.get(signin.client)
    if application is None or not application.exemption_requests:
        return None
    return await _eligible(tx, visit, picture, ask)


async def _eligible(tx: Tx, visit: Visit, picture: Picture, ask: Ask) -> Gathered | None:
    """Step: the same wherever they ask: policy would let them through with an exemption, and they may have one."""
    if await eligibilities.standing(tx, ask.user, picture.exception_group, visit.now) is None:
        return None
    supposed = await gather(tx, picture, replace(ask, supposing=True), visit.now)
    if supposed is None or not supposed.user.enabled or supposed.lost or not supposed.assigned:
        return None
    return None if supposed.decision.outcome is Outcome.BLOCKED else supposed


async def next_step(tx: Tx, visit: Visit, picture: Picture, signin: SignIn, ask: Ask) -> str:
    """Step: what a blocked person who cannot ask at this page can do all the same; empty for nothing."""
    if await _eligible(tx, visit, picture, ask) is None:
        return ""
    command = f'ostiary exemption request --reason "why" --app {signin.client}'
    return said(
        "You may ask for an exemption: %(command)s. When it is approved, start this sign-in again.", command=command
    )


def narrowed(signin: SignIn, ask: Ask, gathered: Gathered, rules: Rules) -> Limits:
    """What an exemption that is asked for here is limited to: the application, and what *rules* demand."""
    use = use_at(ask, signin.requester_address, gathered.facts.requester_device)
    return limited_to(replace(use, scopes=asked_scopes(signin.scopes)), rules.narrow)


async def form_for(
    tx: Tx, visit: Visit, picture: Picture, signin: SignIn, ask: Ask, gathered: Gathered
) -> Asking | None:  # fmt: skip
    """Step: the form for *signin*, with all that the rules do not allow whatever is typed; None: they cannot ask."""
    application, said = picture.applications[signin.client], signin.declared
    ticket = Ticket(said.reference) if said.reference else None
    wanted = Wish(reason=said.reason, length=said.length or None, ticket=ticket, sign_in=signin.id)
    seen = await outlook(tx, visit, picture, wanted, lambda rules: narrowed(signin, ask, gathered, rules))
    if isinstance(seen, Refused):
        return None
    rules = seen.rules
    usual = said.length if rules.shortest <= said.length <= rules.longest else rules.usual
    return Asking(
        gathered.decision.rules, rules, seen.wish.limits, said.reason, usual, _sentences(seen.unmet),
        waits_until(signin, after(visit.now, rules.expiry), application.code_lifetime) if said.asks else visit.now,
        seen.at_once,
    )  # fmt: skip


def _sentences(wrong: tuple[Unmet, ...]) -> tuple[str, ...]:
    return tuple(unmet.refused.detail for unmet in wrong if unmet.rule not in _TYPED)
