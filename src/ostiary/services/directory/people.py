"""
Accounts: created, changed, disabled, deleted, and everything of somebody ended at once.

INVARIANT: there is always an enabled administrator once there was one. The count and the change are one transaction.
Disabling ends sessions and families by raising the account's epoch (liveness is derived from it) and closes open
exemptions; enabling again brings neither back.
"""

import re
from dataclasses import dataclass, replace

from ostiary.core.directory.credentials import normal_name
from ostiary.core.directory.people import Role, User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.exemptions.eligibility import Loss
from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import CallerKind
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory, eligibilities, exemptions, requests, signins
from ostiary.store.access import raise_version

NAME = re.compile(r"[a-z0-9._%+'-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,8}", re.ASCII)
"""Plain letters only: no two names that look alike."""
_MAIL = re.compile(r"[^\s%\"\\,;:<>()@]+@[^\s%\"\\,;:<>()@]+")  # no lists, no wildcards: it is looked for as it is
LONGEST_TEXT = 256


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to be made. It has no password: an invitation lets the person choose one."""

    principal_name: str
    display_name: str
    mail: str | None = None
    enabled: bool = True
    roles: frozenset[Role] = frozenset()
    reason: str = ""
    """Why; kept in the entry."""


@dataclass(frozen=True, slots=True)
class Change:
    """What to change; None leaves a field as it is, an empty `mail` removes it."""

    principal_name: str | None = None
    display_name: str | None = None
    mail: str | None = None
    enabled: bool | None = None
    roles: frozenset[Role] | None = None
    reason: str = ""


async def create_user(house: House, visit: Visit, new: NewUser) -> User | Refused:
    """
    Make an account. Refused: FORBIDDEN and its kin, INVALID_VALUE (with `field`), CONFLICT for a name that is taken.
    """
    user = _made(UserId(house.random.guid()), new, visit.now)

    async def body(tx: Tx) -> User | Refused:
        action, may = allowed(visit, user)
        outcome = may or await add_user(tx, visit, user, reason=new.reason)
        if isinstance(outcome, Refused):
            return await refuse(tx, visit, action, outcome, target="user:")
        return outcome

    return await house.store.write(body)


async def add_user(tx: Tx, visit: Visit, user: User, *, reason: str = "") -> User | Refused:
    """Step: insert *user* if it is well formed and its name is free."""
    wrong = flaw(user)
    if wrong:
        return wrong
    if await directory.find_named(tx, user.principal_name) is not None:
        return Refused(Reason.CONFLICT, "Somebody has this name already.", field="userPrincipalName")
    await directory.add(tx, user)
    detail = _shown(user) | why(reason)
    await record(tx, visit, Entry(Kind.USER_CREATED, target=f"user:{user.id}", detail=detail))
    await raise_version(tx, OPENINGS)
    return user


async def change_user(house: House, visit: Visit, id: str, change: Change) -> User | Refused:
    """
    Change an account. Disabling it ends everything of that person at once.

    Refused: FORBIDDEN and its kin, NOT_FOUND, INVALID_VALUE, CONFLICT, LAST_ADMINISTRATOR.
    """

    async def body(tx: Tx) -> User | Refused:
        old = await directory.find(tx, UserId(id))
        new = _changed(old, change) if old else None
        action, may = allowed(visit, new)
        if may or old is None or new is None:
            return await refuse(tx, visit, action, may or _nobody(), target=f"user:{id[:64]}")
        refused = flaw(new, old) or await name_taken(tx, old, new) or await guard_last_administrator(tx, old, new)
        if refused:
            return await refuse(tx, visit, action, refused, target=f"user:{old.id}")
        return await apply_change(tx, visit, old, new, change.reason)

    return await house.store.write(body)


async def apply_change(tx: Tx, visit: Visit, old: User, new: User, reason: str = "") -> User:
    """Step: write *new* over *old*, and end everything when it was disabled."""
    disabled = old.enabled and not new.enabled
    final = replace(new, epoch=ended_before(visit.now)) if disabled else new
    await swap(tx, old, final)
    if disabled:
        await end_windows(tx, visit, old.id, EndCause.DISABLED)
    detail = _difference(old, final) | why(reason)
    await record(tx, visit, Entry(Kind.USER_CHANGED, target=f"user:{old.id}", detail=detail))
    return final


async def delete_user(house: House, visit: Visit, id: str) -> User | Refused:
    """
    Delete an account with its credentials and memberships.

    Refused: CONFLICT when exemptions of this person are on record (who had access must stay known: disable it instead),
    LAST_ADMINISTRATOR, NOT_FOUND, FORBIDDEN and its kin.
    """

    async def body(tx: Tx) -> User | Refused:
        old = await directory.find(tx, UserId(id))
        may = judge(Action.WRITE_USERS, visit.caller, now=visit.now)
        refused = may or (await _may_go(tx, old) if old else _nobody())
        if refused or old is None:
            return await refuse(tx, visit, Action.WRITE_USERS, refused or _nobody(), target=f"user:{id[:64]}")
        await directory.remove(tx, old.id)
        await raise_version(tx, OPENINGS)
        await record(tx, visit, Entry(Kind.USER_DELETED, target=f"user:{old.id}", detail=_shown(old)))
        return old

    return await house.store.write(body)


async def _may_go(tx: Tx, user: User) -> Refused | None:
    if await directory.on_record(tx, user.id):
        text = "Exemptions of this person are on record. Disable the account instead."
        return Refused(Reason.CONFLICT, text)
    return await guard_last_administrator(tx, user, None)


async def revoke_sessions(house: House, visit: Visit, id: str) -> User | Refused:
    """End every session and family of somebody; the account stays as it is. One's own: everybody may (R3)."""

    async def body(tx: Tx) -> User | Refused:
        own = visit.caller.user == id
        action = Action.END_OWN if own else Action.WRITE_USERS
        old = await directory.find(tx, UserId(id))
        refused = judge(action, visit.caller, now=visit.now) or (None if old else _nobody())
        if refused or old is None:
            return await refuse(tx, visit, action, refused or _nobody(), target=f"user:{id[:64]}")
        return await end_sessions(tx, visit, old)

    return await house.store.write(body)


async def find_user(house: House, visit: Visit, key: str) -> User | Refused:
    """One account by id or principal name. Everybody may see their own; others need READ_DIRECTORY."""

    async def body(tx: Tx) -> User | Refused:
        found = (
            await directory.find_named(tx, normal_name(key)) if "@" in key else await directory.find(tx, UserId(key))
        )
        own = found is not None and visit.caller.user == found.id
        refused = judge(Action.READ_SELF if own else Action.READ_DIRECTORY, visit.caller, now=visit.now)
        return refused or found or _nobody()

    return await house.store.read(body)


# ---- steps that the credentials share


def allowed(visit: Visit, after: User | None) -> tuple[Action, Refused | None]:
    """
    Which action this is, and why the caller may not take it.

    Through the local door only what leaves an administrator behind: create or recover one (R2).
    """
    local = visit.caller.kind is CallerKind.LOCAL and after is not None and Role.ADMINISTRATOR in after.roles
    action = Action.RECOVER_ADMINISTRATOR if local and after is not None and after.enabled else Action.WRITE_USERS
    return action, judge(action, visit.caller, now=visit.now)


def ended_before(now: Instant) -> Instant:
    """The epoch that ends everything begun up to and including *now*."""
    return Instant(now + 1)


async def swap(tx: Tx, old: User, new: User) -> None:
    """Step: compare-and-swap the account, and tell memory. Raises BrokenState when it moved inside this transaction."""
    if not await directory.change(tx, old, new):
        raise BrokenState(f"the account {old.id} moved in its own transaction")
    await raise_version(tx, OPENINGS)


async def end_sessions(tx: Tx, visit: Visit, old: User) -> User:
    """Step: every session and family of *old* ends now; the account as it is then."""
    new = replace(old, epoch=ended_before(visit.now))
    await swap(tx, old, new)
    own = visit.caller.user == old.id
    await record(tx, visit, Entry(Kind.SESSIONS_ENDED, target=f"user:{old.id}", detail={"own": own}))
    return new


async def end_windows(tx: Tx, visit: Visit, user: UserId, cause: EndCause) -> None:
    """
    Step: end every exemption of *user* that stands, every request that waits and every eligibility, an entry each:
    whoever leaves and comes back asks anew to be made eligible.
    """
    by = visit.caller.actor
    for id in await eligibilities.end_all_of(tx, user, now=visit.now, loss=Loss.DISABLED, by=by):
        lost: dict[str, object] = {"user": user, "loss": Loss.DISABLED.value}
        await record(tx, visit, Entry(Kind.ELIGIBILITY_ENDED, target=f"eligibility:{id}", detail=lost))
    await end_requests(tx, visit, user, cause)
    for id in await exemptions.end_all_of(tx, user, now=visit.now, cause=cause, by=visit.caller.actor):
        detail = {"user": user, "cause": cause.value}
        await record(tx, visit, Entry(Kind.EXEMPTION_ENDED, target=f"exemption:{id}", detail=detail))


async def end_requests(tx: Tx, visit: Visit, user: UserId, cause: EndCause) -> None:
    """Step: end every request of *user* that waits, and every device sign-in that waits for one, an entry each."""
    for id in await requests.end_all_of(tx, user, now=visit.now, by=visit.caller.actor):
        killed: dict[str, object] = {"user": user, "cause": cause.value}
        await record(tx, visit, Entry(Kind.REQUEST_KILLED, target=f"exemption:{id}", detail=killed))
    for signin, id in await signins.end_awaiting(tx, user, now=visit.now):
        detail = {"user": user, "exemption": id, "cause": cause.value}
        await record(tx, visit, Entry(Kind.EXEMPTION_REFUSED, target=f"user:{user}", story=signin, detail=detail))


async def guard_last_administrator(tx: Tx, old: User, new: User | None) -> Refused | None:
    """Step: refuse what would leave nobody to administer. *new* is None for a deletion."""
    was = old.enabled and Role.ADMINISTRATOR in old.roles
    stays = new is not None and new.enabled and Role.ADMINISTRATOR in new.roles
    if not was or stays or await directory.administrators(tx) > 1:
        return None
    return Refused(Reason.LAST_ADMINISTRATOR, "This is the last administrator. Make somebody else one first.")


async def name_taken(tx: Tx, old: User, new: User) -> Refused | None:
    """Step: CONFLICT when *new* has a name that is somebody else's."""
    if new.principal_name == old.principal_name or await directory.find_named(tx, new.principal_name) is None:
        return None
    return Refused(Reason.CONFLICT, "Somebody has this name already.", field="userPrincipalName")


# ---- values


def _made(id: UserId, new: NewUser, now: Instant) -> User:
    name, shown = normal_name(new.principal_name), new.display_name.strip()
    return User(id, name, shown, new.mail or None, new.enabled, new.roles, created=now, epoch=Instant(0))


def _changed(old: User, change: Change) -> User:
    return replace(
        old,
        principal_name=old.principal_name if change.principal_name is None else normal_name(change.principal_name),
        display_name=old.display_name if change.display_name is None else change.display_name.strip(),
        mail=old.mail if change.mail is None else (change.mail or None),
        enabled=old.enabled if change.enabled is None else change.enabled,
        roles=old.roles if change.roles is None else change.roles,
    )


def flaw(user: User, old: User | None = None) -> Refused | None:
    """
    What is wrong with the account's texts: INVALID_VALUE with the `field`, or None. A mail address that *old* has too
    stays, whatever it is.
    """
    if not NAME.fullmatch(user.principal_name):
        return Refused(Reason.INVALID_VALUE, "A user name looks like alice@example.com.", field="userPrincipalName")
    if not user.display_name or not _text(user.display_name):
        return Refused(Reason.INVALID_VALUE, "A display name has 1 to 256 characters.", field="displayName")
    changed = old is None or user.mail != old.mail
    if changed and user.mail is not None and not (_text(user.mail) and _MAIL.fullmatch(user.mail)):
        return Refused(Reason.INVALID_VALUE, "That is no mail address.", field="mail")
    return None


def is_name(text: str) -> bool:
    """Whether *text* is one that an account may have as its user name or mail address."""
    return NAME.fullmatch(text) is not None or (_text(text) and _MAIL.fullmatch(text) is not None)


def _text(text: str) -> bool:
    return len(text) <= LONGEST_TEXT and text.isprintable()


def _nobody() -> Refused:
    return Refused(Reason.NOT_FOUND, "There is no such user.")


def _shown(user: User) -> dict[str, object]:
    """The account as its entries show it."""
    return {
        "user_name": user.principal_name,
        "display_name": tame(user.display_name),
        "enabled": user.enabled,
        "roles": sorted(user.roles),
    }


def why(reason: str) -> dict[str, object]:
    """The reason as entries carry it, where one was given."""
    return {"reason": tame(reason)} if reason else {}


def _difference(old: User, new: User) -> dict[str, object]:
    """Which of the shown fields changed: before and after."""
    before, now = _shown(old) | {"mail": old.mail or ""}, _shown(new) | {"mail": new.mail or ""}
    return {
        "user_name": new.principal_name,
        "before": {key: value for key, value in before.items() if value != now[key]},
        "after": {key: value for key, value in now.items() if value != before[key]},
    }
