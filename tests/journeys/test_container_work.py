"""
`examples/container` as its page tells it: a read-only root, `/tmp` in memory, no browser; and nothing left behind.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ostiary.store.schema import sessions
from ostiary.store.sql import sql
from tests.app.container import ROOT
from tests.cli.test_terminal import terminal
from tests.journeys.box import Box, box
from tests.journeys.browser import Desk
from tests.journeys.test_cli import code_on
from tests.server import Server

WORK = "/srv/work"
ENDS = select(sessions.c.ended, sessions.c.end_cause).where(sessions.c.kind == "device").order_by(sessions.c.created)

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs Debian's bubblewrap")


@pytest.fixture
def container(server: Server, tmp_path: Path) -> Iterator[Box]:
    """As `podman run --read-only --tmpfs /tmp` makes one, an exemption of Alice's open."""
    (tmp_path / "ca").mkdir()
    shutil.copy(server.ca_file, tmp_path / "ca" / "ca.pem")
    environ = {"OSTIARY_SERVER": server.origin, "SSL_CERT_FILE": "/srv/trusted/ca.pem", "container": "podman"}
    server.open_exemption("alice")
    yield box(
        tmp_path / "root",
        environ,
        read={ROOT / "examples" / "container": WORK, tmp_path / "ca": "/srv/trusted"},
        memory=("/tmp",),
    )
    server.end_exemptions("alice")


@pytest.mark.parametrize(("work", "status"), [(f"python3 {WORK}/whoami.py", 0), ("exit 5", 5)], ids=["done", "fails"])
def test_it_works_and_leaves_nothing(server: Server, chromium: Desk, container: Box, work: str, status: int) -> None:
    """A code, an approval, the work; then memory is empty and the sign-in over, also when the work failed."""
    alice = server.people["alice"]
    root = "touch /left 2>/dev/null && echo WRITABLE"
    script = f"{root}; {WORK}/work.sh sh -c '{work}'; status=$?; find /tmp -mindepth 1; exit $status"
    with chromium.person(server.origin) as person, terminal(container, "sh", "-c", script) as screen:
        person.sign_in(alice.username, alice.password, alice.totp())
        person.enter_code(code_on(screen))
        person.approve()
        assert screen.end() == status, screen.seen
    assert ("working as alice@" in screen.seen) is (status == 0)
    after = screen.seen.partition("Signed out.")[2]
    assert "/tmp/" not in after, after
    assert "WRITABLE" not in screen.seen
    assert "this is a container" in screen.seen
    ends = server.run(server.house.store.read(lambda tx: tx.all(sql(ENDS))))
    assert ends
    assert all(ended is not None and cause for ended, cause in ends)
