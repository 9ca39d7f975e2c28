"""
What every page of the console has: who may see it, the navigation around it, and where a refused button leads.

A page module makes its `ROUTES` with `console_page`, which judges the place's action before the page begins and
records a refusal as the admin API does, looks within measure; what a button does is judged once more by its deed.
"""

from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.responses import Response

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.etag import Seen, only
from ostiary.core.graph.query import Page as Found
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.door import note_refusal
from ostiary.web.front.csrf import from_elsewhere
from ostiary.web.pages.console.navigation import Place, open_to
from ostiary.web.pages.page import Guest, Handler, Page, render, step_up
from ostiary.web.pages.texts import marked

__all__ = ["console_page", "may", "missing", "proof_asked", "seen", "show", "version_seen", "version_typed"]

T = TypeVar("T")
_NOT_FOR_YOU = Refused(Reason.FORBIDDEN, "This page is for other roles than yours.")
_CHANGED = (Reason.CONFLICT, Reason.PRECONDITION_FAILED)
_STATUS = {
    Reason.FORBIDDEN: 403, Reason.ORIGIN_FORBIDDEN: 403, Reason.NOT_FOUND: 404, **dict.fromkeys(_CHANGED, 409),
}  # fmt: skip
LONGEST_VERSION = 64


def console_page(
    here: Place, *, path: str = "", get: Handler | None = None, post: Handler | None = None,
    keeps: tuple[str, ...] = (), long: bool = False, action: Action | None = None,
) -> Page:  # fmt: skip
    """
    The page at *path* (or below it), for those to whom *here* is open; one that is only there to do *action*, for those
    whose role allows that.
    """
    needed = here.action if action is None else action
    return Page(
        path or here.path, get=_guarded(here, needed, get), post=_guarded(here, needed, post), signed_in=True,
        keeps=keeps, long=long,
    )  # fmt: skip


def _guarded(here: Place, action: Action, handler: Handler | None) -> Handler | None:
    if handler is None:
        return None

    async def answer(guest: Guest) -> Response:
        refused = judge(action, guest.visit.caller, now=guest.visit.now)
        if refused is None or refused.reason is Reason.STEP_UP:  # the deed asks for the proof
            return await handler(guest)
        if _worth_a_row(guest, here):
            await note_refusal(guest.house, guest.visit, action, refused, target=f"page:{here.path}")
        return render(
            guest, "wrong.html", status=403, refused=_NOT_FOR_YOU, ways=(("/account", marked("Your account")),)
        )

    return answer


def _worth_a_row(guest: Guest, here: Place) -> bool:
    """
    Whether to record that *here* was refused. A look costs nobody anything, and any site can send a browser here with
    its cookies: one of the person's own is recorded in a minute, and none that another site led to.
    """
    if guest.scope["method"] == "POST":  # proved by its form to be the person's own
        return True
    own = guest.visit.caller.user is not None and not from_elsewhere(guest.scope)
    return own and guest.house.floods.admit_look(guest.visit.caller.user or "", here.path, guest.visit.now)


def may(guest: Guest, action: Action) -> bool:
    """
    Whether to show the button that does *action*: a writing one is shown to whoever the role allows it, for a proof
    that is too old is asked for again when it is pressed (R3).
    """
    refused = judge(action, guest.visit.caller, now=guest.visit.now)
    return refused is None or refused.reason is Reason.STEP_UP


def seen(found: Found[T] | Refused) -> tuple[T, ...]:
    """What the person before the page may see of it."""
    return () if isinstance(found, Refused) else found.items


def missing(guest: Guest, here: Place, says: str) -> Response:
    """404 for what is not below *here*, as *says* tells it."""
    gone = Refused(Reason.NOT_FOUND, says)
    return render(guest, "wrong.html", status=404, refused=gone, ways=((here.path, here.title),))


def show(
    guest: Guest, template: str, here: Place, *, live: str = "", reloads: bool = False, refused: Refused | None = None,
    **values: Any,
) -> Response:  # fmt: skip
    """
    The page *template* inside the console's frame. *live*: what changes it; *reloads*: also without script, by itself.
    """
    status = 200 if refused is None else _STATUS.get(refused.reason, 400)
    places = open_to(guest.visit.caller, guest.visit.now)
    return render(
        guest, f"console/{template}", status=status, refused=refused, here=here, places=places,
        live=live, reloads=reloads, refreshing=guest.watching, watching=_address(guest, live="1"),
        still=_address(guest), **values,
    )  # fmt: skip


def _address(guest: Guest, **more: str) -> str:
    """The page's own address; with ``live`` as it asks for itself to stay up to date."""
    asked = {name: text for name, text in guest.query.items() if name != "live"} | more
    return f"{guest.scope['path']}?{urlencode(asked)}" if asked else str(guest.scope["path"])


def proof_asked(answer: object | Refused, back: str, *cookies: tuple[bytes, bytes]) -> Response | None:
    """
    Where a button leads whose deed was refused for a proof that is too old: to the second factor, and on to *back*
    (R3), with *cookies* that keep what was typed. None for every other answer.
    """
    old = isinstance(answer, Refused) and answer.reason is Reason.STEP_UP and not answer.detail
    return step_up(back, *cookies) if old else None


def version_typed(guest: Guest, field: str, now: str, refused: Refused | None) -> str:
    """
    The version that a form is for: the one that *field* named when it was filled in, after a step-up and other refusals
    too, so that nobody else's change is overwritten unseen; *now* on a new form, and once it was told that it is
    another.
    """
    told = refused is not None and refused.reason in _CHANGED
    return now if told else guest.typed(field)[:LONGEST_VERSION] or now


def version_seen(guest: Guest, field: str) -> Seen:
    """What the form that came is for; one whose *field* names no version is for nothing that was seen."""
    return only(guest.form.get(field, "")[:LONGEST_VERSION])
