"""A real client of Entra's workload identities: msal with the token of another issuer as its assertion."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.test_keys import event, program
from tests.forge import Forge, forging
from tests.journeys.test_workloads import API, robot
from tests.server import Server, running


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Where the jobs run."""
    with forging(tmp_path_factory.mktemp("forge")) as made:
        yield made


@pytest.fixture(scope="module")
def server(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may ask the forge."""
    data = tmp_path_factory.mktemp("server") / "data"
    with running(data, outgoing_allow=("127.0.0.1",), outgoing_ca=forge.authority) as started:
        yield started


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
