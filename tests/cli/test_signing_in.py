"""
`login`, `status`, `token`, `run`, `logout` as processes without a terminal.
"""

import json
from typing import Any

import pytest

from ostiary.cli.errand import Errand
from ostiary.cli.login import login
from ostiary.cli.settings import Given
from ostiary.client.cache import Cache
from ostiary.client.machine import Machine
from tests.cli.conftest import Program
from tests.client.wire import BLOCKED, TENANT, Wire

SECRETS = ("access-1-1", "refresh-1-1", "device-secret-1")


def sign_in(wire: Wire, program: Program) -> None:
    """A sign-in that is approved at once."""
    wire.state.approved = True
    assert program.run("login").returncode == 0


def test_a_refused_person_is_told_the_rule_the_reference_and_the_next_command(wire: Wire, program: Program) -> None:
    """Exit 4, on stderr; nothing on stdout."""
    wire.state.device.append((403, BLOCKED))
    done = program.run("login")
    assert done.returncode == 4
    assert done.stdout == ""
    for part in ("AADSTS53003", "Block device code flow", "ref-1", "https://id.example.com/error/53003?ref=ref-1"):
        assert part in done.stderr
    assert "ostiary --local exemption open --user NAME --for 2h --reason" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_sign_in_is_shown_kept_and_says_no_secret(wire: Wire, program: Program) -> None:
    """Address and code on lines of their own; the tokens nowhere but in the store, encrypted."""
    wire.state.approved = True
    done = program.run("login", "--qr")
    assert done.returncode == 0, done.stderr
    assert f"On another device open   {wire.origin}/devicelogin\n" in done.stderr
    assert "and type                 WDJB-MJH1\n" in done.stderr
    assert "▄" in done.stderr or "█" in done.stderr
    assert "Signed in as alice@example.com." in done.stderr
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
    assert (program.state / "default.tokens").stat().st_mode & 0o777 == 0o600


def test_events_are_json_lines(wire: Wire, program: Program) -> None:
    """For programs around ours: the code, then the end; the device code is in neither."""
    wire.state.approved = True
    done = program.run("login", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["code", "signed_in"]
    assert events[0]["user_code"] == "WDJB-MJH1"
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]


ENDINGS: list[tuple[dict[str, Any], int]] = [
    ({"error": "access_denied"}, 5),
    ({"error": "invalid_grant", "error_codes": [53003]}, 4),
    ({"error": "expired_token"}, 6),
    ({"error": "invalid_scope"}, 2),
    ({"error": "server_error"}, 7),
]


@pytest.mark.parametrize(("answer", "status"), ENDINGS)
def test_each_ending_has_its_exit_status(wire: Wire, program: Program, answer: dict[str, Any], status: int) -> None:
    """As the table says; `--json` has the same as an event."""
    wire.state.polls.append((400, answer))
    done = program.run("login", "--json")
    assert done.returncode == status, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["exit"] == status


def test_a_pipeline_is_never_asked(wire: Wire, program: Program) -> None:
    """CI=true: exit 4 with the way out, and no code exists."""
    done = program.run("login", CI="true")
    assert done.returncode == 4
    assert "ostiary token --workload" in done.stderr
    assert wire.state.seen == []


def test_waiting_ends_after_the_time_given(wire: Wire, program: Program) -> None:
    """--timeout: exit 6, and the request is given back."""
    assert program.run("login", "--timeout", "2s").returncode == 6
    assert [form["token"] for form in wire.state.revoked] == ["device-secret-1"]


def test_nowhere_to_keep_tokens_is_said_before_anybody_works(wire: Wire, program: Program) -> None:
    """Exit 9 before a code exists."""
    program.state.parent.write_text("a file where the folder should be")
    done = program.run("login")
    assert done.returncode == 9
    assert wire.state.seen == []


def test_a_choice_is_remembered(wire: Wire, program: Program) -> None:
    """`--device-code` and `--store` are settings, not something to type every time."""
    wire.state.approved = True
    assert program.run("login", "--device-code", "--store", "plaintext").returncode == 0
    assert 'store = "plaintext"' in (program.config / "config.toml").read_text()
    assert 'sign_in = "device-code"' in (program.config / "config.toml").read_text()
    shown = program.run("status", "-v")
    assert "plaintext   (profile default)" in shown.stderr
    assert f"{wire.origin}   (OSTIARY_SERVER)" in shown.stderr


def test_a_second_sign_in_gives_the_first_back(wire: Wire, program: Program) -> None:
    """Nothing stays open on the server that nobody uses."""
    sign_in(wire, program)
    sign_in(wire, program)
    assert [form["token"] for form in wire.state.revoked] == ["refresh-1-1"]


def test_ctrl_c_between_the_answer_and_its_place_leaves_nothing_open(
    wire: Wire, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has the tokens then, so the server is told that nobody will."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    wire.state.approved = True
    monkeypatch.setattr(Cache, "save", interrupted)
    environ = {**program.environ, "OSTIARY_STORE": "file"}
    with pytest.raises(KeyboardInterrupt):
        login(Errand(Given(server=wire.origin), Machine(environ=environ)), device_code=True)
    assert [form["token"] for form in wire.state.revoked] == ["refresh-1-1"]


def test_the_browser_brings_a_sign_in_as_well(wire: Wire, program: Program) -> None:
    """`--browser` with the program that OSTIARY_BROWSER names: authorization code, PKCE, loopback."""
    done = program.run("login", "--browser", OSTIARY_BROWSER="curl -sL")
    assert done.returncode == 0, done.stderr
    assert wire.state.calls("/token")[0].form["grant_type"] == "authorization_code"


def test_status_asks_the_server_whether_it_is_still_true(wire: Wire, program: Program) -> None:
    """Exit 3 once the sign-in was ended there, whatever the record says."""
    assert program.run("status").returncode == 3
    sign_in(wire, program)
    shown = program.run("status", "--json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["issuer"] == f"{wire.origin}/{TENANT}/v2.0"
    wire.state.refreshes.append((400, {"error": "invalid_grant"}))
    assert program.run("status").returncode == 3


def test_a_sign_in_that_ends_too_soon_is_known_before_work_starts(wire: Wire, program: Program) -> None:
    """`--require`: by what the server says; when it says nothing, nobody promises."""
    wire.state.session_life = 1200
    sign_in(wire, program)
    assert program.run("status", "--require", "10m").returncode == 0
    assert program.run("status", "--require", "30m").returncode == 3
    wire.state.session_life = None
    sign_in(wire, program)
    assert program.run("status", "--require", "1m").returncode == 3


def test_the_last_ten_minutes_are_told_on_stderr_alone(wire: Wire, program: Program) -> None:
    """A sign-in with a code that is about to end says so with each use; one that lasts says nothing."""
    for life, told in ((500, True), (1200, False)):
        wire.state.session_life = life
        sign_in(wire, program)
        for verb in (("status", "--offline", "--json"), ("token",), ("run", "--", "true")):
            done = program.run(*verb)
            assert done.returncode == 0, done.stderr
            assert ("! This sign-in ends in " in done.stderr) is told, (verb, done.stderr)
            assert "ends in" not in done.stdout.replace("(in ", "")
    wire.state.session_life = None


def test_a_token_is_printed_and_nothing_else(wire: Wire, program: Program) -> None:
    """For `$(ostiary token)`; another resource is asked for with a refresh."""
    sign_in(wire, program)
    assert program.run("token").stdout == "access-1-1\n"
    assert program.run("token", "--resource", "https://api.example.com").stdout == "access-1-2\n"
    assert wire.state.calls("/token")[-1].form["scope"] == "https://api.example.com/.default"
    assert program.run("token", OSTIARY_TOKEN="mine").stdout == "mine\n"
    assert program.run("token", "--profile", "other").returncode == 3


def test_a_command_finds_the_token_and_its_status_is_ours(wire: Wire, program: Program) -> None:
    """`run`: the environment, the exit status, a signal; a command that is not there is exit 2."""
    sign_in(wire, program)
    done = program.run("run", "--", "sh", "-c", "echo $OSTIARY_TOKEN; exit 42")
    assert (done.stdout, done.returncode) == ("access-1-1\n", 42)
    assert program.run("run", "--", "sh", "-c", "kill -TERM $$").returncode == -15
    assert program.run("run", "--", "/nonexistent").returncode == 2


def test_signing_out_ends_it_here_and_there(wire: Wire, program: Program) -> None:
    """And again: nobody was signed in, which is no error."""
    sign_in(wire, program)
    assert program.run("logout").returncode == 0
    assert wire.state.revoked[0]["token"] == "refresh-1-1"
    assert program.run("token").returncode == 3
    assert "Nobody was signed in" in program.run("logout").stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("login", "--nonsense"),
        ("login", "--browser", "--device-code"),
        ("login", "--server", "http://id.example.com"),
        ("login", "--store", "cloud"),
        ("login", "--timeout", "soon"),
        ("login", "--profile", "../x"),
        ("exemption", "open", "--user", "a", "--for", "2h"),
        ("exemption", "end", "--reason", "x"),
        ("app", "add"),
    ],
)
def test_wrong_use_is_exit_2_and_reaches_no_server(wire: Wire, program: Program, arguments: tuple[str, ...]) -> None:
    """A typo does nothing."""
    assert program.run(*arguments).returncode == 2
    assert wire.state.seen == []
