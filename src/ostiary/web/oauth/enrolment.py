"""
The enrolment endpoint: a machine proves a key of its own and asks to be admitted to the inventory. Ours, in no RFC.
"""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.devices.device import Device
from ostiary.core.words.instants import between, to_seconds
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.signins.enrolment import Wish, enrol
from ostiary.services.tokens.proof_refusals import note_broken
from ostiary.web.front.answer import Answer, json_answer
from ostiary.web.front.proofs import offer, proved
from ostiary.web.front.visit import visit
from ostiary.web.oauth.answers import refusal
from ostiary.web.oauth.door import Endpoint, refused, response, stranger
from ostiary.web.oauth.posted import posted

__all__ = ["PATH", "enrolment"]

PATH = "/oauth2/v2.0/enroll"


def enrolment(house: House) -> Endpoint:
    """
    The endpoint of `/{tenant}/oauth2/v2.0/enroll`: 200 with the machine's id and how it stands. The proof carries a
    nonce of ours, so it is fresh (RFC 9449 §8).
    """

    async def answer(request: Request) -> Response:
        seen = visit(request.scope, house)
        elsewhere = stranger(house, request, seen)
        if elsewhere is not None:
            return elsewhere
        read = await posted(request.scope, request.receive, house, PATH)
        if isinstance(read, Refused):
            return refused(house, seen, read)
        seen = proved(house, request.scope, seen)
        outcome = await note_broken(house, seen, client="") or await enrol(house, seen, _wish(read[0]))
        if isinstance(outcome, Refused):
            told = refusal(outcome, seen, application=None, origin=house.settings.origin)
        else:
            told = _told(outcome, seen)
        return response(offer(told, seen))

    return answer


def _wish(fields: dict[str, str]) -> Wish:
    names = ("ostiary_machine", "ostiary_system", "ostiary_system_version", "ostiary_ticket")
    return Wish(*(fields.get(name, "") for name in names))


def _told(device: Device, seen: Visit) -> Answer:
    """What a machine may know of itself."""
    left = None if device.expires is None else max(0, to_seconds(between(seen.now, device.expires)))
    state = device.standing(seen.now).value
    document = {"device_id": device.id, "state": state, "name": device.name, "expires_in": left}
    return json_answer(200, orjson.dumps(document))
