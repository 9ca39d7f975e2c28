"""
The token endpoint (RFC 6749 §3.2). A pending poll is answered from memory, at once or when something was decided;
everything else is the deed's.

A poll whose commit fails is told "pending", which is true; a refresh then is told to try again (R9).
"""

from contextlib import suppress
from dataclasses import replace

from ostiary.core.tokens.clients import Shown
from ostiary.core.words.errors import StoreError
from ostiary.core.words.instants import between, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.grants.device_code import GRANT_TYPES
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.proof_refusals import note_broken
from ostiary.services.tokens.token import TokenForm, decided, grant, known, may_wait, pending
from ostiary.services.tokens.workload import GRANT_TYPES as WORKLOAD_GRANTS
from ostiary.services.tokens.workload import exchange
from ostiary.web.front.answer import Answer, Send, send_answer
from ostiary.web.front.forms import Receive, Scope
from ostiary.web.front.hot import Asgi
from ostiary.web.front.proofs import offer, proved
from ostiary.web.front.visit import visit as visit_of
from ostiary.web.oauth.answers import granted, refusal
from ostiary.web.oauth.answers import pending as not_yet
from ostiary.web.oauth.posted import posted

__all__ = ["PATH", "token"]

PATH = "/oauth2/v2.0/token"


def token(house: House) -> Asgi:
    """The door."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        visit = visit_of(scope, house)
        read = await posted(scope, receive, house, PATH)
        if isinstance(read, Refused):
            answer = refusal(read, visit, application=None, origin=house.settings.origin)
        else:
            visit = proved(house, scope, visit)
            answer = offer(await _answer(house, visit, _form(*read)), visit)
        await send_answer(answer, send)

    return door


async def _answer(house: House, visit: Visit, form: TokenForm) -> Answer:
    if visit.proof.refused is not None:
        return await _unproved(house, visit, form)
    poll = form.grant_type in GRANT_TYPES
    try:
        if poll and form.device_code:
            outcome = await _poll(house, visit, form)
        else:
            outcome = await (exchange if form.grant_type in WORKLOAD_GRANTS else grant)(house, visit, form)
    except StoreError:
        return not_yet(visit) if poll else _refused(house, visit, form, Refused(Reason.UNAVAILABLE))
    if isinstance(outcome, Refused):
        return not_yet(visit) if outcome.reason is Reason.PENDING else _refused(house, visit, form, outcome)
    return granted(outcome)


async def _poll(house: House, visit: Visit, form: TokenForm) -> Issued | Refused:
    """One poll: "not yet" from memory, at once or as late as the poll may wait, anything else from the store."""
    answer: Issued | Refused | None = pending(house, visit, form)
    left, since = may_wait(house, form) if form.wait else 0.0, visit.now
    while True:
        if answer is None:
            answer = await grant(house, visit, form)
            if not (isinstance(answer, Refused) and answer.reason is Reason.PENDING):
                return answer
        left -= between(since, visit.now) / seconds(1)
        if left <= 0 or not isinstance(answer, Refused) or answer.reason is Reason.SLOW_DOWN:
            return answer
        since = visit.now
        if not await decided(house, form, left):
            return answer
        answer, visit = None, replace(visit, now=house.clock.now())


async def _unproved(house: House, visit: Visit, form: TokenForm) -> Answer:
    """A proof that does not count, whatever else the request is worth; one that cannot be written down all the same."""
    refused = visit.proof.refused or Refused(Reason.DPOP_INVALID)
    with suppress(StoreError):
        await note_broken(house, visit, client=form.client.name)
    return _refused(house, visit, form, refused)


def _refused(house: House, visit: Visit, form: TokenForm, refused: Refused) -> Answer:
    return refusal(refused, visit, application=known(house, form), origin=house.settings.origin)


def _form(fields: dict[str, str], client: Shown) -> TokenForm:
    """The parameters we know; `code` beside `device_code` is a habit of one client and ignored there."""
    wait = fields.get("ostiary_wait", "")
    return TokenForm(
        grant_type=fields.get("grant_type", ""),
        client=client,
        device_code=fields.get("device_code", ""),
        refresh_token=fields.get("refresh_token", ""),
        code=fields.get("code", ""),
        code_verifier=fields.get("code_verifier", ""),
        redirect_uri=fields.get("redirect_uri", ""),
        scope=fields.get("scope", ""),
        client_info=fields.get("client_info") == "1",
        subject_token=fields.get("subject_token", ""),
        subject_token_type=fields.get("subject_token_type", ""),
        requested_token_type=fields.get("requested_token_type", ""),
        actor_token=fields.get("actor_token", ""),
        audience=fields.get("audience", "") or fields.get("resource", ""),
        wait=int(wait) if wait.isascii() and wait.isdigit() and len(wait) <= 4 else 0,
    )
