"""
What the organisation says about machines: the rule that admits, and the secrets of compliance webhooks.
"""

from dataclasses import dataclass, field

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from ostiary.core.devices.admission import OFF, AdmissionRule, rule_document, rule_from
from ostiary.core.words.instants import Instant
from ostiary.store import Tx
from ostiary.store.schema import device_hooks, device_settings
from ostiary.store.sql import sql

__all__ = ["Hook", "add_hook", "hooks", "put_rule", "remove_hook", "rule", "use_hook"]

_ADMISSION = "admission"
_RULE = sql(select(device_settings.c.document).where(device_settings.c.name == bindparam("name", _ADMISSION)))
_SET_RULE = sql(
    update(device_settings)
    .where(device_settings.c.name == bindparam("name_", _ADMISSION), device_settings.c.document == bindparam("old"))
    .values(document=bindparam("new"), modified=bindparam("now"))
)
_ADD_RULE = sql(
    insert(device_settings).values(
        name=bindparam("name", _ADMISSION), document=bindparam("new"), modified=bindparam("now")
    )
)
_HOOKS = sql(
    select(
        device_hooks.c.id, device_hooks.c.name, device_hooks.c.sealed, device_hooks.c.created, device_hooks.c.used
    ).order_by(device_hooks.c.created, device_hooks.c.id)
)
_ADD_HOOK = sql(
    insert(device_hooks).values({name: bindparam(name) for name in ("id", "name", "sealed", "created", "used")})
)
_REMOVE_HOOK = sql(delete(device_hooks).where(device_hooks.c.id == bindparam("id_")))
_USE_HOOK = sql(update(device_hooks).where(device_hooks.c.id == bindparam("id_")).values(used=bindparam("now")))


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook that is listened to."""

    id: str
    name: str
    sealed: bytes = field(repr=False)
    created: Instant
    used: Instant | None = None


def _text(rule_: AdmissionRule) -> str:
    return orjson.dumps(rule_document(rule_), option=orjson.OPT_SORT_KEYS).decode()


async def rule(tx: Tx) -> AdmissionRule:
    """What admits without asking; off where nobody ever said anything."""
    row = await tx.one(_RULE)
    return OFF if row is None else rule_from(orjson.loads(row[0]))


async def put_rule(tx: Tx, old: AdmissionRule, new: AdmissionRule, now: Instant) -> bool:
    """Compare-and-swap: False when it is not *old* any more."""
    if await tx.run(_SET_RULE, old=_text(old), new=_text(new), now=now) == 1:
        return True
    if await tx.one(_RULE) is not None:
        return False
    await tx.run(_ADD_RULE, new=_text(new), now=now)
    return True


async def hooks(tx: Tx) -> list[Hook]:
    """Every webhook, the oldest first."""
    return [
        Hook(id, name, bytes(sealed), Instant(created), None if used is None else Instant(used))
        for id, name, sealed, created, used in await tx.all(_HOOKS)
    ]


async def add_hook(tx: Tx, hook: Hook) -> None:
    """A new one."""
    await tx.run(_ADD_HOOK, id=hook.id, name=hook.name, sealed=hook.sealed, created=hook.created, used=None)


async def remove_hook(tx: Tx, id: str) -> bool:
    """Stop to listen; False when there is none of that id."""
    return await tx.run(_REMOVE_HOOK, id_=id) == 1


async def use_hook(tx: Tx, id: str, now: Instant) -> None:
    """Remember that it spoke at *now*."""
    await tx.run(_USE_HOOK, id_=id, now=now)
