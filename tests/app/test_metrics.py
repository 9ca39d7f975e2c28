"""
Metrics through their own door, of a real server after a real device sign-in.
"""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families

from ostiary.app.config import Config, ConfigRefused, load
from ostiary.app.metrics import METRICS, document
from ostiary.app.metrics_door import metrics_door
from ostiary.core.logs.kinds import Kind
from ostiary.web import graph, oauth, pages, scim
from ostiary.web.front import health
from ostiary.web.front.credentials import api_visit
from tests.app.test_observing import promtool
from tests.attacks.visitor import Visitor
from tests.collector import free_port
from tests.process import CLI, DEVICE_CODE
from tests.server import Server, running

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "0123456789abcdef-of-prometheus"


class Watched:
    """A server whose metrics are asked for."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.secrets: list[str] = []
        self.place = f"http://{server.config.metrics_listen}"

    def get(self, path: str = "/metrics", **headers: str) -> httpx.Response:
        """Ask with the token."""
        return httpx.get(self.place + path, headers={"authorization": f"Bearer {TOKEN}", **headers}, trust_env=False)

    def text(self) -> str:
        """One scrape."""
        answer = self.get()
        assert answer.status_code == 200
        return answer.text

    def value(self, name: str, **labels: str) -> float:
        """One sample."""
        found = [
            sample.value
            for family in families(self.text())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(found) == 1, (name, labels, found)
        return found[0]


def sign_in(watched: Watched) -> None:
    """A refused start, then a device sign-in with a pending poll, a refresh and an exemption."""
    server = watched.server
    alice = server.people["alice"]
    with Visitor(server.origin, server.ca_file) as visitor:
        asked = {"client_id": CLI, "scope": f"{server.origin}/.default offline_access"}
        start, token = "/common/oauth2/v2.0/devicecode", "/common/oauth2/v2.0/token"
        assert visitor.http.post(start, data=asked).status_code == 403
        server.open_exemption("alice")
        begun = visitor.http.post(start, data=asked).json()
        poll = {"client_id": CLI, "grant_type": DEVICE_CODE, "device_code": begun["device_code"]}
        assert visitor.http.post(token, data=poll).json()["error"] == "authorization_pending"
        visitor.sign_in(alice.username, alice.password, alice.totp())
        visitor.approve(visitor.claim(begun["user_code"]))
        tokens = visitor.http.post(token, data=poll).json()
        refresh = {"client_id": CLI, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        again = visitor.http.post(token, data=refresh).json()
        visitor.http.get("/nobody/knows/this/path?code=" + begun["device_code"])
        visitor.http.request("PROPFIND", "/healthz")
        watched.secrets += [
            begun["device_code"], begun["user_code"], begun["user_code"].replace("-", ""), *visitor.given,
            *(each[kind] for each in (tokens, again) for kind in ("access_token", "refresh_token")),
        ]  # fmt: skip


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """After the story."""
    home = tmp_path_factory.mktemp("metrics")
    token = home / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    with running(home / "data", metrics_listen=f"127.0.0.1:{free_port()}", metrics_token_file=token) as server:
        told = Watched(server)
        sign_in(told)
        yield told


def test_a_sign_in_is_seen_in_requests_and_in_the_journal(watched: Watched) -> None:
    """Doors are counted as they answer, outcomes as they are on disk; two scrapes count nothing twice."""
    devicecode = {"route": "/oauth2/v2.0/devicecode", "method": "POST"}
    for _ in range(2):
        assert watched.value("ostiary_http_requests_total", **devicecode, status="2xx") == 1
        assert watched.value("ostiary_http_requests_total", **devicecode, status="4xx") == 1
        assert watched.value("ostiary_http_request_duration_seconds_count", route="/oauth2/v2.0/token") == 3
        assert watched.value("ostiary_journal_entries_total", kind="device:signin:redeemed") == 1
        assert watched.value("ostiary_journal_entries_total", kind="token:session:refreshed") == 1
    assert watched.value("ostiary_exemptions_open", how="usual") == 1
    assert watched.value("ostiary_ready") == watched.value("ostiary_scrape_complete") == 1
    assert watched.value("ostiary_commit_deeds_count") == watched.value("ostiary_commit_duration_seconds_count") > 0
    assert watched.value("ostiary_job_runs_total", job="stories", result="ok") > 0
    assert watched.value("ostiary_certificate_end_timestamp_seconds") > watched.server.clock.now() / 1_000_000


def test_every_metric_of_the_table_is_exposed(watched: Watched) -> None:
    """A metric that no server ever shows is none; the newer format has the same."""
    shown = {family.name for family in families(watched.text())}
    assert {metric.name for metric in METRICS} <= shown
    assert any(name.startswith("process_") for name in shown)
    answer = watched.get(accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert {metric.name for metric in METRICS} <= {family.name for family in open_families(answer.text)}


def test_promtool_finds_nothing_wrong(watched: Watched) -> None:
    """Prometheus' own linter of exposed metrics."""
    assert promtool("check", "metrics", stdin=watched.text()) == ""


def words_of(metric: Metric) -> Iterator[tuple[str, str, str]]:
    """Metric, label and value of each sample."""
    for sample in metric.samples:
        for label, value in sample.labels.items():
            yield metric.name, label, value


def test_r17_no_label_holds_anything_that_people_chose(watched: Watched) -> None:
    """Each label's values are the program's own words: kinds, routes, methods, bounds; never a name, path or id."""
    ours = {
        "route": re.compile(r"other|(/(\{[a-z_]+(:path)?\}|[A-Za-z0-9._$()-]+))+|/"),
        "method": re.compile("GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|other"),
        "status": re.compile("[2345]xx|none"),
        "kind": re.compile("|".join(re.escape(kind.value) for kind in Kind)),
        "job": re.compile("[a-z]+"),
        "result": re.compile("ok|failed|sent|dropped"),
        "reader": re.compile("stories|checkpoints|detections|notices|signals|sinks"),
        "how": re.compile("usual|break_glass"),
        "algorithm": re.compile("ES256|RS256"),
        "le": re.compile(r"[0-9.]+|\+Inf"),
        "version": re.compile(r"[0-9.a-z+]+"),
    }
    found = [word for family in families(watched.text()) for word in words_of(family)]
    assert [word for word in found if not ours[word[1]].fullmatch(word[2])] == []
    assert "other" in {value for _, label, value in found if label == "route"}
    routes = {value for _, label, value in found if label == "route"}
    house = watched.server.house
    cold = [*oauth.routes(house), *pages.routes(house), *graph.routes(house, api_visit), *scim.routes(house)]
    cold += health.routes(house)
    assert routes <= {getattr(route, "path", "") for route in cold} | set(oauth.hot_doors(house)) | {"other"}


def test_r17_no_secret_and_nobody_is_in_the_metrics(watched: Watched) -> None:
    """Nothing that was issued, and none of the people."""
    text = watched.text()
    people = [*watched.server.people, *(human.username for human in watched.server.people.values())]
    assert len(watched.secrets) >= 8
    assert [word for word in (*watched.secrets, *people, "127.0.0.1", "localhost", CLI) if word in text] == []


def test_the_door_opens_to_its_token_alone(watched: Watched) -> None:
    """Without it, with another one, in another scheme or twice: not even the path is told. And it knows one path."""
    place = watched.place + "/metrics"
    for shown in ({}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": f"Basic {TOKEN}"}):
        assert httpx.get(place, headers=shown, trust_env=False).status_code == 401
    twice = [("authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}")]
    assert httpx.get(place, headers=twice, trust_env=False).status_code == 401
    assert httpx.get(watched.place + "/healthz", trust_env=False).status_code == 401
    assert watched.get("/healthz").status_code == 404
    posted = httpx.post(place, headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False)
    assert posted.status_code == 405
    tls = ssl.create_default_context(cafile=watched.server.ca_file)
    with httpx.Client(verify=tls, trust_env=False) as public:
        assert public.get(watched.server.origin + "/metrics").status_code == 404


def test_what_is_not_loopback_needs_tls_and_a_token(tmp_path: Path) -> None:
    """What the service does all day is nobody's business on the network."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    for wrong in ("0.0.0.0:9464", "[::]:9464"):
        with pytest.raises(ConfigRefused, match="metrics_token_file"):
            load(None, {}, metrics_listen=wrong)
        door = metrics_door(load(None, {}, metrics_listen=wrong, metrics_token_file=token))
        assert door is not None
        assert door.tls
        assert door.token
        assert TOKEN not in repr(door)
    behind = {"plain": True, "proxy_header": "x", "proxy_socket": tmp_path / "s", "metrics_token_file": token}
    with pytest.raises(ConfigRefused, match="certificate"):
        metrics_door(load(None, {}, metrics_listen="192.0.2.1:9464", **behind))
    for wrong in ("localhost:9464", "127.0.0.1", "127.0.0.1:x", "::1:9464", "127.0.0.1:70000"):
        with pytest.raises(ConfigRefused, match="metrics_listen"):
            load(None, {}, metrics_listen=wrong)
    assert metrics_door(Config()) is None


def test_a_token_that_others_may_read_is_none(tmp_path: Path) -> None:
    """As every secret's file: private, and not short."""
    for content, mode in ((TOKEN, 0o644), ("short", 0o600)):
        token = tmp_path / f"token{mode}"
        token.write_text(content)
        token.chmod(mode)
        with pytest.raises(ConfigRefused, match="metrics_token_file"):
            metrics_door(load(None, {}, metrics_listen="127.0.0.1:9464", metrics_token_file=token))
    with pytest.raises(ConfigRefused, match="metrics_token_file"):
        metrics_door(load(None, {}, metrics_listen="[::1]:9464", metrics_token_file=tmp_path / "none"))


def test_the_table_of_metrics_is_documented() -> None:
    """The page is made from the code."""
    page = (ROOT / "docs" / "telemetry.md").read_text("utf-8")
    assert document() in page
    assert len({metric.name for metric in METRICS}) == len(METRICS)
