"""
What is around a request for those who decide it: where it was asked, and the past of its person, gathered from the
sign-in log and their earlier requests.
"""

from ostiary.core.access.picture import Picture
from ostiary.core.exemptions.oddities import LATELY, SETTLED, History, Seen
from ostiary.core.exemptions.request import Request
from ostiary.core.exemptions.rules import Rules
from ostiary.core.signins.signin import SignIn
from ostiary.core.words.instants import Span, after
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.machine import machine_of
from ostiary.store import Tx, eligibilities, habits
from ostiary.store.exemptions import person

__all__ = ["around", "called"]


async def around(
    tx: Tx, visit: Visit, picture: Picture, request: Request, rules: Rules, signin: SignIn | None
) -> Seen:  # fmt: skip
    """
    Step: the facts of which `core/exemptions/oddities.py` tells what is odd; *signin* is the one that *request* was
    made with. A few bounded look-ups by index.
    """
    eligible = await eligibilities.standing(tx, request.user, request.group, visit.now)
    place = picture.atlas.place(request.address)
    return Seen(
        request,
        rules,
        place,
        picture.atlas.operator(place),
        await called(tx, request.by) if request.by != f"user:{request.user}" else "",
        eligible.created if eligible is not None else None,
        await _history(tx, picture, request),
        machine_of(picture, signin) if signin is not None else None,
    )


async def called(tx: Tx, actor: str) -> str:
    """Step: a person by principal name, everybody else as the journal names them."""
    kind, _, id = actor.partition(":")
    found = await person(tx, id) if kind == "user" else None
    return found.principal_name if found is not None else actor


async def _history(tx: Tx, picture: Picture, request: Request) -> History:
    earlier = await habits.requests_before(tx, request.user, request.created)
    settled_at = after(request.created, Span(-SETTLED))
    signed_in = await habits.sign_ins_before(tx, request.user, settled_at)
    addresses = {address for each in signed_in for address in each.addresses}
    asked_at = [each.created for each in earlier]
    denied = [each.denied for each in earlier if each.denied is not None and each.denied <= request.created]
    named = (*(each.limits.application for each in earlier), *(each.client for each in signed_in))
    return History(
        asked=len(earlier),
        lately=sum(created > after(request.created, Span(-LATELY)) for created in asked_at),
        denied=max(denied, default=None),
        longest=max((each.length for each in earlier), default=None),
        applications=frozenset(id for id in named if id is not None),
        used=await habits.last_use(tx, request.user),
        moments=(*(each.started for each in signed_in), *(at for at in asked_at if at < settled_at)),
        places=tuple(picture.atlas.place(address) for address in sorted(addresses)),
    )
