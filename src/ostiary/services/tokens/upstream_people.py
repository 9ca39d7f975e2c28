"""
Who somebody is that an upstream provider sends: the account that is linked to its subject, and how a link is made.

Owns links and mapped memberships. A subject that is not linked yet is one of ours only where an administrator said so,
or where the operator named the provider for the domain of a name that it vouches for; and then never an account with a
role, nor one that is linked already: no claim makes an administrator (0054). Groups follow the mapping in both
directions, and only those that the mapping itself gave are taken away.
"""

from ostiary.core.directory.people import EXCEPTION, User
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.upstream import Provider, Statement, mapped_groups, match_name
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.memberships import join_group, leave_group
from ostiary.services.directory.people import add_user
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory, groups, upstream
from ostiary.store.upstream import Link

UNLINKED = Refused(
    Reason.UNLINKED, "No account here belongs to that one. An administrator can link yours, or sign in another way."
)


async def person_of(tx: Tx, visit: Visit, provider: Provider, statement: Statement, new: UserId) -> User | Refused:
    """
    Step: the account of whoever *statement* is about; *new* is the id of one that is made. Refused: UNLINKED.
    """
    link = await upstream.find_link(tx, statement.issuer, statement.subject)
    if link is not None:
        return await directory.find(tx, link.user) or UNLINKED
    name = match_name(provider, statement)
    user = await directory.find_named(tx, name) if name else None
    if user is None:
        made = await _made(tx, visit, provider, statement, new, name) if provider.create and name else UNLINKED
        return made if isinstance(made, Refused) else await _linked(tx, visit, provider, statement, made)
    if user.roles or await upstream.link_of(tx, user.id) is not None:
        text = f"{provider.title} vouched for the name of {user.principal_name}, who is not linked to whom it sent."
        await alert(tx, visit, about="upstream_name", text=text, target=f"user:{user.id}")
        return UNLINKED
    return await _linked(tx, visit, provider, statement, user)


async def comes_from_elsewhere(house: House, tx: Tx, user: User) -> bool:
    """
    Step: whether *user* signs in through a provider and in no other way: one that is linked and has no role, while that
    provider is configured. Otherwise whoever left there could come in by a password that was made here before.
    """
    link = None if user.roles else await upstream.link_of(tx, user.id)
    issuers = {provider.issuer for provider in house.outside.upstream.providers.values()}
    return link is not None and link.issuer in issuers


async def _made(
    tx: Tx, visit: Visit, provider: Provider, statement: Statement, new: UserId, name: str
) -> User | Refused:  # fmt: skip
    shown = "".join(c for c in statement.display_name if c.isprintable()).strip() or name
    user = User(new, name, shown, name, created=visit.now)
    made = await add_user(tx, visit, user, reason=f"first sign-in through {provider.name}")
    return UNLINKED if isinstance(made, Refused) else made


async def _linked(tx: Tx, visit: Visit, provider: Provider, statement: Statement, user: User) -> User:
    await upstream.add_link(tx, Link(statement.issuer, statement.subject, user.id, visit.now))
    detail = {
        "user_name": user.principal_name, "provider": provider.name, "issuer": statement.issuer,
        "subject": tame(statement.subject), "reason": "",
    }  # fmt: skip
    await record(tx, visit, Entry(Kind.LINKED, target=f"user:{user.id}", detail=detail))
    return user


async def follow_groups(tx: Tx, visit: Visit, provider: Provider, statement: Statement, user: User) -> None:
    """
    Step: *user* stands in the groups that the mapping gives them now, and no more in those that it gave them before.

    A membership that somebody gave by hand stays as it is. The exception group has no standing members, whatever a
    mapping says.
    """
    wanted = mapped_groups(provider, statement)
    had = await upstream.mapped(tx, user.id)
    for id in sorted(wanted - had):
        group = await groups.find(tx, id)
        if group is None or group.purpose == EXCEPTION or await groups.is_member(tx, id, user.id):
            continue
        await join_group(tx, visit, group, user, provider=provider.name)
        await upstream.map_into(tx, user.id, id)
    for id in sorted(had - wanted):
        await upstream.unmap(tx, user.id, id)
        group = await groups.find(tx, id)
        if group is not None:
            await leave_group(tx, visit, group, user, provider=provider.name)
