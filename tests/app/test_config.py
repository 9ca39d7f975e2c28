"""One configuration: a file, then the environment; everything wrong with it is said at once."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.app.config import Config, ConfigRefused, document, load
from ostiary.app.settings import settings
from ostiary.core.words.instants import days, minutes
from ostiary.services.house import Proxy

ROOT = Path(__file__).resolve().parents[2]


def _refused(path: Path | None, environ: dict[str, str], **given: object) -> tuple[str, ...]:
    with pytest.raises(ConfigRefused) as refused:
        load(path, environ, **given)
    return refused.value.problems


def test_every_setting_is_documented() -> None:
    """The page is made from the code, so it cannot be behind."""
    assert (ROOT / "docs" / "configuration.md").read_text("utf-8") == document()
    assert all(field.description for field in Config.model_fields.values())


def test_unknown_keys_and_wrong_values_are_told_all_at_once(tmp_path: Path) -> None:
    """A misspelt key is never ignored: it may be the one that closes a door."""
    path = tmp_path / "ostiary.toml"
    path.write_text('prot = 8443\npoll_interval = 0\norigin = "http://plain.example"\n')
    problems = _refused(path, {"OSTIARY_SERVER_LOCAL_DOR": "false"})
    assert [p.partition(":")[0] for p in sorted(problems)] == ["local_dor", "origin", "poll_interval", "prot"]


def test_the_environment_wins_over_the_file_and_options_over_both(tmp_path: Path) -> None:
    """The order that operators expect."""
    path = tmp_path / "ostiary.toml"
    path.write_text('port = 1001\nname = "File"\npoll_interval = 7\n')
    environ = {"OSTIARY_SERVER_PORT": "1002", "OSTIARY_SERVER_NAME": "Foo, Inc.", "OSTIARY_SERVER_DOMAINS": "a.example"}
    settled = load(path, environ, port=1003)
    assert (settled.port, settled.name, settled.domains, settled.poll_interval) == (
        1003,
        "Foo, Inc.",
        ("a.example",),
        7,
    )


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """No file is not the same as an empty one."""
    assert _refused(tmp_path / "none.toml", {})
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"port = = 1")
    assert _refused(broken, {})


def test_r13_plain_http_needs_a_proxy_and_a_proxy_needs_its_secret(tmp_path: Path) -> None:
    """Loopback or an address alone proves nothing about who forwards."""
    assert "plain" in _refused(None, {}, plain=True)[0]
    named = load(None, {}, plain=True, proxy_header="x-forwarded-for", proxy_networks=("127.0.0.1/32",))
    with pytest.raises(ConfigRefused):
        settings(named)
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef\n")
    more = {"proxy_secret_header": "X-Proxy", "proxy_secret_file": secret}
    proxy = settings(named.model_copy(update=more)).proxy
    assert proxy is not None
    assert b"0123456789abcdef" not in repr(proxy).encode()


def test_r13_a_proxy_is_a_socket_or_an_address_with_a_secret(tmp_path: Path) -> None:
    """Never both, never in a folder that everybody may write to; and it always says where requests come from."""
    place = tmp_path / "run"
    place.mkdir(mode=0o750)
    asked: dict[str, Any] = {"proxy_header": "X-Forwarded-For", "proxy_socket": place / "proxy.sock"}
    told = settings(load(None, {}, proxy_certificate_header="Client-Cert", **asked)).proxy
    assert told == Proxy("x-forwarded-for", unix=True, certificate_header="client-cert")
    for more in ({"proxy_networks": ("10.0.0.0/8",)}, {"proxy_secret_header": "X"}, {"data": place}):
        with pytest.raises(ConfigRefused):
            settings(load(None, {}, **asked, **more))
    place.chmod(0o777)
    with pytest.raises(ConfigRefused):
        settings(load(None, {}, **asked))
    with pytest.raises(ConfigRefused):
        settings(load(None, {}, **{**asked, "proxy_socket": tmp_path / "none" / "proxy.sock"}))
    assert "proxy_header" in _refused(None, {}, proxy_socket=place / "proxy.sock")[0]


def test_r13_certificates_have_a_host_of_their_own() -> None:
    """Browsers are never asked for one; and without a header that tells certificates the host leads nowhere."""
    host = {"proxy_header": "x-forwarded-for", "origin": "https://a.example"}
    assert "mtls_origin" in _refused(None, {}, mtls_origin="https://b.example", **host)[0]
    told = {"proxy_certificate_header": "client-cert", **host}
    assert "mtls_origin" in _refused(None, {}, mtls_origin="https://a.example:9443", **told)[0]
    assert "mtls_origin" in _refused(None, {}, mtls_origin="http://b.example", **told)[0]
    assert load(None, {}, mtls_origin="https://b.example", **told).mtls_origin == "https://b.example"


def test_r24_what_outgoing_requests_may_reach_is_read_at_the_start() -> None:
    """R24: an entry that opens something else than it says is an error before anything is asked."""
    given = ("tickets.example:8443", "10.1.0.0/16", "http://hooks.example")
    assert load(None, {"OSTIARY_SERVER_OUTGOING_ALLOW": ",".join(given)}).outgoing_allow == given
    assert "outgoing_allow" in _refused(None, {}, outgoing_allow=("*.example",))[0]
    assert load(None, {}, outgoing_proxy="http://proxy.example:3128").outgoing_proxy
    for proxy in ("https://proxy.example:3128", "http://u:p@proxy.example:3128", "http://proxy.example", "proxy:3128"):
        assert "outgoing_proxy" in _refused(None, {}, outgoing_proxy=proxy)[0]


def test_r15_tables_of_the_journal_are_read_from_file_and_environment(tmp_path: Path) -> None:
    """A key of a table is a variable with both names; what is too short, or misspelt, is refused."""
    path = tmp_path / "ostiary.toml"
    path.write_text("[retention]\njournal = 400\n[anchors]\nminutes = 5\n")
    plain = settings(load(path, {}))
    assert (plain.journal_kept, plain.anchor_file, plain.anchor_every) == (days(400), None, minutes(5))
    environ = {"OSTIARY_SERVER_RETENTION_JOURNAL": "90", "OSTIARY_SERVER_ANCHORS_FILE": "/mnt/worm/anchors"}
    both = settings(load(path, environ))
    assert (both.journal_kept, both.anchor_file, both.anchor_every) == (days(90), Path("/mnt/worm/anchors"), minutes(5))
    assert settings(load(None, {})).journal_kept is None
    for name in ("RETENTION_JOURNEL", "RETENTION_JOURNAL", "ANCHORS_MINUTES"):
        (problem,) = _refused(path, {f"OSTIARY_SERVER_{name}": "7" if "JOURN" in name else "0"})
        assert problem.startswith(name.lower().replace("_", ".", 1))
    path.write_text("retention = 5\n")
    assert _refused(path, {"OSTIARY_SERVER_RETENTION_JOURNAL": "90"})
