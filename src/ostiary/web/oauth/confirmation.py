"""
The confirmation endpoint: a requester posts the number that its person was shown (R12). Ours, in no RFC.
"""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.words.instants import to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.house import House
from ostiary.services.signins.confirm import Form, confirm
from ostiary.services.tokens.proof_refusals import about_bound, note_broken, note_wrong_key
from ostiary.web.front.answer import json_answer
from ostiary.web.front.proofs import offer, proved
from ostiary.web.front.visit import visit
from ostiary.web.oauth.answers import refusal
from ostiary.web.oauth.door import Endpoint, refused, response, stranger
from ostiary.web.oauth.posted import posted

__all__ = ["PATH", "confirmation"]

PATH = "/oauth2/v2.0/confirm"


def confirmation(house: House) -> Endpoint:
    """The endpoint of `/{tenant}/oauth2/v2.0/confirm`: 200 when the number is right, and then the next poll redeems."""

    async def answer(request: Request) -> Response:
        seen = visit(request.scope, house)
        elsewhere = stranger(house, request, seen)
        if elsewhere is not None:
            return elsewhere
        read = await posted(request.scope, request.receive, house, PATH)
        if isinstance(read, Refused):
            return refused(house, seen, read)
        fields, client = read
        form = Form(client, fields.get("device_code", ""), fields.get("number", ""))
        if not form.device_code:
            missing = Refused(Reason.INVALID_REQUEST, "The parameter device_code is missing.", field="device_code")
            return refused(house, seen, missing)
        seen = proved(house, request.scope, seen)
        outcome = await note_broken(house, seen, client=client.name) or await confirm(house, seen, form)
        if isinstance(outcome, Refused):
            if about_bound(outcome):
                await note_wrong_key(house, seen, outcome, client=client.name)
            told = refusal(outcome, seen, application=None, origin=house.settings.origin)
        else:
            told = json_answer(200, orjson.dumps({"ostiary_expires_in": to_seconds(outcome.left)}))
        return response(offer(told, seen))

    return answer
