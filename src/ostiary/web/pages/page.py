"""
What all pages share: the guest before the page, the two proofs of a form, rendering, and the ways on.

A page module lists its `ROUTES`, each a path with what answers GET and POST. Here a request becomes a `Guest` (its
visit with the caller, its form, its cookies); a POST reaches a page only with a genuine form token (R16), and a page
that wants somebody signed in never sees anybody else. GET changes nothing.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ostiary.core.access.kill_switch import KillSwitch
from ostiary.core.directory.people import Role
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.exemption import HARD_CAP
from ostiary.core.graph.error import Invalid
from ostiary.core.words.instants import Span, minutes, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.web.front import csrf, forms, typed
from ostiary.web.front.credentials import FRESH, HALF, KNOWN, SESSION, cookie, page_visit, set_cookie
from ostiary.web.front.visit import Scope, headers
from ostiary.web.pages.environment import ENVIRONMENTS
from ostiary.web.pages.texts import LANGUAGES, TEXTS, Texts, best

__all__ = [
    "HOME",
    "LONGEST_TEXT",
    "Guest",
    "Page",
    "go",
    "keep",
    "leading",
    "not_found",
    "render",
    "routes_of",
    "step_up",
    "to_sign_in",
    "whole_minutes",
    "whole_number",
]

_RETURN = re.compile(r"/(?![/\\])[A-Za-z0-9_\-./?=&%~:+!$'()*,;@]{0,4000}", re.ASCII)
"""A path of our own: one slash, then no second one and no backslash, which browsers take for another site."""
HOME = "/devicelogin"
LONGEST_TEXT = 2048
"""Characters that are read of one field: the rules take less, and say so."""
MOST_MINUTES = HARD_CAP // minutes(1)
LARGEST = 999_999_999
"""The largest number that is read at all."""
WATCHING = b"live=1"
"""In the address of what a page asks by itself to stay up to date: no use of the session, so that it goes idle."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One request of a person, read and checked."""

    house: House
    visit: Visit
    scope: Scope
    bound: str
    """What the forms of this browser are bound to."""
    is_new: bool
    """Whether *bound* was made just now, so that the answer must set it."""
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    """What was typed into this very page's form before its person had to sign in or prove themselves again."""

    @property
    def session(self) -> str:
        """The value of the session's cookie."""
        return cookie(self.scope, SESSION)

    @property
    def half(self) -> str:
        """The value of the half session's cookie."""
        return cookie(self.scope, HALF)

    @property
    def known(self) -> str:
        """The value of the long-lived cookie that marks a known browser."""
        return cookie(self.scope, KNOWN)

    @property
    def back(self) -> str:
        """Where the person was going: a path of our own, from the form or the query."""
        wanted = self.form.get("return") or self.query.get("return") or ""
        return wanted if _RETURN.fullmatch(wanted) else HOME

    @property
    def texts(self) -> Texts:
        """The texts in the language that the browser likes best of ours."""
        return TEXTS[best(b",".join(headers(self.scope, b"accept-language")), LANGUAGES)]

    def all_of(self, invalid: Invalid) -> str:
        """All that is wrong, in the reader's language, one sentence after another."""
        return " ".join(self.texts.told(problem.message) for problem in invalid.problems)

    @property
    def watching(self) -> bool:
        """Whether the page only keeps itself up to date."""
        return _watches(self.scope)

    def typed(self, name: str) -> str:
        """What was typed into the field *name*, now or before."""
        return self.form.get(name) or self.kept.get(name, "")

    def path(self, name: str) -> str:
        """A part of the path, as the route names it."""
        return str(self.scope["path_params"][name])


def _watches(scope: Scope) -> bool:
    return scope["method"] == "GET" and WATCHING in scope.get("query_string", b"").split(b"&")


Handler = Callable[[Guest], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """One path: what answers GET, what answers POST, and whether somebody must be signed in."""

    path: str
    get: Handler | None = None
    post: Handler | None = None
    signed_in: bool = False
    keeps: tuple[str, ...] = ()
    """Fields of its form that are there again after a sign-in or a step-up on the way (`front/typed.py`)."""
    long: bool = False
    """One of these is a document."""


# ---- rendering


def render(
    guest: Guest, template: str, *, status: int = 200, refused: Refused | None = None, **values: object
) -> Response:
    """The page *template* with *values*; *refused* is announced above the form that caused it."""
    organisation = guest.house.desk.picture.organisation
    text = (
        ENVIRONMENTS[guest.texts.tag]
        .get_template(template)
        .render(
            organisation=organisation.name,
            sample=organisation.sample,
            person=guest.visit.caller.name,
            killed=_killed(guest),
            console=judge(Action.READ_LOGS, guest.visit.caller, now=guest.visit.now) is None,
            form_token=csrf.token(guest.house, guest.bound),
            now=guest.visit.now,
            reference=guest.visit.id,
            refused=refused,
            **values,
        )
    )
    response = Response(text, status, {"vary": "Accept-Language"}, media_type="text/html")
    if refused is not None and refused.wait > 0:
        response.headers["retry-after"] = str(to_seconds(refused.wait))
    if guest.is_new:
        response.raw_headers.append(set_cookie(FRESH, guest.bound))
    return response


def _killed(guest: Guest) -> KillSwitch | None:
    """The kill switch, for an administrator while it is on."""
    switch = guest.house.desk.picture.switch
    return switch if switch.on and Role.ADMINISTRATOR in guest.visit.caller.roles else None


# ---- what was typed


def whole_number(text: str, *, most: int = LARGEST) -> int | None:
    """The number from 1 to *most* that was typed in ASCII digits; None for all else: nothing is cut or guessed."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(LARGEST)):
        return None
    return int(digits) if 1 <= int(digits) <= most else None


def whole_minutes(text: str, *, field: str) -> Span | Refused:
    """A length as forms send it. Refused: INVALID_VALUE at *field* for what is no whole number of minutes of a day."""
    count = whole_number(text, most=MOST_MINUTES)
    return Refused(Reason.INVALID_VALUE, "Say for how many minutes.", field=field) if count is None else minutes(count)


# ---- ways on


def go(target: str, *cookies: tuple[bytes, bytes]) -> Response:
    """303 to *target*, so that going back and reloading posts nothing again."""
    response = Response(status_code=303, headers={"location": target})
    response.raw_headers.extend(cookies)
    return response


def leading(path: str, back: str) -> str:
    """*path*, with *back* as where to go from there."""
    return f"{path}?return={quote(back, safe='')}"


def to_sign_in(guest: Guest) -> Response:
    """To the sign-in page, and back to where a GET was going."""
    path, query = guest.scope["path"], guest.scope.get("query_string", b"").decode("ascii", "replace")
    wanted = path + (f"?{query}" if query else "") if guest.scope["method"] in ("GET", "HEAD") else HOME
    return go(leading("/signin", wanted if _RETURN.fullmatch(wanted) else HOME))


def step_up(back: str, *cookies: tuple[bytes, bytes]) -> Response:
    """To the page that asks for the second factor again, and back to *back*."""
    return go(leading("/signin/again", back), *cookies)


# ---- from request to page


def routes_of(house: House, pages: tuple[Page, ...]) -> list[Route]:
    """Starlette's routes of *pages*."""
    return [_route(house, page) for page in pages]


def _route(house: House, page: Page) -> Route:
    async def endpoint(request: Request) -> Response:
        return await _answer(house, page, request)

    methods = [name for name, handler in (("GET", page.get), ("POST", page.post)) if handler is not None]
    return Route(page.path, endpoint, methods=methods)


async def _answer(house: House, page: Page, request: Request) -> Response:
    guest = await _guest(house, request)
    posted = request.method == "POST"
    fields = await forms.form(request.receive, request.scope) if posted else {}
    query = forms.parse(request.scope.get("query_string", b""))
    if isinstance(fields, Refused) or isinstance(query, Refused):
        refused = fields if isinstance(fields, Refused) else query
        return render(guest, "wrong.html", status=400, refused=refused if isinstance(refused, Refused) else None)
    if posted and not csrf.genuine(house, request.scope, fields.get(csrf.FIELD, "")):
        return _stale(replace(guest, form=fields), page)
    kept = typed.kept(house, guest.visit, guest.scope) if page.keeps and not posted else {}
    complete = replace(guest, query=query, form=fields, kept=kept)
    if page.signed_in and complete.visit.caller.user is None:
        return _unknown(complete, page)
    handler = page.post if posted else page.get
    assert handler is not None  # the route takes no other method
    return await handler(complete)


def _stale(guest: Guest, page: Page) -> Response:
    """Nothing is done; what was typed is kept if a page of ours sent it, be its token of a session that is over."""
    ours = bool(page.keeps) and csrf.same_origin(guest.house, guest.scope)
    back = guest.scope["path"] if page.keeps else page.path if "{" not in page.path else HOME
    response = render(guest, "stale.html", status=403, back=back)
    response.raw_headers.extend([keep(guest, page)] if ours else [])
    return response


def _unknown(guest: Guest, page: Page) -> Response:
    """To the sign-in page, and back; a form that keeps what was typed has it there again."""
    if guest.scope["method"] != "POST" or not page.keeps:
        return to_sign_in(guest)
    return go(leading("/signin", guest.scope["path"]), keep(guest, page))


def keep(guest: Guest, page: Page) -> tuple[bytes, bytes]:
    """The header that keeps what was typed into the form of *page*."""
    return typed.keep(guest.house, guest.visit, guest.scope["path"], guest.form, page.keeps, long=page.long)


async def _guest(house: House, request: Request) -> Guest:
    visit = await page_visit(house, request.scope, watching=_watches(request.scope))
    bound = csrf.binding(request.scope)
    return Guest(house, visit, request.scope, bound or house.random.token(), not bound)


def not_found(guest: Guest) -> Response:
    """404 in our own words."""
    return render(
        guest, "wrong.html", status=404, refused=Refused(Reason.NOT_FOUND, "There is nothing at this address.")
    )
