"""Our reading of an address against Apprise's own (R24): the host that we judge is the host that it asks."""

import logging
import warnings
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType, SimpleNamespace
from urllib.parse import urlsplit

import apprise
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.notices.address import SCHEMES, At, Form, read_address
from ostiary.core.words.destinations import Place
from ostiary.core.words.outcome import Refused
from ostiary.outside.apprise import _CHILD as CHILD

PATHS = {
    "ntfy": "topic", "gotify": "ABCDEFGHIJKLMNO", "mmost": "aaaaaaaaaaaaaaaaaaaaaaaaaa", "json": "in",
    "workflow": "643e69f83c8944438d68119179a10a64/hBK9fRxZ",
}  # fmt: skip
AT_HOST = sorted(name for name, scheme in SCHEMES.items() if scheme.at is At.HOST)
HOSTS = (
    "public.example", "PUBLIC.example.", "10.0.0.5", "169.254.169.254", "8.8.8.8", "[::1]", "[2606:4700::1111]",
    "a_b.example", "2130706433", "127.1", "0x7f000001", "010.0.0.1", "localhost", "x", "topic",
    "[fe80::1%eth0]", "fd00::1",
)  # fmt: skip
GLUE = (
    "@",
    ":",
    "/",
    "//",
    "\\",
    "#",
    "?",
    ";",
    "%2f",
    "%40",
    "%5c",
    "@@",
    ":443",
    ":8443",
    ":0",
    ":",
    "u:p@",
    "&",
    "=",
)
ADDRESSES = st.lists(st.sampled_from(HOSTS + GLUE), max_size=5).map("".join) | st.builds(
    "{}{}{}{}".format,
    st.sampled_from(("", "", "u@", "u:p@", "u%40x:p%2f@", "10.0.0.5:8@")), st.sampled_from(HOSTS),
    st.sampled_from(("", "", ":8443", ":443", ":00443")),
    st.sampled_from(
        ("", "/", "/latest@", "/x@public.example/y", "//10.0.0.5", "/#@10.0.0.5", "/%2f..%2f@x", "/\\10.0.0.5")
    ),
)  # fmt: skip
OPTIONS = st.sampled_from(("", "", "?to=10.0.0.5", "?mode=private", "?mode=bot&channel=c&team=t", "?id=..%2f@10.0.0.5"))


def asked_by_apprise(address: str, monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    """Whom Apprise asks for *address*, by the URLs that it sends; nothing leaves."""
    urls: list[str] = []

    def send(self: requests.Session, request: requests.PreparedRequest, **options: object) -> requests.Response:
        assert request.url is not None
        urls.append(request.url)
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, request, request.url
        answer._content = b'{"id": "i"}'
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(requests.Session, "send", send)
        plugin = apprise.Apprise.instantiate(address)
        if plugin is not None:
            plugin.request_rate_per_sec = 0
            plugin.notify(body="b", title="t")
    found = [(urlsplit(url), {"https": 443, "http": 80}) for url in urls]
    return [Place(at.scheme, str(at.hostname).rstrip("."), at.port or ports[at.scheme]) for at, ports in found]


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Apprise imports its services once, with what libraries of theirs warn of."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        apprise.Apprise.instantiate("json://public.example")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of requests, about what Apprise gives it
@settings(max_examples=200)
@given(st.sampled_from(AT_HOST), ADDRESSES, OPTIONS)
def test_r24_whom_apprise_asks_is_whom_we_judge(scheme: str, rest: str, options: str) -> None:
    """R24: whatever stands in an address that we take, each request of Apprise goes to the place that we read in it."""
    address = f"{scheme}://{rest}/{PATHS[scheme.removesuffix('s')]}{options}"
    read = read_address(Form.APPRISE, address)
    if isinstance(read, Refused):
        return
    cloud = {Place("https", "ntfy.sh", 443)} if scheme.startswith("ntfy") else set()
    with pytest.MonkeyPatch.context() as monkeypatch:
        for place in asked_by_apprise(address, monkeypatch):
            assert place == read.place or place in cloud, address


@pytest.mark.parametrize("scheme", AT_HOST)
@pytest.mark.parametrize("host", ["public.example:8443", "u:p@[2606:4700::1111]", "PUBLIC.example."])
def test_each_service_is_asked_at_all(scheme: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison above compares: for each service there are addresses that both sides take."""
    address = f"{scheme}://{host}/{PATHS[scheme.removesuffix('s')]}"
    read = read_address(Form.APPRISE, address)
    assert not isinstance(read, Refused)
    assert set(asked_by_apprise(address, monkeypatch)) == {read.place}


@pytest.mark.parametrize(
    "address", ["json://169.254.169.254/latest@", "jsons://10.0.0.5/x@public.example/y", "ntfys://10.0.0.5/@x/topic"]
)
def test_r24_an_at_sign_in_a_path_hides_no_host(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """R24: the host is what stands before the path, for Apprise and for us."""
    read = read_address(Form.APPRISE, address)
    assert not isinstance(read, Refused)
    assert read.place is not None
    assert read.place.host in ("169.254.169.254", "10.0.0.5")
    assert asked_by_apprise(address, monkeypatch) == [read.place] or address.startswith("ntfys")


def _child() -> ModuleType:
    """What runs in the process of one message, without its hook."""
    spec = spec_from_file_location("child", CHILD)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROXY = "http://proxy.example:3128"
LISTED = ("http://plain.example:8080", "inside.example", "10.1.0.0/16")


@pytest.mark.parametrize(
    ("url", "tls", "proxy", "way"),
    [
        ("https://public.example/x", True, "", {}),
        ("https://public.example/x", True, PROXY, {"https": PROXY}),
        ("https://inside.example/x", True, PROXY, {}),
        (
            "https://10.1.2.3/x",
            True,
            PROXY,
            {"https": PROXY},
        ),  # a listed network goes through, too
        ("http://plain.example:8080/x", False, PROXY, {}),
        ("http://plain.example:8080/x", True, "", None),  # TLS was said
        ("http://plain.example:8081/x", False, "", None),
        ("http://public.example/x", False, PROXY, None),
        ("https://10.0.0.5/x", True, "", None),
        ("https://10.0.0.5/x", True, PROXY, None),
        ("https://[::ffff:169.254.169.254]/x", True, PROXY, None),
        ("https://2130706433/x", True, PROXY, None),
        ("https://user@public.example/x", True, PROXY, None),
        ("ftp://public.example/x", True, PROXY, None),
        ("", True, PROXY, None),
    ],
)
def test_r24_each_request_of_the_process_is_judged_by_its_url(
    url: str, tls: bool, proxy: str, way: dict[str, str] | None
) -> None:
    """R24: the first one, and each that a redirect or an answer leads to; certificates are always proven."""
    child, sent = _child(), []
    guard = child.Guard(child.read_destinations(LISTED), proxy, tls=tls)
    send = guard.judged(lambda adapter, request, **options: sent.append((request.url, options)))
    if way is None:
        with pytest.raises(child.Barred):
            send(None, SimpleNamespace(url=url), verify=True, proxies={"https": "http://other.example:1"})
        assert sent == []
        assert guard.barred
        return
    for verify, proven in ((False, True), (True, True), ("/a/bundle.pem", "/a/bundle.pem")):
        send(None, SimpleNamespace(url=url), verify=verify, proxies={"https": "http://other.example:1"}, timeout=1)
        assert sent.pop() == (url, {"verify": proven, "proxies": way, "timeout": 1})
