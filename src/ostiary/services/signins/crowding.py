"""
Whether there is room for one more code (R21), and who is told when there is none.

Counts what this process issued (the waiting room's `codes`). The rule, with what is kept in reserve for whom, is in
`core/signins/limits.py`.
"""

from ostiary.core.directory.applications import Application
from ostiary.core.directory.credentials import source_of
from ostiary.core.logs.entry import tame
from ostiary.core.signins.limits import Full, Standing, full
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.throttle import locked
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.store import Tx

__all__ = ["barred", "barred_source", "crowded", "tell_crowd"]

_SENTENCES = {
    Full.SOURCE: "Too many codes of this application are open at your address already.",
    Full.APPLICATION: "Too many codes of this application are open already.",
    Full.ALL: "Too many codes are open already.",
}
_WAY = " Room is kept for who brings a start ticket: take one at /ticket on this service."


def crowded(house: House, visit: Visit, application: Application, *, proved: bool) -> Refused | None:
    """
    Why no further code of *application* is issued to this requester now, or None. The refusal's `field` is the setting
    that is used up.
    """
    house.room.sweep(visit.now)
    codes, source = house.room.codes, source_of(visit.address)
    standing = Standing.PROVED if proved else Standing.KNOWN if codes.knows(source) else Standing.STRANGER
    which = full(house.settings.limits, codes.of(application.id, source), standing)
    if which is None:
        return None
    return Refused(Reason.BUSY_SOURCE, _SENTENCES[which] + ("" if proved else _WAY), field=which.value)


def barred_source(source: str) -> str:
    """The throttle's subject for "nobody's sign-in from here" (R11: two reporters, or an administrator)."""
    return f"barred:{source}"


async def barred(tx: Tx, visit: Visit, address: str) -> Refused | None:
    """Step: why nothing is taken from the source of *address* now, where it is blocked for everybody."""
    until = await locked(tx, barred_source(source_of(address)), visit.now) if address else None
    return None if until is None else Refused(Reason.BUSY_SOURCE, "Sign-ins from your address are blocked for a while.")


async def tell_crowd(house: House, visit: Visit, client: str, limit: str) -> None:
    """Alert, once an hour, that strangers use up what an application, or all, may have open."""
    whole = limit != Full.SOURCE.value
    if not whole or not house.room.codes.alarming(limit if limit == Full.ALL.value else client.lower(), visit.now):
        return

    async def body(tx: Tx) -> None:
        text = f"So many codes are open ({limit}) that strangers get none: a flood, or a limit that is too low."
        await alert(tx, visit, about="codes used up", target=f"application:{tame(client)}", text=text)

    await house.store.write(body)
