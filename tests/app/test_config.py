"""One configuration: a file, then the environment; everything wrong with it is said at once."""

from pathlib import Path

import pytest

from ostiary.app.config import Config, ConfigRefused, document, load, settings

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
