"""
Bad input to every endpoint and page: an answer in the shape of its door, never a fault, and nothing changed.

What there is to attack is read from the routes themselves, so a new endpoint is under attack as soon as it exists. The
attacker holds what an insider has: a browser that is signed in as an administrator with fresh proof, and a token from
it, so that the input is read and not merely turned away.
"""

import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest
from starlette.routing import Route

from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.pkce import challenge_of
from ostiary.store import Tx
from ostiary.store.logs import since
from ostiary.web import graph, oauth, pages
from ostiary.web.pages.console.live import PATH as EVENTS
from tests.attacks.visitor import Visitor, hidden
from tests.server import CLIENTS, Server

REDIRECT = "http://127.0.0.1:53211"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
FORM = {"content-type": "application/x-www-form-urlencoded"}
HARMLESS = {kind.value for kind in Kind if "REFUSED" in kind.name} | {
    Kind.CODE_WRONG, Kind.ALERT, Kind.FINDING_RAISED, Kind.RESPONSE_HELD_BACK,
}  # fmt: skip
"""What refusing bad input may write down; everything else would be a change, or a fault."""

PIECES = ("nope", "%00", "a%00b", "%ff%fe", "..%2f..%2fetc", "'", "%22%3E%3Cscript%3E", "a" * 3000, "%F0%9F%94%91")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE")
QUERIES = (
    "a=1&a=2", "%ff=%fe", "x=" + "a" * 20_000, "x=%00", "&&&===", "&".join(f"f{n}=1" for n in range(200)),
    "user_code=%00", "return=%2F%2Fevil.example", "$top=-1", "$top=99999999999999999999", "$top=x", "$filter=",
    "$filter=" + "(" * 3000, "$filter=id eq 'a%00'", "$filter=nonsense eq 1", "$orderby=nonsense", "$select=nonsense",
    "$skiptoken=AAAA", "$count=perhaps", "$expand=everything", "$search=x", "ref=%00&ref=x",
)  # fmt: skip
PARAMETERS = {
    "client_id": CLIENTS["ostiary-cli"], "grant_type": DEVICE_CODE, "scope": "openid", "device_code": "x" * 43,
    "refresh_token": "f.1.x", "code": "x", "code_verifier": "v" * 43, "redirect_uri": REDIRECT, "token": "x.y.z",
    "login_hint": "alice", "code_challenge": "c" * 43, "code_challenge_method": "S256", "client_secret": "",
    "dpop_jkt": "x" * 43,
}  # fmt: skip
VALUES: dict[str, bytes] = {
    "zero": b"a%00b", "not UTF-8": b"%ff%fe", "long": b"a" * 60_000, "signs": b"%0d%0aSet-Cookie:+a=b%1b%5b31m",
    "wide": b"%F0%9F%94%91" * 100, "surrogate": b"%ED%A0%80", "markup": b"%3Cscript%3E%22%27", "spaces": b"+++",
    "number": b"-99999999999999999999", "list": b"%5B%5D",
}  # fmt: skip
BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "oversized": (b"a=" + b"a" * 70_000, FORM),
    "json": (b'{"a": 1}', {"content-type": "application/json"}),
    "no type": (b"a=b", {}),
    "two types": (b"a=b", {"content-type": "application/x-www-form-urlencoded, application/json"}),
    "wrong charset": (b"a=b", {"content-type": "application/x-www-form-urlencoded; charset=utf-16"}),
    "multipart": (b"--x\r\n\r\n", {"content-type": "multipart/form-data; boundary=x"}),
    "not UTF-8": (b"a=%ff%fe", FORM),
    "raw bytes": (bytes(range(256)), FORM),
    "zero": (b"a=a%00b", FORM),
    "repeated": (b"a=1&a=2", FORM),
    "many": (b"&".join(b"f%d=1" % n for n in range(100)), FORM),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A path with its holes in braces, and the methods that it takes."""

    path: str
    methods: frozenset[str]

    def filled(self, piece: str = "nope") -> str:
        """The path with *piece* in its holes; the tenant is the right one unless it is the only hole."""
        return re.sub(r"\{[^}]+\}", lambda _: piece, self.path.replace("{tenant}", "common"))


class Attacker:
    """An administrator's browser and token, and the journal to see what their requests did."""

    def __init__(self, server: Server, visitor: Visitor, token: str) -> None:
        self.server, self.visitor = server, visitor
        self.bearer = {"Authorization": f"Bearer {token}"}
        found = [Target("/{tenant}" + path, frozenset({"POST"})) for path in oauth.hot_doors(server.house)]
        self.oauth = tuple(found + targets(oauth.routes(server.house)))
        self.pages = tuple(  # the stream of events answers for as long as somebody listens
            targets(route for route in pages.routes(server.house) if isinstance(route, Route) and route.path != EVENTS)
        )
        self.graph = tuple(  # `/beta` is the same door
            Target("/v1.0" + path.path, frozenset(o.method for o in path.operations)) for path in graph.paths()
        )
        self.wrong: list[str] = []

    @property
    def all(self) -> tuple[Target, ...]:
        """Everything behind the port."""
        return (*self.oauth, *self.graph, *self.pages)

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request with everything the attacker holds; note what is wrong with the answer."""
        same = {"sec-fetch-site": "same-origin", "origin": self.server.origin}
        headers = {**same, **(self.bearer if path.startswith(graph.PREFIXES) else {}), **more.pop("headers", {})}
        answer = self.visitor.http.request(method, path, headers=headers, **more)
        self.wrong += [f"{method} {path[:90]}: {what}" for what in problems(method, path, answer)]
        return answer

    def written(self) -> Counter[str]:
        """How many entries of kinds that are no refusals the journal holds."""

        async def body(tx: Tx) -> Counter[str]:
            return Counter(str(each.kind) for each in await since(tx, 0, 1_000_000) if each.kind not in HARMLESS)

        return self.server.run(self.server.house.store.read(body))


USUAL = (200, 303, 400, 401, 404, 405, 409)
"""What ids of nothing are answered with; 401 where a provider that nobody has sends a browser back."""


def targets(routes: Iterable[Route]) -> list[Target]:
    """Routes as targets: one for each path, with every method that some route of it takes."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        methods.setdefault(route.path, set()).update(route.methods or ())
    return [Target(path, frozenset(taken)) for path, taken in methods.items()]


ENDPOINTS = ("/oauth2/", "/discovery/", "/.well-known/", "/oidc/", "/backchannel_logout", "/ssf/")
"""What stands in the paths of those that answer as OAuth does."""


def problems(method: str, path: str, answer: httpx.Response) -> Iterator[str]:
    """What is wrong with an answer: a fault, or a refusal in another shape than its door's."""
    if answer.status_code >= 500:
        yield f"{answer.status_code}"
    if answer.status_code < 400 or method == "HEAD":
        return
    kind = answer.headers.get("content-type", "")
    if path.startswith(graph.PREFIXES):
        if not {"code", "message", "innerError"} <= set(document(answer).get("error", ())):
            yield f"not Graph's shape: {answer.status_code} {answer.text[:80]}"
    elif any(part in path for part in ENDPOINTS):
        said = document(answer)
        if not isinstance(said.get("error"), str) or not set(said["error_description"]) <= PRINTABLE:
            yield f"not OAuth's shape: {answer.status_code} {answer.text[:80]}"
    elif not kind.startswith("text/html"):
        yield f"not a page: {answer.status_code} {kind}"


PRINTABLE = {chr(number) for number in range(0x20, 0x7F)}


def document(answer: httpx.Response) -> Mapping[str, Any]:
    """The answer's JSON object; an empty one when it holds none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@pytest.fixture(scope="module")
def attacker(server: Server) -> Iterator[Attacker]:
    """Bea, an administrator, turned bad."""
    bea = server.people["bea"]
    with Visitor(server.origin, server.ca_file) as visitor:
        visitor.sign_in(bea.username, bea.password, bea.totp())
        yield Attacker(server, visitor, token_of(visitor))


def token_of(visitor: Visitor) -> str:
    """An access token for the admin API, by the authorization code flow of the CLI."""
    verifier, client = secrets.token_urlsafe(48), CLIENTS["ostiary-cli"]
    asked = {
        "client_id": client, "redirect_uri": REDIRECT, "response_type": "code", "state": "s",
        "scope": f"{visitor.origin}/.default openid", "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }  # fmt: skip
    back = visitor.authorize(asked).headers["location"]
    form = {
        "client_id": client, "grant_type": "authorization_code", "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": REDIRECT, "code_verifier": verifier,
    }  # fmt: skip
    return str(visitor.http.post("/common/oauth2/v2.0/token", data=form).json()["access_token"])


@pytest.fixture(autouse=True)
def _nothing_happens(attacker: Attacker) -> Iterator[None]:
    """After each attack: every answer was right, the journal holds nothing but refusals, and Bea is still signed in."""
    attacker.wrong.clear()
    before = attacker.written()
    yield
    assert attacker.wrong == []
    assert attacker.written() == before
    assert attacker.visitor.get("/account").status_code == 200


def test_the_attacker_is_let_in_and_there_is_something_to_attack(attacker: Attacker) -> None:
    """Otherwise everything below is turned away at the first door and proves nothing."""
    assert attacker.send("GET", "/v1.0/auditLogs/signIns").status_code == 200
    assert len(attacker.oauth) >= 8
    assert len(attacker.graph) >= 20
    assert len(attacker.pages) >= 12


def test_a_method_that_is_not_there_is_refused(attacker: Attacker) -> None:
    """405, or 400 where the protocol says so; never served as another method."""
    for target in attacker.all:
        implied = {"HEAD"} if "GET" in target.methods else set()
        graphs = {"OPTIONS"} if target.path.startswith(graph.PREFIXES) else set()
        for method in set(METHODS) - target.methods - implied - graphs:
            answer = attacker.send(method, target.filled())
            assert answer.status_code in (400, 404, 405), (method, target, answer.status_code)


def test_paths_are_filled_with_anything(attacker: Attacker) -> None:
    """Ids of nothing, bytes that are no text, a path of its own."""
    for target in attacker.all:
        for piece in PIECES if "{" in target.path.replace("{tenant}", "") else ():
            for method in target.methods & {"GET", "DELETE"}:
                assert attacker.send(method, target.filled(piece)).status_code in USUAL


@pytest.mark.parametrize("tenant", ["nobody", "%00", "%ff", "a" * 3000, "common%2f..", "organisations", "consumers"])
def test_r20_no_endpoint_has_another_tenant(attacker: Attacker, tenant: str) -> None:
    """400 or 404 at every endpoint that has a tenant in its path; the authorization endpoint explains on a page."""
    for target in attacker.oauth:
        if "{tenant}" in target.path:
            method = "POST" if "GET" not in target.methods else "GET"
            answer = attacker.send(method, target.path.replace("{tenant}", tenant), content=b"a=b", headers=FORM)
            if target.path.endswith("/authorize") and answer.status_code == 303:
                assert answer.headers["location"].startswith("/error/")
            else:
                assert answer.status_code in (400, 404), (target, answer.status_code)


def test_queries_of_any_kind_change_nothing(attacker: Attacker) -> None:
    """A GET answers or refuses, whatever stands behind the question mark; it leads to our own pages alone."""
    for target in attacker.all:
        for query in QUERIES if "GET" in target.methods else ():
            answer = attacker.send("GET", f"{target.filled()}?{quote(query, safe='%&=$')}")
            assert answer.headers.get("location", "/").startswith("/")
            assert not answer.headers.get("location", "/").startswith("//")


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_bad_parameter_is_refused_at_every_endpoint(attacker: Attacker, name: str) -> None:
    """Each of the protocol's parameters with each bad value, twice, and missing: no tokens, no code, no sign-in."""
    rest = {key: value for key, value in PARAMETERS.items() if key != name and value}
    base = urlencode(rest).encode()
    bad = [base, *(base + b"&%s=%s" % (name.encode(), value) for value in VALUES.values())]
    bad.append(base + b"&%s=a&%s=a" % (name.encode(), name.encode()))
    for target in attacker.oauth:
        for body in bad if "POST" in target.methods else ():
            answer = attacker.send("POST", target.filled(), content=body, headers=FORM)
            assert not {"access_token", "device_code", "refresh_token"} & set(document(answer))


@pytest.mark.parametrize("what", BODIES)
def test_a_bad_body_is_refused_at_every_endpoint_and_page(attacker: Attacker, what: str) -> None:
    """400 everywhere, with a genuine form token beside it where there is a page."""
    body, headers = BODIES[what]
    token = hidden(attacker.visitor.get("/devicelogin").text, "/devicelogin")["form_token"]
    for target in (*attacker.oauth, *attacker.pages):
        if "POST" in target.methods:
            genuine = body + b"&form_token=" + token.encode() if headers == FORM else body
            answer = attacker.send("POST", target.filled(), content=genuine, headers=headers)
            allowed = (303, 400, 401) if target in attacker.oauth else (400, 403)
            assert answer.status_code in allowed, (target, answer.status_code)


FIELDLESS = ("/signout", "/account/end-all", "/account/recovery")
"""Pages whose forms ask for nothing: pressing their button does what it says."""


@pytest.mark.parametrize("what", VALUES)
def test_pages_get_bad_values_in_their_own_fields(attacker: Attacker, what: str) -> None:
    """Every field of every page's form holds the value, with a genuine form token; the page says no."""
    token = hidden(attacker.visitor.get("/devicelogin").text, "/devicelogin")["form_token"].encode()
    names = (b"username", b"password", b"repeat", b"totp", b"user_code", b"code", b"token", b"display", b"offer")
    fields = b"&".join(name + b"=" + VALUES[what][: 6000 // len(names)] for name in names)
    for target in attacker.pages:
        if "POST" in target.methods and target.path not in FIELDLESS:
            body = fields + b"&form_token=" + token
            answer = attacker.send("POST", target.filled(), content=body, headers=FORM)
            assert answer.status_code in (303, 400, 401, 403, 404, 409, 429), (target, answer.status_code)
            assert "<script>" not in answer.text
