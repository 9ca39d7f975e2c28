"""
Conditional access policies, changed: compiled before they are saved, so that nothing is stored that cannot be enforced.

Who weakens a guardrail (a policy that blocks device code flow for everybody) may, and raises an alert.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from ostiary.core.access.compile import State, compile_policy
from ostiary.core.access.conditions.client_applications import EVERY
from ostiary.core.access.conditions.locations import special
from ostiary.core.access.guardrail import guards, weaker
from ostiary.core.access.idle import idle
from ostiary.core.access.picture import Picture
from ostiary.core.access.stored import Stored
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.error import Invalid, Problem
from ostiary.core.graph.etag import ANY, Seen
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import AppId, PolicyId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import PICTURE, settled, touch
from ostiary.services.access.documents import listed, moved, turned_down
from ostiary.services.access.locations import named_in
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.store import Tx, locations, policies
from ostiary.store.access import current_versions

MOST = 500  # policies of an organisation; Entra allows 240
_EXACT = 2**53  # larger whole numbers cannot be written one way only (RFC 8785 §3.2.2.3)

Document = dict[str, Any]
StoredPolicy = Stored[PolicyId]


async def list_policies(house: House, visit: Visit, query: Query) -> Page[StoredPolicy] | Refused:
    """Each policy, the oldest first, that meets the filter; on one page."""
    return await listed(house, query, policies.everything)


async def find_policy(house: House, visit: Visit, id: str) -> StoredPolicy | Refused:
    """One policy."""

    async def body(tx: Tx) -> StoredPolicy | Refused:
        return await policies.find(tx, PolicyId(id)) or Refused(Reason.NOT_FOUND)

    return await house.store.read(body)


async def create_policy(
    house: House, visit: Visit, document: Document, reason: str = ""
) -> StoredPolicy | Refused | Invalid:
    """Save a new policy. Invalid: what of it cannot be enforced, each with its JSON path (R4)."""
    id = PolicyId(house.random.guid())

    async def body(tx: Tx, picture: Picture) -> StoredPolicy | Refused | Invalid:
        wrong = _wrong_from_the_start(visit, document, reason) or await _unenforceable(tx, picture, id, document)
        if wrong is None and len(await policies.everything(tx)) >= MOST:
            wrong = Refused(Reason.CONFLICT, said("There are %(most)s policies already.", most=MOST))
        if wrong is not None:
            return await turned_down(tx, visit, wrong, "policy:")
        new = await policies.add(tx, id, document, now=visit.now)
        await _write_down(tx, visit, Kind.POLICY_CREATED, id, None, document, reason)
        return new

    return await settled(house, body)


async def change_policy(
    house: House, visit: Visit, id: str, changes: Mapping[str, Any], reason: str = "", *, seen: Seen = ANY
) -> StoredPolicy | Refused | Invalid:
    """
    Merge *changes* into a policy, objects property by property, as Graph's PATCH does. Invalid as `create_policy`.

    *seen*: the version (`Stored.version`) that the change was made for. Refused: PRECONDITION_FAILED when it is another
    by now.
    """
    return await _change(house, visit, id, changes, reason, seen, merged)


async def replace_policy(
    house: House, visit: Visit, id: str, document: Document, reason: str, *, seen: Seen
) -> StoredPolicy | Refused | Invalid:
    """The same with the whole *document*: what it does not say is not there any more."""
    return await _change(house, visit, id, document, reason, seen, lambda _, whole: dict(whole))


async def _change(
    house: House, visit: Visit, id: str, given: Mapping[str, Any], reason: str, seen: Seen,
    made: Callable[[Mapping[str, Any], Mapping[str, Any]], Document],
) -> StoredPolicy | Refused | Invalid:  # fmt: skip
    """*made* makes the new document of the old one and of what was *given*."""

    async def body(tx: Tx, picture: Picture) -> StoredPolicy | Refused | Invalid:
        old = await policies.find(tx, PolicyId(id))
        wrong = _wrong_from_the_start(visit, given, reason)
        if old is None:
            return await turned_down(tx, visit, wrong or Refused(Reason.NOT_FOUND), f"policy:{id}")
        new = made(old.document, given)
        wrong = wrong or moved(old, seen) or await _unenforceable(tx, picture, old.id, new)
        wrong = wrong or _unexplained(old, new, reason)
        if wrong is not None:
            return await turned_down(tx, visit, wrong, f"policy:{id}")
        changed = await policies.change(tx, old, new, now=visit.now)
        if changed is None:
            return Refused(Reason.CONFLICT)
        await _write_down(tx, visit, Kind.POLICY_CHANGED, old.id, old.document, new, reason)
        return changed

    return await settled(house, body)


async def delete_policy(house: House, visit: Visit, id: str, *, seen: Seen = ANY) -> None | Refused | Invalid:
    """Delete a policy; the journal keeps what it said. *seen* as for `change_policy`."""

    async def body(tx: Tx, picture: Picture) -> None | Refused | Invalid:
        old = await policies.find(tx, PolicyId(id))
        wrong = _wrong_from_the_start(visit, {}, visit.reason)
        if old is None:
            return await turned_down(tx, visit, wrong or Refused(Reason.NOT_FOUND), f"policy:{id}")
        wrong = wrong or moved(old, seen) or _unexplained(old, None, visit.reason)
        if wrong is not None:
            return await turned_down(tx, visit, wrong, f"policy:{id}")
        if not await policies.drop(tx, old):
            return Refused(Reason.CONFLICT)
        await _write_down(tx, visit, Kind.POLICY_DELETED, old.id, old.document, None, "")
        return None

    return await settled(house, body)


def merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> Document:
    """*old* with *changes* in it, objects merged, everything else replaced; null clears."""
    new = dict(old)
    for name, value in changes.items():
        before = new.get(name)
        both = isinstance(before, dict) and isinstance(value, dict)
        new[name] = merged(before, value) if both and isinstance(before, dict) else value
    return new


def _wrong_from_the_start(visit: Visit, document: Mapping[str, Any], reason: str) -> Refused | Invalid | None:
    refused = judge(Action.WRITE_POLICIES, visit.caller, now=visit.now)
    if refused is not None:
        return refused
    why = read_reason(reason) if reason else ""
    unfit = tuple(_unfit(document, "$"))
    return why if isinstance(why, Refused) else Invalid(unfit) if unfit else None


async def problems_of(tx: Tx, picture: Picture, id: PolicyId, document: Document) -> tuple[Problem, ...]:
    """Step: everything that would keep *document* from being saved as policy *id*."""
    unfit = tuple(_unfit(document, "$"))
    wrong = None if unfit else await _unenforceable(tx, picture, id, document)
    return unfit if wrong is None else wrong.problems


def _unfit(value: Any, path: str) -> Iterator[Problem]:
    """What cannot be written into the journal in one way only (R15): the document is kept there before and after."""
    if isinstance(value, dict):
        for name, content in value.items():
            if not name.isascii():
                yield Problem(path, "property names are ASCII")
            yield from _unfit(content, f"{path}.{name[:40]}")
    elif isinstance(value, list):
        for number, content in enumerate(value):
            yield from _unfit(content, f"{path}[{number}]")
    elif isinstance(value, float) or (isinstance(value, int) and abs(value) >= _EXACT):
        yield Problem(path, "only whole numbers below 2^53 are kept")


async def _unenforceable(tx: Tx, picture: Picture, id: PolicyId, document: Document) -> Invalid | None:
    """Step: what of *document* keeps it from being saved; what matches nobody would do so silently."""
    compiled = compile_policy(id, document)
    if not compiled.acceptable:
        return Invalid(tuple(Problem(p.path, p.message) for p in compiled.problems))
    if compiled.policy.state is not State.ENABLED:
        return None
    silent = [Problem(p.path, p.message) for p in idle(compiled.policy, document)]
    silent += [problem async for problem in _strangers(tx, picture, document)]
    return Invalid(tuple(silent)) if silent else None


_SPECIAL = ("All", "None", EVERY)
_NAMED = (
    ("users", ("Users", "Groups")),
    ("applications", ("Applications",)),
    ("clientApplications", ("ServicePrincipals",)),
)


async def _strangers(tx: Tx, picture: Picture, document: Document) -> AsyncIterator[Problem]:
    conditions: Mapping[str, Any] = document["conditions"]
    for section, names in _NAMED:
        part = conditions.get(section) or {}
        for name in (f"{side}{what}" for what in names for side in ("include", "exclude")):
            for number, id in enumerate(part.get(name) or ()):
                if id not in _SPECIAL and not await _exists(tx, picture, name, id):
                    path = f"$.conditions.{section}.{name}[{number}]"
                    yield Problem(path, f"there is nothing with the id {id[:40]}")
    for path, id in named_in(document):
        if not special(id) and await locations.find(tx, id) is None:
            yield Problem(path, f"there is no location with the id {id[:40]}")


async def _exists(tx: Tx, picture: Picture, name: str, id: str) -> bool:
    if name.endswith("Applications"):
        return AppId(id) in picture.applications
    if name.endswith("Principals"):
        return any(id == application.object_id for application in picture.applications.values())
    return await (policies.user_exists(tx, id) if name.endswith("Users") else policies.group_exists(tx, id))


async def _write_down(
    tx: Tx, visit: Visit, kind: Kind, id: PolicyId, before: Document | None, after: Document | None, reason: str
) -> None:
    """Step: the entry with both documents, the new version, and the alert when a guardrail became less."""
    name = tame(str((after or before or {}).get("displayName", "")))
    detail = {"display_name": name, "before": before, "after": after, "reason": tame(reason)}
    await record(tx, visit, Entry(kind, target=f"policy:{id}", detail=detail))
    await touch(tx, PICTURE)
    picture, _ = await current_versions(tx)
    await policies.remember(tx, id, before=before, after=after, version=picture)
    if before is not None and _weakens(id, before, after):
        left = [p for p in await policies.everything(tx) if guards(compile_policy(p.id, p.document).policy)]
        text = f"The guardrail {name} was weakened." + ("" if left else " Nothing blocks device code flow any more.")
        await alert(tx, visit, about="guardrail_weakened", text=text, target=f"policy:{id}")


def _weakens(id: PolicyId, before: Document, after: Document | None) -> bool:
    return weaker(compile_policy(id, before).policy, None if after is None else compile_policy(id, after).policy)


def _unexplained(old: StoredPolicy, new: Document | None, reason: str) -> Refused | None:
    """Whoever leaves the house less closed says why."""
    if reason or not _weakens(old.id, old.document, new):
        return None
    text = "This weakens a guardrail: say why."
    return Refused(Reason.REASON_REQUIRED, text, field="reason")
