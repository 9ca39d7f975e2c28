"""
Whether upstream providers still vouch for whom they sent: asking again and again, and hearing them say no.

A yes counts for a while (`users.vouched`), so nothing is ended here that would not end by itself: while a provider
cannot be asked its last yes runs out, and with it every session that stands on it. A no ends all of a person's sessions
at once, here and in the hands of machines. What ended with a word is not brought back by a later one. A refresh token
is used by one node at a time (the job's lease), because providers that rotate them take two uses for a theft.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from ostiary.core.directory.people import User
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.upstream import (
    Flaw,
    Logout,
    Provider,
    Statement,
    read_id_token,
    read_logout_token,
    vouched_until,
)
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.upstream import Denied, Tokens
from ostiary.outside.vault import SealBroken
from ostiary.services.directory.people import ended_before
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.tokens.upstream import GRANT, end_everything, seal_grant
from ostiary.services.tokens.upstream_people import follow_groups
from ostiary.store import Tx, directory, passkeys, upstream
from ostiary.store.upstream import FIELD, TABLE, Grant

BATCH = 256  # grants of one run
AT_ONCE = 8  # requests to one provider
SAID_NO = Refused(Reason.UPSTREAM, "That is no logout token for us.")


async def ask_again(house: House, visit: Visit) -> int:
    """
    Job: ask about every sign-in through a provider that is due; how many were asked about. A provider that cannot be
    reached is not asked for the others in the same run.
    """
    due = await house.store.read(lambda tx: upstream.due(tx, visit.now, most=BATCH))
    by_provider: defaultdict[str, list[Grant]] = defaultdict(list)
    for grant in due:
        by_provider[grant.provider].append(grant)
    await asyncio.gather(*(_of_provider(house, visit, name, grants) for name, grants in by_provider.items()))
    return len(due)


async def _of_provider(house: House, visit: Visit, name: str, grants: Sequence[Grant]) -> None:
    provider, reached = house.outside.upstream.providers.get(name), [True]
    if provider is None:
        for grant in grants:
            await _ended(house, visit, grant, "not_configured")
        return
    while grants and any(reached):
        batch, grants = grants[:AT_ONCE], grants[AT_ONCE:]
        reached = await asyncio.gather(*(_of_grant(house, visit, provider, grant) for grant in batch))
    for grant in grants:
        await _not_asked(house, visit, provider, grant)


async def _of_grant(house: House, visit: Visit, provider: Provider, grant: Grant) -> bool:
    """Ask about one; whether the provider answered, or need not be asked."""
    if provider.issuer != grant.issuer:
        await _ended(house, visit, grant, "not_configured")
        return True
    if not await house.store.read(lambda tx: _wanted(tx, visit, grant)):
        await house.store.write(lambda tx: upstream.drop(tx, grant.id))
        return True
    try:
        token = house.vault.open(GRANT, TABLE, grant.id, FIELD, grant.sealed).decode()
    except SealBroken:
        await _ended(house, visit, grant, "seal")
        return True
    said = await house.outside.upstream.renew(provider.name, token)
    if isinstance(said, Denied) and said.final:
        await _ended(house, visit, grant, said.error)
        return True
    if not isinstance(said, Tokens):
        await _not_asked(house, visit, provider, grant)
        return False
    statement = await _statement(house, visit, provider, grant, said)
    if isinstance(statement, Flaw):
        await _ended(house, visit, grant, statement.value)
    else:
        await _confirmed(house, visit, provider, grant, said.refresh_token or token, statement)
    return True


async def _wanted(tx: Tx, visit: Visit, grant: Grant) -> bool:
    user = await directory.find(tx, grant.user)
    return user is not None and user.enabled and await upstream.needed(tx, grant.user, visit.now)


async def _statement(
    house: House, visit: Visit, provider: Provider, grant: Grant, said: Tokens
) -> Statement | Flaw | None:  # fmt: skip
    """What a refresh says of the person; None where it brings no ID token (Core §12.2 lets it)."""
    if not said.id_token:
        return None
    claims = await house.outside.upstream.claims(provider.name, said.id_token)
    if claims is None:
        return Flaw.SHAPE
    return read_id_token(provider, claims, now=visit.now, nonce=None, subject=grant.subject)


async def _confirmed(
    house: House, visit: Visit, provider: Provider, grant: Grant, token: str, statement: Statement | None
) -> None:  # fmt: skip
    """Yes: its word counts for another while, unless it had run out before."""
    sealed, now = seal_grant(house, grant.id, token), visit.now

    async def body(tx: Tx) -> None:
        user = await directory.find(tx, grant.user)
        if user is None or not await upstream.renew(
            tx, grant, sealed, confirmed=now, due=after(now, provider.recheck)
        ):  # fmt: skip
            return
        if user.vouched is None or user.vouched <= now:
            await _end(tx, visit, user, grant.provider, "unreachable")
            return
        await upstream.vouch(tx, user.id, vouched_until(provider, now))
        if statement is not None:
            await follow_groups(tx, visit, provider, statement, user)

    await house.store.write(body)


async def _not_asked(house: House, visit: Visit, provider: Provider, grant: Grant) -> None:
    """No answer: later again. Once its last word has run out there is nothing left to ask about."""

    async def body(tx: Tx) -> None:
        user = await directory.find(tx, grant.user)
        if user is not None and user.vouched is not None and visit.now < user.vouched:
            await upstream.postpone(tx, grant, due=after(visit.now, provider.recheck))
        elif user is not None and await upstream.grants_left(tx, user.id):
            await _end(tx, visit, user, grant.provider, "unreachable")

    await house.store.write(body)


async def _ended(house: House, visit: Visit, grant: Grant, cause: str) -> None:
    async def body(tx: Tx) -> None:
        user = await directory.find(tx, grant.user)
        found = await upstream.find_grant(tx, grant.id)
        if user is not None and found is not None and found.sealed == grant.sealed:
            await _end(tx, visit, user, grant.provider, cause)

    await house.store.write(body)


async def _end(tx: Tx, visit: Visit, user: User, provider: str, cause: str) -> None:
    """Step: the provider vouches for *user* no more: everything of theirs ends, and nobody is asked about them."""
    await upstream.drop_all(tx, user.id)
    await end_everything(tx, user, ended_before(visit.now))
    detail = {"user_name": user.principal_name, "provider": provider, "cause": tame(cause)[:64]}
    await record(tx, visit, Entry(Kind.UPSTREAM_ENDED, target=f"user:{user.id}", detail=detail))


# ---- back-channel logout


async def logged_out(house: House, visit: Visit, name: str, token: str) -> int | Refused:
    """
    A provider says by itself that a session of its own, or everything of a person, is over (OpenID Connect Back-Channel
    Logout §2.5); how many people it was about. Said twice it counts once. Refused: UPSTREAM.
    """
    provider = house.outside.upstream.providers.get(name)
    claims = await house.outside.upstream.claims(name, token) if provider is not None else None
    if provider is None or claims is None:
        return SAID_NO
    said = read_logout_token(provider, claims, now=visit.now)
    if isinstance(said, Flaw):
        return SAID_NO
    return await house.store.write(lambda tx: _log_out(tx, visit, provider, said))


async def _log_out(tx: Tx, visit: Visit, provider: Provider, said: Logout) -> int | Refused:
    if not await passkeys.spend(tx, digest(f"logout {provider.issuer} {said.id}"), ends=said.ends):
        return SAID_NO
    people: set[UserId] = {
        grant.user
        for grant in await upstream.grants_of(tx, provider.issuer, subject=said.subject, sid=said.session)
    }  # fmt: skip
    for id in sorted(people):
        user = await directory.find(tx, id)
        if user is not None:
            await _end(tx, visit, user, provider.name, "logout")
    return len(people)
