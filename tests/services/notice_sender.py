"""
A node that sends what waits, in a process of its own that can be killed: `python -m tests.services.notice_sender FOLDER
MASTER CA`. Says `sending` when it began.
"""

import asyncio
import sys
from pathlib import Path

from ostiary.core.words.destinations import read_destinations
from ostiary.outside import Outside
from ostiary.outside.outgoing import Outgoing
from ostiary.outside.passwords import Passwords
from ostiary.outside.random import SystemRandom
from ostiary.outside.vault import MasterKey, Vault
from ostiary.services.access.desk import Desk
from ostiary.services.house import House, Settings
from ostiary.services.logs.floods import Floods
from ostiary.services.notices.send import send_notices
from ostiary.services.signals.poll_room import PollRoom
from ostiary.services.signins.waiting_room import WaitingRoom
from ostiary.services.tokens.keyring import Keyring
from ostiary.services.tokens.proofs import Proofs
from ostiary.store.sqlite import SqliteStore
from tests.clock import MovableClock
from tests.outside.test_outgoing import Names
from tests.records.house import visit
from tests.server import CHEAP
from tests.services.noticing import HOST


async def main(folder: Path, master: str, authorities: Path) -> None:
    """Send until nothing is due."""
    random, clock = SystemRandom(), MovableClock()
    store = SqliteStore(folder / "ostiary.db", stream="n1", salt=lambda: random.bytes(16))
    vault = Vault(MasterKey(bytes.fromhex(master)), random=random)
    outgoing = Outgoing(read_destinations([HOST]), authorities=authorities, resolve=Names(("127.0.0.1",)))
    house = House(
        store, clock, random, vault, Outside(Passwords(cost=CHEAP), outgoing=outgoing, own_outgoing=outgoing),
        Desk(store, clock), WaitingRoom(), Keyring(vault), Floods(), Proofs(random.bytes(32), clock.now()),
        Settings("https://localhost:8443", folder), PollRoom(),
    )  # fmt: skip
    await send_notices(house, visit(house))
    print("sending", flush=True)
    await house.outside.background.idle()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
