"""
Which application is at a stream's door: a confidential one that proves itself, or that shows a token of its own.
"""

from dataclasses import dataclass, field

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import SSF_MANAGE, SSF_READ, Application
from ostiary.core.logs.kinds import Kind
from ostiary.core.signals.streams import Stream, may_be_told
from ostiary.core.tokens.binding import unheld
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.clients import authenticate
from ostiary.services.house import House
from ostiary.services.signins.refusals import refuse
from ostiary.services.tokens.introspect import holder, read_access
from ostiary.store import Tx, signals

__all__ = ["MANAGE", "NO_STREAM", "READ", "Receiver", "note_refused", "own_stream", "receiver"]

MANAGE, READ = frozenset({SSF_MANAGE}), frozenset({SSF_MANAGE, SSF_READ})
NO_STREAM = Refused(Reason.NOT_FOUND, "There is no such stream.")
"""Also for another application's: nobody learns of it."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """What a request shows of the application that sends it."""

    shown: Shown
    bearer: str = field(default="", repr=False)
    """An access token for our own API with a scope of stream management."""


async def receiver(
    house: House, tx: Tx, picture: Picture, visit: Visit, who: Receiver, scopes: frozenset[str]
) -> Application | Refused:
    """
    Step: the application. CLIENT_AUTHENTICATION and its kin; a public one never proves itself. FORBIDDEN for a token
    that may only read.
    """
    if who.bearer:
        claims = read_access(house, who.bearer, visit.now)
        bound = unheld(claims, visit.proof) is not None  # to another key than the one that was proved
        found = await holder(tx, picture, {} if bound else claims, visit.now, READ)
        if isinstance(found, Application) and not scopes & set(claims["scp"].split()):
            return Refused(Reason.FORBIDDEN, f"The scope {SSF_MANAGE} is needed.")
    else:
        found = authenticate(house, picture, who.shown, visit.now)
    if isinstance(found, Application) and not may_be_told(found):
        return Refused(Reason.CLIENT_AUTHENTICATION)
    return found


async def own_stream(tx: Tx, application: Application, id: str) -> Stream | Refused:
    """Step: the stream *id* of *application*. NOT_FOUND."""
    found = await signals.find(tx, id[:64])
    return found if found is not None and found.application == application.id else NO_STREAM


async def note_refused(house: House, visit: Visit, who: Receiver, refused: Refused) -> Refused:
    """Write down, with a bound (R21), that somebody did not prove which application they are."""
    if refused.reason in (Reason.CLIENT_AUTHENTICATION, Reason.PUBLIC_CLIENT_SECRET, Reason.CLIENT_DISABLED):
        return await refuse(house, visit, Kind.CLIENT_REFUSED, refused, client=who.shown.name)
    return refused
