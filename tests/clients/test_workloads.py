"""A real client of Entra's workload identities: msal with the token of another issuer as its assertion."""

from pathlib import Path

from tests.clients.test_keys import event, program
from tests.forge import Forge, forge, server
from tests.journeys.test_workloads import API, robot
from tests.server import Server

__all__ = ["forge", "server"]


def test_msal_signs_a_workload_in(server: Server, forge: Forge, tmp_path: Path) -> None:
    """Unmodified, as `az login --federated-token` does; the same token is refused the second time, with its number."""
    client = robot(server, forge)
    given = {
        "client_id": client, "authority": f"{server.origin}/{server.tenant}", "scopes": [f"{API}/.default"],
        "assertion": forge.token(server.clock.now(), f"{server.origin}/{server.tenant}/v2.0"),
    }  # fmt: skip
    with program(server, tmp_path, "msal_assertion", given) as process:
        process.order("token")
        told = event(process)
        assert told["event"] == "signed_in", told
    with program(server, tmp_path, "msal_assertion", given) as process:
        process.order("token")
        assert "AADSTS700213" in event(process)["description"]
