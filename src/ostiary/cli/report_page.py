"""
The report on exemptions as one printable page: what stands out first, then each exemption with all that belongs to it.

Values in, HTML out. No script, nothing from elsewhere; every text is escaped, since people and machines wrote it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from ostiary.core.exemptions.hours import Hours
from ostiary.core.words.instants import Instant, Span, from_duration, from_iso, to_iso

__all__ = ["Account", "Question", "account_of", "page"]

TOP = 10

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What the report is about."""

    server: str
    start: Instant
    end: Instant
    made: Instant
    hours: Hours
    """The working hours; what began outside them stands out."""


@dataclass(frozen=True, slots=True)
class Account:
    """One request, with the exemption that it gave and the sign-ins that this let through."""

    id: str
    who: str
    act: str
    state: str
    asked: Instant
    by: str
    """Who made it, as the journal calls them."""
    reason: str
    ticket: str
    limits: str
    starts: Instant | None
    ends: Instant | None
    length: Span | None
    ended: Instant | None
    cause: str
    break_glass: bool
    review: str
    """Empty where none is needed."""
    decisions: tuple[str, ...]
    used: int
    sign_ins: tuple[Resource, ...] = field(default=())

    @property
    def granted(self) -> bool:
        """Whether it gave an exemption, or made one longer: only then it has an end."""
        return self.ends is not None

    @property
    def window(self) -> bool:
        """Whether it gave an exemption of its own: one that makes another longer is told of, and counted, there."""
        return self.granted and self.act != _EXTENDED

    @property
    def unused(self) -> bool:
        """A window, and nobody signed in with it."""
        return self.window and not self.used


_EXTENDED = "asked to last longer"
_LIMITS = (("applicationId", "application"), ("network", "network"), ("resourceId", "resource"), ("scopes", "scopes"),
           ("deviceId", "machine"), ("signIns", "sign-ins"))  # fmt: skip
_ACTS = {"adminAssign": "opened by an administrator", "selfActivate": "asked for", "selfExtend": _EXTENDED}


def account_of(request: Resource, sign_ins: Iterable[Resource]) -> Account:
    """One request as the admin API tells it, with its sign-ins."""
    ours: Resource = request.get("ostiary") or {}
    info: Resource = request.get("scheduleInfo") or {}
    ending: Resource = info.get("expiration") or {}
    ticket: Resource = request.get("ticketInfo") or {}
    number = ticket.get("ticketNumber") or ""
    person: Resource = request.get("principal") or {}
    return Account(
        id=str(request.get("id")),
        who=str(person.get("userPrincipalName") or request.get("principalId")),
        act=_ACTS.get(str(request.get("action")), str(request.get("action"))),
        state=str(ours.get("state")),
        asked=_moment(request.get("createdDateTime")) or Instant(0),
        by=str(ours.get("openedBy") or ""),
        reason=str(request.get("justification") or ""),
        ticket=f"{number} ({'checked' if ours.get('ticketChecked') else 'not checked'})" if number else "",
        limits=", ".join(f"{word} {_plain(ours[name])}" for name, word in _LIMITS if ours.get(name) is not None),
        starts=_moment(info.get("startDateTime")),
        ends=_moment(ending.get("endDateTime")),
        length=_span(ending.get("duration")),
        ended=_moment(ours.get("endedDateTime")),
        cause=str(ours.get("endCause") or ""),
        break_glass=bool(ours.get("breakGlass")),
        review=str(ours.get("review") or ""),
        decisions=tuple(_decision(one) for one in ours.get("decisions") or ()) or _automatic(ours),
        used=int(ours.get("used") or 0),
        sign_ins=tuple(sign_ins),
    )


def _automatic(ours: Resource) -> tuple[str, ...]:
    rule = ours.get("autoApproval")
    return (f"approved by a rule: {rule}",) if rule else ()


def _decision(one: Resource) -> str:
    verb = "approved" if one.get("reviewResult") == "Approve" else "denied"
    shorter = f" for {one['duration']}" if one.get("duration") else ""
    said = f"{one.get('reviewedBy')} {verb}{shorter} at {_shown(_moment(one.get('reviewedDateTime')))}"
    return f"{said}: {one.get('justification')}"


def page(question: Question, accounts: Sequence[Account]) -> str:
    """The whole page."""
    told = sorted(accounts, key=lambda a: a.asked)
    title = f"Exemptions from {_shown(question.start)} to {_shown(question.end)}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(question.server)}, made at {_shown(question.made)}. All times are UTC.</p>",
        _numbers(told),
        "<h2>To be looked at</h2>",
        *(_list(heading, [one for one in told if stands_out(one, question)]) for heading, stands_out in _NOTABLE),
        _longest(told),
        "<h2>Each of them</h2>",
        *(_whole(one) for one in told),
    ]
    return _PAGE.format(title=escape(title), body="\n".join(part for part in body if part))


def _outside(one: Account, question: Question) -> bool:
    began = one.starts if one.window and one.used else None
    return began is not None and not question.hours.inside(began)


_NOTABLE: tuple[tuple[str, Callable[[Account, Question], bool]], ...] = (
    ("Break-glass without a written review", lambda a, _: a.break_glass and a.review == "owed"),
    ("Break-glass, reviewed", lambda a, _: a.break_glass and a.review not in ("", "owed")),
    ("Begun outside working hours", _outside),
    ("Granted and never used", lambda a, _: a.unused),
    ("Ended by somebody else before its time", lambda a, _: a.window and a.state in ("revoked", "killed")),
    ("Denied", lambda a, _: a.state == "denied"),
)
"""What stands out, and when."""


def _numbers(told: Sequence[Account]) -> str:
    granted = [one for one in told if one.window]
    rows = (
        ("Requests", len(told)),
        ("Granted", len(granted)),
        ("Made longer", sum(one.granted and not one.window for one in told)),
        ("People", len({one.who for one in granted})),
        ("Sign-ins that they let through", sum(len(one.sign_ins) for one in granted)),
    )
    cells = "".join(f"<tr><th>{name}</th><td>{count}</td></tr>" for name, count in rows)
    return f"<table class=numbers>{cells}</table>"


def _list(heading: str, found: Sequence[Account]) -> str:
    items = "".join(f"<li>{_line(one)}</li>" for one in found)
    return f"<h3>{escape(heading)}: {len(found)}</h3>" + (f"<ul>{items}</ul>" if found else "")


def _longest(told: Sequence[Account]) -> str:
    ran = sorted((one for one in told if one.window and one.used and one.length), key=lambda a: -(a.length or 0))
    return _list(f"The longest (of {len(ran)})", ran[:TOP]) if ran else ""


def _line(one: Account) -> str:
    said = escape(f"{one.who}, {_shown(one.starts or one.asked)}, {_length(one.length)}: {one.reason}")
    return f'<a href="#{escape(one.id)}">{said}</a>'


def _whole(one: Account) -> str:
    rows = (
        ("Who", one.who),
        ("How", f"{one.act} at {_shown(one.asked)} by {one.by}" + (", break-glass" if one.break_glass else "")),
        ("Why", one.reason),
        ("Ticket", one.ticket),
        ("For", one.limits or "every application, from anywhere"),
        ("Said yes or no", "; ".join(one.decisions)),
        ("State", one.state),
        ("Ran", f"{_shown(one.starts)} to {_shown(one.ended or one.ends)}" if one.granted and one.used else ""),
        ("Ended", one.cause),
        ("Review", one.review),
    )
    told = "".join(f"<tr><th>{name}</th><td>{escape(text)}</td></tr>" for name, text in rows if text)
    return f'<section id="{escape(one.id)}"><table>{told}</table>{_sign_ins(one.sign_ins)}</section>'


def _sign_ins(found: Sequence[Resource]) -> str:
    if not found:
        return "<p>No sign-in.</p>"
    heads = "".join(f"<th>{head}</th>" for head in ("Sign-in", "Application", "From", "Result", "Renewed", "Ended"))
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(one))}</tr>" for one in found)
    return f"<table class=signins><tr>{heads}</tr>{rows}</table>"


def _cells(one: Resource) -> tuple[str, ...]:
    ours: Resource = one.get("ostiary") or {}
    ended = " ".join(str(ours.get(name) or "") for name in ("endedDateTime", "endCause")).strip()
    return (
        str(one.get("createdDateTime")), str(one.get("appDisplayName") or one.get("appId")),
        str(one.get("ipAddress") or ""), str(ours.get("reason") or ours.get("outcome") or ""),
        str(ours.get("refreshCount") or 0), ended,
    )  # fmt: skip


def _moment(text: Any) -> Instant | None:
    try:
        return from_iso(str(text)) if text else None
    except ValueError:
        return None


def _span(text: Any) -> Span | None:
    try:
        return from_duration(str(text)) if text else None
    except ValueError:
        return None


def _shown(moment: Instant | None) -> str:
    return "never" if moment is None else to_iso(moment)[:16].replace("T", " ")


def _length(span: Span | None) -> str:
    if span is None:
        return "no length"
    minutes_ = round(span / 60_000_000)
    return f"{minutes_ // 60} h {minutes_ % 60:02} min" if minutes_ >= 60 else f"{minutes_} min"


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 14px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
section {{ border-top: 1px solid; margin-top: 1.5rem; padding-top: .75rem; break-inside: avoid }}
table {{ border-collapse: collapse }}
th, td {{ text-align: left; vertical-align: top; padding: .15rem .75rem .15rem 0; overflow-wrap: anywhere }}
.signins {{ margin-top: .5rem; font-size: 90% }}
@media (prefers-color-scheme: dark) {{ @media screen {{
  body {{ background: #111; color: #eee }} a {{ color: #9cf }}
}} }}
</style>
<body>
{body}
</body>
</html>
"""
