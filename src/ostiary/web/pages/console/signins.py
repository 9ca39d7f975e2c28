"""
The sign-in log: all sign-ins with filters, and one with everything that is known of it.
"""

from collections.abc import Mapping

from starlette.responses import Response

from ostiary.core.graph.signin import SIGN_IN, outcome_wire
from ostiary.core.graph.signin_story import ENDED
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.telling import Outcome, Protocol, Telling
from ostiary.core.words.outcome import Refused
from ostiary.core.words.said import Said, said
from ostiary.services.detections.view import findings_of
from ostiary.services.logs.sign_ins import signin_story, signins
from ostiary.web.pages.console.frame import console_page, missing, show
from ostiary.web.pages.console.lists import Choice, Column, How, List, Period, Search, Tag, by_look, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.page import Guest
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES", "STEPS", "result", "story_path"]

HERE = at("/console/signins")
_RESULTS = {
    Outcome.SUCCESS: Tag("succeeded", "good"),
    Outcome.FAILURE: Tag("failed", "bad"),
    Outcome.PENDING: Tag("under way"),
}
_WAYS = {
    Protocol.DEVICE_CODE: said("Device code"),
    Protocol.AUTHORIZATION_CODE: said("Browser, for an application"),
    Protocol.REFRESH: said("Refresh"),
    Protocol.OAUTH2: said("Application alone"),
    Protocol.NONE: said("These pages"),
}
STEPS: Mapping[str, str] = {
    Kind.STARTED: marked("A machine asked, and was given a code."),
    Kind.START_REFUSED: marked("A machine asked, and was given no code."),
    Kind.STARTS_REFUSED: marked("Machines kept asking; these refusals were only counted."),
    Kind.CLAIMED: marked("Somebody signed in typed the code."),
    Kind.CLAIM_REFUSED: marked("Somebody typed the code who may not have it."),
    Kind.CODE_WRONG: marked("A wrong code was typed."),
    Kind.RELEASED: marked("The code was given back, for another account."),
    Kind.APPROVED: marked("The person approved."),
    Kind.EXEMPTION_AWAITED: marked("The person said yes, and asked for an exemption."),
    Kind.EXEMPTION_GRANTED: marked("The exemption was granted."),
    Kind.EXEMPTION_REFUSED: marked("The exemption was not granted, which ended the sign-in."),
    Kind.BOUND: marked("The person typed what the machine had said of itself."),
    Kind.BINDING_WRONG: marked("Something else was typed than the machine had said."),
    Kind.BINDING_FAILED: marked("It was typed wrongly too often, which ended the sign-in."),
    Kind.NUMBER_CONFIRMED: marked("The machine brought the right number."),
    Kind.NUMBER_WRONG: marked("The machine brought a wrong number, which ended the sign-in."),
    Kind.DRILL_STARTED: marked("A drill was made for this person."),
    Kind.DRILL_TYPED: marked("The person typed the code of the drill."),
    Kind.DRILL_DECIDED: marked("The person decided; nothing came of it."),
    Kind.DENIED: marked("The person denied."),
    Kind.REPORTED: marked("The person said that they did not start this."),
    Kind.BLOCKED: marked("Policy said no."),
    Kind.REDEEMED: marked("The machine was given its tokens."),
    Kind.REDEMPTION_REFUSED: marked("Everything was ready, and yet no tokens were given."),
    Kind.REPEATED: marked("The answer was given once more, to the same key."),
    Kind.KEY_BOUND: marked("The machine proved a key, and is bound to it from then on."),
    Kind.REPLAYED: marked("A code that was used before came again."),
    Kind.EXPIRED: marked("Nobody decided in time."),
    Kind.REFRESHED: marked("The session was refreshed."),
    Kind.REFRESH_REFUSED: marked("A refresh was refused."),
    Kind.REUSED: marked("An old refresh token came, which ended the session."),
    Kind.WRONG_KEY: marked("Somebody came without the key that it is bound to."),
    Kind.PROOF_REFUSED: marked("The proof of a key did not count."),
    Kind.REVOKED: marked("The application ended the session."),
    Kind.WORKLOAD_ISSUED: marked("A workload was given a token."),
    Kind.WORKLOAD_REFUSED: marked("A workload was given no token."),
    Kind.CODE_ISSUED: marked("The browser was given a code for the application."),
    Kind.CODE_REDEEMED: marked("The application was given its tokens."),
    Kind.CODE_REFUSED: marked("The application was given nothing."),
    Kind.PASSWORD_PASSED: marked("The password was right."),
    Kind.UPSTREAM_PASSED: marked("Another provider vouched for the person."),
    Kind.SIGNED_IN: marked("The person signed in with every factor."),
    Kind.SIGN_IN_REFUSED: marked("A password or second factor was wrong."),
    Kind.STEPPED_UP: marked("The person proved every factor again."),
    Kind.SIGNED_OUT: marked("The session was ended."),
    Kind.CLIENT_REFUSED: marked("The application did not prove who it is."),
    Kind.REQUEST_MADE: marked("The person asked for an exemption."),
    Kind.REQUEST_DECIDED: marked("Somebody decided about the exemption."),
    Kind.REQUEST_APPROVED: marked("The exemption was approved."),
    Kind.EXEMPTION_BEGUN: marked("The exemption began."),
    Kind.BREAK_GLASS_REVIEWED: marked("It was written down what glass was broken for."),
    ENDED: marked("What the sign-in gave is over."),
}
"""What each step of a sign-in's story says to people."""


def story_path(id: str) -> str:
    """The page of one sign-in."""
    return HERE.below(id)


def result(telling: Telling) -> Tag:
    """What it came to, to be scanned for."""
    return _RESULTS[telling.outcome]


def _ask(text: str) -> str:
    return by_look(text, "id", _named)


def _named(name: str) -> str:
    return f"userPrincipalName eq {literal(name)}" if "@" in name else f"startswith(userPrincipalName,{literal(name)})"


def _applications(guest: Guest) -> list[tuple[str, Said]]:
    found = guest.house.desk.picture.applications
    names = [(str(id), said("%(name)s", name=each.name)) for id, each in found.items()]
    return sorted(names, key=lambda pair: pair[1].casefold())


LIST = List(
    HERE,
    SIGN_IN,
    signins,
    (
        Column("When", lambda t: t.started, How.MOMENT, lambda t: story_path(t.id)),
        Column("Person", lambda t: t.user_display_name or t.user_name or said("nobody known")),
        Column("Application", lambda t: t.client_name or _WAYS[t.protocol]),
        Column("Result", result, How.TAG),
        Column("Asked from", lambda t: t.requester_address, How.CODE),
    ),
    lead="Everybody who tried to sign in, and what came of it. The latest is first.",
    empty="Nobody has tried to sign in yet.",
    search=Search("User name, address or reference", "How the name begins, or a whole address: 203.0.113.9", _ask),
    choices=(
        Choice(
            "result", "Result", lambda guest: [(str(key), tag.text) for key, tag in _RESULTS.items()],
            lambda value: f"ostiary/outcome eq {literal(value)}",
        ),
        Choice(
            "way", "Way", lambda guest: [(str(key), text) for key, text in _WAYS.items()],
            lambda value: f"authenticationProtocol eq {literal(value)}",
        ),
        Choice("application", "Application", _applications, lambda value: f"appId eq {literal(value)}"),
    ),
    period=Period("createdDateTime"),
    subject="signins",
)  # fmt: skip


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


async def _one(guest: Guest) -> Response:
    id = guest.path("story")[:64]
    found = await signin_story(guest.house, guest.visit, id)
    if isinstance(found, Refused):
        return missing(guest, HERE, "There is no such sign-in.")
    told = found.telling
    return show(
        guest, "signin.html", HERE, told=told, steps=found.steps, said=STEPS, result=result(told),
        way=_WAYS[told.protocol], why=outcome_wire(told) if told.outcome is Outcome.FAILURE else None,
        findings=await findings_of(guest.house, told.id),
        live="signins exemptions findings" if told.ended is None else "findings",
    )  # fmt: skip


ROUTES = (console_page(HERE, get=_list), console_page(HERE, path=HERE.path + "/{story}", get=_one))
