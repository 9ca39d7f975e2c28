"""The running server that other tests use: the real doors, closed by default, opened for a while."""

import ssl

import httpx

from tests.server import Server

INSTANCES = "/v1.0/identityGovernance/privilegedAccess/group/assignmentScheduleInstances"


def _device_code(server: Server) -> httpx.Response:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with httpx.Client(verify=context, base_url=server.origin) as client:
        form = {"client_id": server.clients["azure-cli"], "scope": f"{server.origin}/.default offline_access"}
        return client.post(f"/{server.tenant}/oauth2/v2.0/devicecode", data=form)


def test_r1_a_sample_with_people_and_no_exemption_issues_no_code(server: Server) -> None:
    """Twelve people who could be let in are no reason to issue a code."""
    server.end_exemptions("alice")
    refused = _device_code(server)
    assert refused.status_code == 403
    assert refused.json()["error"] == "access_denied"
    assert 53003 in refused.json()["error_codes"]


def test_an_exemption_lets_a_sign_in_begin_until_it_runs_out(server: Server) -> None:
    """The same request, a moment after the window opens and a moment after it ran out by itself."""
    server.open_exemption("alice")
    assert _device_code(server).json()["user_code"]
    server.pass_time(3601)
    assert _device_code(server).status_code == 403


def test_r2_nobody_gets_the_local_door_over_the_network(server: Server) -> None:
    """What marks a caller as local is the kernel's word at the socket, not a header that anybody can write."""
    context = ssl.create_default_context(cafile=str(server.ca_file))
    claims = {"ostiary.local": '{"uid": 0, "user": "root"}', "x-ostiary-local": "root"}
    with httpx.Client(verify=context, base_url=server.origin, headers=claims) as client:
        assert client.get(INSTANCES).status_code == 401
    transport = httpx.HTTPTransport(uds=str(server.local_door))
    with httpx.Client(transport=transport, base_url="http://localhost") as local:
        assert local.get(INSTANCES).status_code == 200


def test_r2_the_local_door_is_closed_to_other_users_of_the_machine(server: Server) -> None:
    """Folder and socket say so before anybody is asked who they are."""
    assert server.local_door.stat().st_mode & 0o777 == 0o600
    assert server.data.stat().st_mode & 0o777 == 0o700


def test_health_is_told_in_one_word_to_anybody(server: Server) -> None:
    """For load balancers and supervisors: alive, and able to work."""
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with httpx.Client(verify=context, base_url=server.origin) as client:
        for path in ("/healthz", "/readyz"):
            answer = client.get(path)
            assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (200, "ok\n", "no-store")
            assert client.post(path).status_code == 405
