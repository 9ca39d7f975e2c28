"""R13: where a request came from, and who may say so; callers from credentials."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import CallerKind
from ostiary.core.words.digests import digest
from ostiary.services.house import House, Proxy
from ostiary.services.tokens.caller import Credentials, identify
from ostiary.web.front.certificate import certificate
from ostiary.web.front.credentials import api_visit, authorization, cookie, of_api, page_visit
from ostiary.web.front.stack import stack
from ostiary.web.front.visit import PROXY, visit
from tests.web.pages.site import BOB, Site

SECRET = "between proxy and house"
BY_ADDRESS = Proxy(
    "x-forwarded-for", networks=(ip_network("10.0.0.0/8"),), secret_header="X-Proxy-Secret", secret=digest(SECRET)
)
Headers = list[tuple[bytes, bytes]]


def scope(headers: Headers | None = None, peer: str | None = "198.51.100.7", **more: Any) -> dict[str, Any]:
    """What a server hands over."""
    client = None if peer is None else (peer, 4711)
    return {"type": "http", "method": "GET", "path": "/", "headers": headers or [], "client": client, **more}


def behind(site: Site, proxy: Proxy | None) -> House:
    """The house behind *proxy*."""
    return replace(site.house, settings=replace(site.house.settings, proxy=proxy))


FORWARDED = (b"x-forwarded-for", b"6.6.6.6, 203.0.113.9")
PROOF = (b"x-proxy-secret", SECRET.encode())


@pytest.mark.parametrize(
    ("proxy", "peer", "headers", "address"),
    [
        (None, "198.51.100.7", [FORWARDED], "198.51.100.7"),
        (None, "127.0.0.1", [FORWARDED], "127.0.0.1"),
        (None, "::ffff:198.51.100.7", [], "198.51.100.7"),
        (BY_ADDRESS, "10.1.2.3", [FORWARDED, PROOF], "203.0.113.9"),
        (BY_ADDRESS, "10.1.2.3", [FORWARDED], "10.1.2.3"),
        (BY_ADDRESS, "10.1.2.3", [FORWARDED, (b"x-proxy-secret", b"guess")], "10.1.2.3"),
        (BY_ADDRESS, "10.1.2.3", [FORWARDED, PROOF, PROOF], "10.1.2.3"),
        (BY_ADDRESS, "198.51.100.7", [FORWARDED, PROOF], "198.51.100.7"),
        (BY_ADDRESS, "127.0.0.1", [FORWARDED, PROOF], "127.0.0.1"),
        (BY_ADDRESS, "10.1.2.3", [PROOF], "10.1.2.3"),
        (BY_ADDRESS, "10.1.2.3", [(b"x-forwarded-for", b"nonsense"), PROOF], "10.1.2.3"),
        (BY_ADDRESS, "10.1.2.3", [(b"forwarded", b"for=6.6.6.6"), PROOF], "10.1.2.3"),
        (replace(BY_ADDRESS, hops=2), "10.1.2.3", [FORWARDED, PROOF], "6.6.6.6"),
        (replace(BY_ADDRESS, hops=3), "10.1.2.3", [FORWARDED, PROOF], "10.1.2.3"),
        (replace(BY_ADDRESS, secret=b""), "10.1.2.3", [FORWARDED, PROOF], "10.1.2.3"),
        (BY_ADDRESS, "10.1.2.3", [FORWARDED, (b"x-forwarded-for", b"2001:db8::1"), PROOF], "2001:db8::1"),
        (Proxy("x-real-ip", unix=True), "socket", [(b"x-real-ip", b"203.0.113.9")], "203.0.113.9"),
        (Proxy("x-real-ip", unix=True), None, [(b"x-real-ip", b"203.0.113.9")], ""),
        (Proxy("x-real-ip", unix=True), "127.0.0.1", [(b"x-real-ip", b"203.0.113.9")], "127.0.0.1"),
        (BY_ADDRESS, None, [FORWARDED, PROOF], ""),
        (BY_ADDRESS, "socket", [FORWARDED, PROOF], ""),
    ],
)
def test_r13_only_the_configured_proxy_says_where_from(
    site: Site, proxy: Proxy | None, peer: str | None, headers: Headers, address: str
) -> None:
    """R13: one header, one proxy, proven; counted from the right; loopback is nobody special, no address is nobody."""
    marked: dict[str, Any] = {"extensions": {PROXY: {}}} if peer == "socket" else {}
    assert visit(scope(headers, None if marked else peer, **marked), behind(site, proxy)).address == address


def test_r13_the_local_door_is_no_proxy(site: Site) -> None:
    """R13: both have no TCP peer; the marks of the server tell them apart."""
    house = behind(site, Proxy("x-real-ip", unix=True))
    marked = scope([(b"x-real-ip", b"6.6.6.6")], None, extensions={"ostiary.local": {"uid": 0, "user": "root"}})
    assert visit(marked, house).address == ""


CERT, CHAIN, NGINX = b"client-cert", b"client-cert-chain", b"x-client-cert"
TELLS = replace(BY_ADDRESS, certificate_header="client-cert")
TELLS_PEM = replace(BY_ADDRESS, certificate_header="x-client-cert")
PEM = quote("-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n").encode()
SHOWN = (CERT, b":AAAA:")


@pytest.mark.parametrize(
    ("proxy", "peer", "shown", "status"),
    [
        (None, "10.1.2.3", [SHOWN], 400),
        (None, "127.0.0.1", [(CHAIN, b":AAAA:")], 400),
        (BY_ADDRESS, "10.1.2.3", [SHOWN], 400),  # nobody said that it tells certificates
        (TELLS, "198.51.100.7", [SHOWN], 400),
        (TELLS, "10.1.2.3", [SHOWN, SHOWN], 400),
        (TELLS, "10.1.2.3", [SHOWN, (CHAIN, b":AAAA:"), (CHAIN, b":AAAA:")], 400),
        (TELLS, "10.1.2.3", [(CHAIN, b":AAAA:")], 400),
        (TELLS, "10.1.2.3", [(CERT, b"::")], 400),
        (TELLS, "10.1.2.3", [(CERT, b"AAAA")], 400),
        (TELLS, "10.1.2.3", [(CERT, b":AAAA:;a=1")], 400),
        (TELLS, "10.1.2.3", [(CERT, b":AA!A:")], 400),
        (TELLS, "10.1.2.3", [(CERT, b":" + b"AAAA" * 5000 + b":")], 400),
        (TELLS, "10.1.2.3", [(CERT, PEM)], 400),
        (TELLS_PEM, "10.1.2.3", [SHOWN], 400),  # a client's own, which the proxy let pass
        (TELLS_PEM, "10.1.2.3", [(NGINX, PEM), SHOWN], 400),
        (TELLS_PEM, "10.1.2.3", [(NGINX, PEM), (NGINX, PEM)], 400),
        (TELLS_PEM, "10.1.2.3", [(NGINX, PEM + PEM)], 400),
        (TELLS_PEM, "10.1.2.3", [(NGINX, b":AAAA:")], 400),
        (TELLS_PEM, "198.51.100.7", [(NGINX, PEM)], 400),
        (TELLS, "10.1.2.3", [SHOWN], 200),
        (TELLS, "10.1.2.3", [SHOWN, (CHAIN, b":AAAA:")], 200),
        (TELLS_PEM, "10.1.2.3", [(NGINX, PEM)], 200),
        (TELLS_PEM, "10.1.2.3", [(NGINX, b"")], 200),
    ],
)
def test_r13_borrowed_certificates_are_refused(
    site: Site, proxy: Proxy | None, peer: str, shown: Headers, status: int
) -> None:
    """R13: from anybody but the proxy, under another name than the configured, twice, or not in its one form."""
    app = site.serve(behind(site, proxy))
    assert fetch(site, app, [*shown, PROOF], peer).status_code == status


def test_r13_a_certificate_is_read_in_both_forms(site: Site) -> None:
    """RFC 9440's byte sequence, and nginx's escaped PEM; without the header there is none."""
    for proxy, header, der in ((TELLS, SHOWN, "000000"), (TELLS_PEM, (NGINX, PEM), "000000041041"), (TELLS, PROOF, "")):
        found = certificate(scope([header, PROOF], "10.1.2.3"), behind(site, proxy))
        assert isinstance(found, bytes)
        assert found.hex() == der


def fetch(site: Site, app: Any, headers: Headers, peer: str) -> httpx.Response:
    """GET of the sign-in page."""

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url=site.origin) as client:
            return await client.get("/signin", headers=headers)

    return site.run(get())


def test_a_correlation_is_shown_back_only_when_it_is_harmless(site: Site) -> None:
    """And the reference is always our own."""
    fine = visit(scope([(b"client-request-id", b"4f6e8b9a-1111")]), site.house)
    assert (fine.correlation, fine.id != fine.correlation) == ("4f6e8b9a-1111", True)
    for bad in (b"", b"a\nb", b"<b>", b"x" * 65):
        odd = visit(scope([(b"client-request-id", bad)]), site.house)
        assert odd.correlation == odd.id


def test_a_request_has_one_visit(site: Site) -> None:
    """Access log, door and fault name the same reference."""
    one = scope([(b"user-agent", b"\xff" + b"x" * 900)])
    assert visit(one, site.house) is visit(one, site.house)
    assert len(visit(one, site.house).agent) == 512


def test_pages_take_cookies_only_and_apis_never(site: Site) -> None:
    """No page of another site makes a browser act at the admin API."""
    browser = site.browser()
    browser.sign_in(BOB)
    kept = browser.cookies["__Host-session"].encode()
    with_cookie = [(b"cookie", b"__Host-session=" + kept)]
    assert site.run(page_visit(site.house, scope(with_cookie))).caller.kind is CallerKind.USER
    assert site.run(api_visit(site.house, scope(with_cookie))).caller.kind is CallerKind.NOBODY
    assert site.run(page_visit(site.house, scope([(b"authorization", b"Bearer x")]))).caller.kind is CallerKind.NOBODY


def test_what_comes_twice_counts_as_none() -> None:
    """Two cookies of one name, two Authorization headers: nobody guesses which was meant."""
    assert cookie(scope([(b"cookie", b"a=1; b=2; a=3")]), "a") == ""
    assert cookie(scope([(b"cookie", b"a=1"), (b"cookie", b"a=1")]), "a") == ""
    assert cookie(scope([(b"cookie", b"a=1; b=2")]), "b") == "2"
    assert authorization(scope([(b"authorization", b"bearer x")]), "bearer") == "x"
    assert authorization(scope([(b"authorization", b"Bearer x")] * 2), "bearer") == ""


def test_r2_the_local_door_is_marked_by_the_server_and_can_be_switched_off(site: Site) -> None:
    """R2: a header cannot claim it."""
    marked = scope(extensions={"ostiary.local": {"uid": 1000, "user": "ops"}})
    assert of_api(marked).local_user == "ops"
    caller = site.run(api_visit(site.house, marked)).caller
    assert (caller.actor, caller.roles) == ("local:ops", frozenset())
    off = replace(site.house, settings=replace(site.house.settings, local_door=False))
    assert site.run(identify(off, Credentials(local_user="ops"), site.visit())).caller.kind is CallerKind.NOBODY


@pytest.mark.parametrize(
    ("path", "status", "key"),
    [
        ("/v1.0/users", 500, "error"),
        ("/common/oauth2/v2.0/token", 400, "error_description"),
        ("/common/oauth2/v2.0/authorize", 500, "error_description"),
        ("/signin", 500, ""),
    ],
)
def test_a_fault_denies_in_the_shape_of_its_door_and_is_noted(site: Site, path: str, status: int, key: str) -> None:
    """No text of the exception leaves; the journal has its class and the reference that was given."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("the secret is 4711")

    app = stack(broken, site.house)

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=site.origin) as client:
            return await client.get(path)

    answer = site.run(get())
    assert answer.status_code == status
    assert "4711" not in answer.text
    if key:
        assert key in answer.json()
    noted = site.entries(Kind.FAULT)[0]["detail"]
    assert noted["error"] == "RuntimeError"
    assert noted["reference"] in answer.text


def test_access_logs_hold_no_query(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """R16: whatever stands behind the question mark stays out of them."""
    site.browser().get("/signin?return=/account&note=hidden-thing")
    shown = capsys.readouterr()
    assert "path=/signin" in shown.out.replace("\x1b[35m", "").replace("\x1b[36m", "").replace("\x1b[0m", "")
    assert "hidden-thing" not in shown.out + shown.err
