"""
A house that is killed right after an end was acknowledged: ``python ender.py DATA`` signs a machine in, subscribes its
resource, ends the exemption, says so in a line of JSON and waits. No job runs, so nothing was told to anybody yet.
"""

import asyncio
import sys
from pathlib import Path

from ostiary.core.tokens import clients
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.end import end_exemptions_of
from ostiary.services.house import House
from ostiary.services.signals.receivers import Receiver
from ostiary.services.signals.streams import create_stream
from ostiary.services.signins.claim import claim
from ostiary.services.signins.decide import approve
from ostiary.services.signins.start import Request, start
from ostiary.services.tokens.token import TokenForm, grant
from tests.crash.deeds import CLI, DEVICE_CODE, WHO, Machine, opened, tell, user_of
from tests.crash.gateway import GATE, SECRET, registered


def local(house: House) -> Visit:
    """Somebody on the machine."""
    caller = Caller(CallerKind.LOCAL, "tester", "tester", Origin.LOCAL)
    return Visit(house.clock.now(), house.random.guid(), caller=caller)


async def ended(data: Path) -> None:
    """Sign in, subscribe, end, say so, wait to be killed."""
    house, _ = await opened(data)
    await registered(house)
    who = Receiver(clients.Shown(basic=(GATE, SECRET)))
    stream = await create_stream(house, local(house), who, {})
    machine = Machine(house, "10.1.2.3", await user_of(house))
    scope = f"{house.settings.origin}/User.Read openid offline_access"
    started = await start(house, machine.visit(), Request(client=clients.Shown(CLI), scope=scope))
    claimed = await claim(house, machine.visit(browser=True), started.user_code)  # type: ignore[union-attr]
    await approve(house, machine.visit(browser=True), claimed.signin.id)  # type: ignore[union-attr]
    form = TokenForm(grant_type=DEVICE_CODE, client=clients.Shown(CLI), device_code=started.device_code)  # type: ignore[union-attr]
    issued = await grant(house, machine.visit(), form)
    await end_exemptions_of(house, local(house), WHO, "for a test")
    tell(
        "ended", access=str(issued.access_token), refresh=str(issued.refresh_token),  # type: ignore[union-attr]
        stream=str(stream["stream_id"]),  # type: ignore[index]
    )  # fmt: skip
    await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(ended(Path(sys.argv[1])))
