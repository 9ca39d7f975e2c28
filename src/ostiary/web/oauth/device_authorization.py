"""
The device authorization endpoint (RFC 8628 §3.1, §3.2).
"""

import orjson

from ostiary.core.signins.user_code import spaced
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.instants import to_seconds
from ostiary.core.words.outcome import Refused
from ostiary.services.house import House
from ostiary.services.signins.complete_address import complete_address
from ostiary.services.signins.start import Request, Started, start
from ostiary.services.tokens.proof_refusals import note_broken
from ostiary.services.tokens.token import TokenForm, known
from ostiary.web.front.answer import Answer, Send, json_answer, send_answer
from ostiary.web.front.forms import Receive, Scope
from ostiary.web.front.hot import Asgi
from ostiary.web.front.proofs import offer, proved
from ostiary.web.front.visit import visit as visit_of
from ostiary.web.oauth.answers import refusal
from ostiary.web.oauth.posted import posted

__all__ = ["PATH", "device_authorization"]

PATH = "/oauth2/v2.0/devicecode"
LONGEST_DURATION = 32  # characters


def device_authorization(house: House) -> Asgi:
    """The door."""
    origin = house.settings.origin

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        visit = visit_of(scope, house)
        read = await posted(scope, receive, house, PATH)
        outcome: Started | Refused
        if isinstance(read, Refused):
            outcome, application = read, None
        else:
            request = _request(*read)
            visit = proved(house, scope, visit, nonce_needed=False)
            refused = await note_broken(house, visit, client=request.client.name)
            outcome = refused or await start(house, visit, request)
            application = known(house, TokenForm(client=request.client))
        if isinstance(outcome, Refused):
            answer = refusal(outcome, visit, application=application, device_endpoint=True, origin=origin)
        else:
            answer = _answer(house, outcome)
        await send_answer(offer(answer, visit), send)

    return door


def _request(fields: dict[str, str], client: Shown) -> Request:
    return Request(
        client=client,
        scope=fields.get("scope", ""),
        challenge=fields.get("code_challenge", ""),
        challenge_method=fields.get("code_challenge_method", ""),
        login_hint=fields.get("login_hint", ""),
        dpop_jkt=fields.get("dpop_jkt", ""),
        machine=fields.get("ostiary_machine", ""),
        reason=fields.get("ostiary_reason", ""),
        reference=fields.get("ostiary_reference", ""),
        number=fields.get("ostiary_number") == "1",
        ticket=fields.get("ostiary_ticket", ""),
        asks=fields.get("ostiary_request", ""),
        length=fields.get("ostiary_duration", "")[:LONGEST_DURATION],
    )


def _answer(house: House, started: Started) -> Answer:
    """RFC 8628 §3.2, with the `message` that Microsoft's clients show."""
    shown, page = spaced(started.user_code), f"{house.settings.origin}/devicelogin"
    body = {
        "device_code": started.device_code,
        "user_code": shown,
        "verification_uri": page,
        "expires_in": to_seconds(started.lifetime),
        "interval": max(1, to_seconds(started.interval)),
        "ostiary_sign_in": started.id,
        "message": f"To sign in, open the page {page} in a browser and enter the code {shown} to authenticate.",
    }
    if started.binding:
        body["ostiary_binding"] = list(started.binding)
    if started.application.complete_uri:
        body["verification_uri_complete"] = complete_address(house, started.user_code)
    return json_answer(200, orjson.dumps(body))
