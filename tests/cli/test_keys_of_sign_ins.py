"""
`login` with a key of this machine, and without: what is sent, what is said, and which token a command inside `run` has.
"""

import json

import pytest

from tests.cli.conftest import Program
from tests.client.wire import Wire

DOCUMENT = "/organizations/v2.0/.well-known/openid-configuration"


@pytest.fixture
def keyed(wire: Wire) -> Wire:
    """A server that takes proofs, approves at once and binds."""
    wire.state.graph["GET", DOCUMENT] = (200, {**wire.metadata(), "dpop_signing_alg_values_supported": ["ES256"]})
    wire.state.extra_tokens, wire.state.approved = {"token_type": "DPoP"}, True
    wire.state.graph["GET", "/v1.0/users"] = (200, {"value": []})
    return wire


def schemes(wire: Wire) -> list[tuple[str, bool]]:
    """Scheme of the authorization, and whether a proof was there, of each question to the admin API."""
    calls = wire.state.calls("/users")
    return [(seen.headers["authorization"].split()[0], "dpop" in seen.headers) for seen in calls]


def test_a_sign_in_is_bound_where_the_server_offers_it(keyed: Wire, program: Program) -> None:
    """Said at the end; the admin API gets proofs; a token that leaves us comes with a warning on stderr."""
    done = program.run("login")
    assert done.returncode == 0, done.stderr
    assert "bound to a key of this machine" in done.stderr
    assert all("dpop" in seen.headers for path in ("/devicecode", "/token") for seen in keyed.state.calls(path))
    assert program.run("user", "list").returncode == 0
    token = program.run("token")
    assert token.stdout == "access-1-1\n"
    assert "ostiary login --bearer" in token.stderr
    assert "ostiary login --bearer" in program.run("run", "--", "true").stderr
    assert schemes(keyed) == [("DPoP", True)]
    assert json.loads(program.run("token", "--json").stdout.splitlines()[0])["access_token"] == "access-1-1"


def test_a_token_of_the_sign_in_is_used_with_its_key_and_no_other(keyed: Wire, program: Program) -> None:
    """Inside `ostiary run` the variable holds our own token: its key is ours. Somebody else's is sent as it is."""
    program.run("login")
    assert program.run("user", "list", OSTIARY_TOKEN="access-1-1").returncode == 0
    assert program.run("user", "list", OSTIARY_TOKEN="mine").returncode == 0
    assert schemes(keyed) == [("DPoP", True), ("Bearer", False)]
    assert "--bearer" not in program.run("token", OSTIARY_TOKEN="mine").stderr


def test_bearer_is_for_programs_that_know_no_keys(keyed: Wire, program: Program) -> None:
    """No proof goes out, and nothing is said about keys."""
    keyed.state.extra_tokens = {}
    done = program.run("login", "--bearer")
    assert done.returncode == 0, done.stderr
    assert "bound" not in done.stderr
    assert not [seen for seen in keyed.state.seen if "dpop" in seen.headers]
    assert program.run("token").stderr == ""


def test_tokens_that_the_server_did_not_bind_are_as_good(keyed: Wire, program: Program) -> None:
    """An application registered without keys: proofs went out, Bearer came back, and it is used as Bearer."""
    keyed.state.extra_tokens = {}
    done = program.run("login")
    assert done.returncode == 0, done.stderr
    assert "bound" not in done.stderr
    assert program.run("user", "list").returncode == 0
    assert schemes(keyed) == [("Bearer", False)]


def test_a_server_that_requires_keys_says_so(wire: Wire, program: Program) -> None:
    """A mistake in the setting, exit 2: `invalid_dpop_proof` is no fault of the server's."""
    wire.state.device.append((400, {"error": "invalid_dpop_proof", "error_description": "prove a key"}))
    done = program.run("login", "--bearer")
    assert done.returncode == 2
    assert "prove a key" in done.stderr
