"""
What ends when a copy takes the place of the database: everything that was ever given out, in a few statements.

The one place where rows of many subjects end together; liveness is derived from each of them.
"""

from sqlalchemy import bindparam, delete, insert, select, update

from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.exemptions.request import Phase
from ostiary.core.signins.signin import OPEN, State
from ostiary.core.words.instants import Instant
from ostiary.store import Tx
from ostiary.store.schema import (
    authenticators,
    authorizations,
    device_hooks,
    device_settings,
    devices,
    exemption_requests,
    exemptions,
    invitations,
    keys,
    recovery_codes,
    sessions,
    signins,
    versions,
)
from ostiary.store.sql import sql

__all__ = ["end_everything", "epoch", "set_epoch"]

EPOCH = "epoch"  # the row of `versions`: which generation of derived keys is in use
CAUSE = EndCause.RESTORED.value

_END_EXEMPTIONS = sql(
    update(exemptions)
    .where(exemptions.c.ended.is_(None), exemptions.c.ends > bindparam("now"))
    .values(ended=bindparam("now"), end_cause=bindparam("cause"), ended_by=bindparam("by"))
)
_END_REQUESTS = sql(
    update(exemption_requests)
    .where(exemption_requests.c.phase == bindparam("open", Phase.OPEN.value))
    .values(
        phase=bindparam("killed", Phase.KILLED.value), decided=bindparam("now"), decided_by=bindparam("by_"),
        number=exemption_requests.c.number + 1,
    )
)  # fmt: skip
_END_SESSIONS = sql(
    update(sessions).where(sessions.c.ended.is_(None)).values(ended=bindparam("now"), end_cause=bindparam("cause"))
)
_END_SIGNINS = sql(
    update(signins)
    .where(signins.c.state.in_([state.value for state in OPEN]))
    .values(state=bindparam("expired", State.EXPIRED.value), ends=bindparam("now"))
)
_DROP_CODES = sql(delete(authorizations))
_SPEND_INVITATIONS = sql(update(invitations).where(invitations.c.spent.is_(None)).values(spent=bindparam("now")))
_USE_STEPS = sql(
    update(authenticators).where(authenticators.c.last_step < bindparam("step")).values(last_step=bindparam("step"))
)
_DROP_RECOVERY = sql(delete(recovery_codes))  # which of them were used since the backup nobody knows
# Which machines were revoked since, and what was said about admitting them, nobody knows: they are admitted again.
_LAPSE_DEVICES = sql(
    update(devices)
    .where(devices.c.revoked.is_(None), devices.c.expires > bindparam("now"))
    .values(expires=bindparam("now"), revision=devices.c.revision + 1)
)
_DROP_DEVICE_SETTINGS = sql(delete(device_settings))
_DROP_DEVICE_HOOKS = sql(delete(device_hooks))
_DROP_KEYS = sql(delete(keys))
_EPOCH = sql(select(versions.c.number).where(versions.c.name == bindparam("name", EPOCH)))
_SET_EPOCH = sql(update(versions).where(versions.c.name == bindparam("name_", EPOCH)).values(number=bindparam("new")))
_ADD_EPOCH = sql(insert(versions).values(name=bindparam("name", EPOCH), number=bindparam("new")))


async def end_everything(tx: Tx, *, now: Instant, by: str, step: int) -> dict[str, int]:
    """
    End every exemption, request for one, session and family, pending sign-in, authorization code and link, use up every
    one-time code to the time step *step*, lapse every machine, and forget every recovery code, signing key, secret of a
    compliance webhook and the rule that admits machines: how many of each.
    """
    return {
        "exemptions": await tx.run(_END_EXEMPTIONS, now=now, cause=CAUSE, by=by),
        "requests": await tx.run(_END_REQUESTS, now=now, by_=by),
        "sessions": await tx.run(_END_SESSIONS, now=now, cause=CAUSE),
        "signins": await tx.run(_END_SIGNINS, now=now),
        "authorizations": await tx.run(_DROP_CODES),
        "invitations": await tx.run(_SPEND_INVITATIONS, now=now),
        "authenticators": await tx.run(_USE_STEPS, step=step),
        "recovery_codes": await tx.run(_DROP_RECOVERY),
        "devices": await tx.run(_LAPSE_DEVICES, now=now),
        "device_settings": await tx.run(_DROP_DEVICE_SETTINGS),
        "device_hooks": await tx.run(_DROP_DEVICE_HOOKS),
        "keys": await tx.run(_DROP_KEYS),
    }


async def epoch(tx: Tx) -> int:
    """The generation of derived keys; 0 in a house that was never restored."""
    row = await tx.one(_EPOCH)
    return 0 if row is None else int(row[0])


async def set_epoch(tx: Tx, new: int) -> None:
    """Use the generation *new* from the next start on."""
    if not await tx.run(_SET_EPOCH, new=new):
        await tx.run(_ADD_EPOCH, new=new)
