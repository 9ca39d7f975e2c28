"""
The verification page (RFC 8628 §3.3): type the code, see who asks, decide.

Sign-in first, code second (R10); deny first and by default (RFC 10027); a GET never claims (R11).
"""

from urllib.parse import quote

from starlette.responses import Response

from ostiary.core.exemptions.deciding import choices
from ostiary.core.exemptions.exemption import Use
from ostiary.core.graph.error import Invalid
from ostiary.core.signins.request_binding import Datum
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.signins.view import Approved, Asked, Claimed
from ostiary.core.words.ids import DrillId, SignInId
from ostiary.core.words.instants import Instant, between, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.signins import ask, bind, claim, decide, drills
from ostiary.services.signins.complete_address import carried
from ostiary.services.tokens import browser
from ostiary.web.front import typed
from ostiary.web.front.credentials import HANDED, SESSION, cookie, set_cookie
from ostiary.web.pages.explain import explained
from ostiary.web.pages.page import LONGEST_TEXT, Guest, Page, go, keep, render, step_up, whole_minutes
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

LONGEST_CODE = 64  # characters of a typed code
FIELDS = ("reason", "length", "ticket")

_SENTENCES = {
    Reason.BAD_CODE: marked(
        "That code is not valid. Check it on your device: it may have run out, then start again there."
    ),
    Reason.REPORTED: marked("You reported this device within the last hour, so it cannot sign in as you."),
    Reason.NO_CONSENT: marked("No administrator has allowed this application yet."),
}
_HOW = {
    State.AWAITING_NUMBER: "number",
    State.READY: "approved",
    State.REDEEMED: "approved",
    State.DENIED: "denied",
    State.REPORTED: "reported",
}
_WAITED = (State.AWAITING_EXEMPTION, State.DENIED, State.EXPIRED)
"""Of one that asked for an exemption: what the page says of the request."""
_EXPLAINED = (Reason.BLOCKED, Reason.KILLED, Reason.SAME_DEVICE, Reason.DEVICE_ENDED)
"""What the page says in full, with the next step."""
_MOVED_ON = Refused(
    Reason.WRONG_STATE,
    "This sign-in is over: it was decided, ran out, or belongs to another browser. Nothing was changed.",
)


async def _show(guest: Guest) -> Response:
    code = carried(guest.house, guest.query.get("user_code", "")[:LONGEST_CODE], guest.query.get("mark", ""))
    return render(guest, "devicelogin.html", code=code or "", to_compare=code is not None)


async def _claim(guest: Guest) -> Response:
    typed = guest.form.get("user_code", "")
    if len(typed) > LONGEST_CODE:
        typed = ""
    answer = await claim.claim(guest.house, guest.visit, typed, cookie(guest.scope, HANDED))
    if isinstance(answer, Claimed):
        return go(_request(answer.signin.id))
    if answer.reason in _EXPLAINED:
        return explained(guest, answer)
    return _refused(guest, answer)


def _refused(guest: Guest, answer: Refused) -> Response:
    status = 429 if answer.reason in (Reason.CODE_ENTRY_LOCKED, Reason.TOO_MANY_PROMPTS) else 400
    sentence = answer.detail or _SENTENCES.get(answer.reason, _SENTENCES[Reason.BAD_CODE])
    said = Refused(answer.reason, sentence, field="user_code")
    return render(guest, "devicelogin.html", status=status, refused=said, code="", to_compare=False)


def _request(id: str) -> str:
    return f"/devicelogin/request/{quote(id, safe='')}"


def _id(guest: Guest) -> SignInId:
    return SignInId(guest.path("signin")[:64])


async def _decision(guest: Guest) -> Response:
    return await _ask(guest)


async def _ask(guest: Guest, refused: Refused | None = None) -> Response:
    """The page that asks for the decision; *refused* is what was wrong with what was typed there."""
    seen = await claim.view(guest.house, guest.visit, _id(guest))
    if isinstance(seen, Refused):
        return await _over(guest, "")
    return await _asking(guest, seen, refused)


async def _asking(guest: Guest, seen: Claimed, refused: Refused | None = None) -> Response:
    until = await _until(guest, seen)
    status = 400 if refused else 200
    terms = seen.asking.terms if seen.asking is not None else None
    lengths = {*choices(terms.shortest, terms.longest), seen.asking.length} if terms and seen.asking else set()
    return render(
        guest, "request.html", status=status, refused=refused, asked=seen, signin=seen.signin,
        where=guest.visit.address, until=until, lengths=sorted(lengths), me=guest.visit.caller.user,
        typed={name: guest.typed(name)[:LONGEST_TEXT] for name in FIELDS},
        again=seen.signin.state is State.AWAITING_EXEMPTION,
    )  # fmt: skip


def _lesson(guest: Guest, taught: drills.Taught) -> Response:
    """It was a drill: what could be seen, said kindly."""
    name = taught.application.name if taught.application else ""
    how = taught.drill.decision.value if taught.drill.decision else ""
    status = 409 if taught.late else 200
    return render(guest, "drill.html", status=status, how=how, application=name, signs=taught.signs, late=taught.late)


async def _until(guest: Guest, seen: Claimed) -> Instant | None:
    """When the longest open exemption that admits this sign-in ends."""
    mine = await browser.mine(guest.house, guest.visit)
    windows = () if isinstance(mine, Refused) else mine.exemptions
    signin, now = seen.signin, guest.visit.now
    asked = frozenset(scope.value for scope in seen.scopes)
    use = Use(seen.application.id, signin.requester_address, signin.resource, asked)
    ends = [each.begun(now).ends for each in windows if each.takes(now) and each.limits.admit(use)]
    return max(ends, default=None)


async def _over(guest: Guest, wanted: str, because: Refused | None = None) -> Response:
    """
    A drill (M13), or nothing to decide any more: what was decided in this browser is told again, be it a reload, the
    way back, a second press or another tab. *wanted* is what was pressed; whatever else became of it is a conflict.
    *because* is what ended it.
    """
    drill = await drills.press(guest.house, guest.visit, DrillId(_id(guest)), wanted)
    if isinstance(drill, Claimed):
        return await _asking(guest, drill)
    if isinstance(drill, drills.Taught):
        return _lesson(guest, drill)
    was = await decide.decided(guest.house, guest.visit, _id(guest))
    if isinstance(was, Refused):
        return render(guest, "devicelogin.html", status=409, refused=_MOVED_ON, code="", to_compare=False)
    if was.request is not None and was.state in _WAITED:
        status = 409 if wanted not in ("", "asked") else 200
        return render(guest, "waiting.html", status=status, was=was, waits=was.state is State.AWAITING_EXEMPTION)
    how = _HOW[was.state]
    late = wanted not in ("", "approved" if how == "number" else how)
    name = was.application.name if was.application else ""
    return _done(guest, how, was.signin, name, ends=was.ends, late=late, number=was.number, because=because)


async def _bind(guest: Guest) -> Response:
    answers = {datum: guest.form.get(datum, "")[:LONGEST_CODE] for datum in Datum}
    answer = await bind.bind(guest.house, guest.visit, _id(guest), answers)
    if not isinstance(answer, Refused):
        return go(_request(answer.id))
    if answer.field:
        return await _ask(guest, answer)
    return await _over(guest, "bound" if answer.reason is Reason.WRONG_STATE else "", answer)


async def _ask_with_consent(guest: Guest) -> Response:
    """The one form of somebody blocked who may ask: yes, and for what."""
    text = {name: guest.form.get(name, "").strip()[:LONGEST_TEXT] for name in FIELDS}
    length = whole_minutes(text["length"], field="length") if text["length"] else None
    if isinstance(length, Refused):
        return await _ask(guest, length)
    form = ask.Typed(text["reason"], length, text["ticket"][:64])
    answer = await ask.ask_with_consent(guest.house, guest.visit, _id(guest), form)
    if isinstance(answer, Invalid):
        return await _ask(guest, Refused(Reason.INVALID_VALUE, guest.all_of(answer)))
    if isinstance(answer, Asked):
        if answer.number:
            return _done(guest, "number", answer.signin, answer.application.name, number=answer.number)
        return go(_request(answer.signin.id), typed.forget())
    if isinstance(answer, Refused) and answer.reason in (Reason.MFA_STALE, Reason.MFA_REQUIRED):
        return step_up(_request(_id(guest)), keep(guest, _REQUEST))
    known = (*_EXPLAINED, Reason.BINDING_REQUIRED, Reason.WRONG_STATE, Reason.REPORTED)
    if isinstance(answer, Refused) and answer.reason not in known:  # about the request: the sign-in is as it was
        return await _ask(guest, answer)
    return await _consented(guest, answer)


async def _approve(guest: Guest) -> Response:
    return await _consented(guest, await decide.approve(guest.house, guest.visit, _id(guest)))


async def _consented(guest: Guest, answer: Approved | Refused) -> Response:
    """What came of a yes."""
    if not isinstance(answer, Refused):
        how = "number" if answer.number else "approved"
        return _done(
            guest, how, answer.signin, answer.application.name, ends=answer.ends, number=answer.number
        )  # fmt: skip
    if answer.reason in (Reason.MFA_STALE, Reason.MFA_REQUIRED):
        return step_up(_request(_id(guest)))
    if answer.reason is Reason.BINDING_REQUIRED:
        return go(_request(_id(guest)))
    return explained(guest, answer) if answer.reason in _EXPLAINED else await _over(guest, "approved")


async def _deny(guest: Guest) -> Response:
    answer = await decide.deny(guest.house, guest.visit, _id(guest))
    if isinstance(answer, Refused):
        return await _over(guest, "denied")
    return _done(guest, "denied", answer.signin, answer.application.name if answer.application else "")


async def _report(guest: Guest) -> Response:
    answer = await decide.report(guest.house, guest.visit, _id(guest))
    if isinstance(answer, Refused):
        return await _over(guest, "reported")
    return _done(guest, "reported", answer.signin, answer.application.name if answer.application else "")


async def _change(guest: Guest) -> Response:
    answer = await decide.change_account(guest.house, guest.visit, _id(guest))
    if isinstance(answer, Refused):
        return await _over(guest, "changed")
    await browser.sign_out(guest.house, guest.visit)
    left = to_seconds(between(guest.visit.now, answer.signin.ends)) + 1
    return go("/signin?return=%2Fdevicelogin", set_cookie(SESSION, ""), set_cookie(HANDED, answer.value, seconds=left))


def _done(
    guest: Guest, how: str, signin: SignIn, application: str, ends: Instant | None = None, *, late: bool = False,
    number: str = "", because: Refused | None = None,
) -> Response:  # fmt: skip
    return render(
        guest, "done.html", status=409 if late else 200, how=how, signin=signin, application=application, ends=ends,
        late=late, number=number, because=because.detail if because is not None else "",
    )  # fmt: skip


_REQUEST = Page(
    "/devicelogin/request/{signin}", get=_decision, post=_ask_with_consent, signed_in=True, keeps=FIELDS
)  # fmt: skip
ROUTES = (
    Page("/devicelogin", get=_show, post=_claim, signed_in=True),
    _REQUEST,
    Page("/devicelogin/request/{signin}/bind", post=_bind, signed_in=True),
    Page("/devicelogin/request/{signin}/approve", post=_approve, signed_in=True),
    Page("/devicelogin/request/{signin}/deny", post=_deny, signed_in=True),
    Page("/devicelogin/request/{signin}/report", post=_report, signed_in=True),
    Page("/devicelogin/request/{signin}/change", post=_change, signed_in=True),
)
