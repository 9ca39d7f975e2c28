"""
Sessions and the machines that they are on: judged as policy sees them, and again when a machine has changed.

A refresh asks policy each time. Between two of them an access token counts without that, unless the machine of its
session is another than it was then: revoked and lapsed ones end it by themselves (`core/tokens/session.py`), any other
change asks policy once more, at introspection, at userinfo and at our own API. So a machine that stops to comply stops
what policy wants a compliant machine for, at the next look at the token.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ostiary.core.access.decision import Outcome
from ostiary.core.access.picture import Picture
from ostiary.core.devices.device import Device
from ostiary.core.directory.applications import Application
from ostiary.core.tokens import scopes
from ostiary.core.tokens.scopes import asked_scopes
from ostiary.core.tokens.session import Session, to_be_judged
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant
from ostiary.services.access.gather import DEVICE_CODE, Ask, Side, age, gather
from ostiary.store import Tx, devices

__all__ = ["session_ask", "still_passes", "used_device"]


def session_ask(
    session: Session, client: Application, resource: AppId, names: frozenset[str], now: Instant, *, used_at: str
) -> Ask:
    """
    *session* as policy sees it when it is used at *used_at*: the transfer method stays (R3), and so does the browser
    that approved. The machine of a device sign-in is where it is used from; any other sign-in has one side only.
    """
    device, person = session.origin is Origin.DEVICE_CODE, Side.of(session.approved_from)
    if not device and client.public:  # it runs where its person is
        person = replace(person, address=used_at)
    return Ask(
        session.user,
        session.client or scopes.ADMIN_API,
        resource,
        session.requester_address,
        DEVICE_CODE if device else None,
        "mobileAppsAndDesktopClients" if device else "browser",
        session.amr,
        names,
        person,
        used_at if device else person.address,
        machine_device=session.device,
        proof_age=age(session.authenticated, now),
        number_confirmed=person.number,
        start_ticket=person.ticket,
        reference_bound=person.reference or None,
        machine_bound=person.machine or None,
        came_from=used_at if device else None,
        held=session.exemption,
        story=session.story,
    )


async def still_passes(tx: Tx, picture: Picture, session: Session, claims: Mapping[str, Any], now: Instant) -> bool:
    """
    Step: whether policy lets an access token of ours with *claims*, of a session that is alive, go on with the machine
    as that is now.

    Where its machine asks from now nobody at this door knows: it is judged where it asked first.
    """
    if not to_be_judged(session, now):
        return True
    client, resource = picture.applications.get(AppId(claims["client_id"])), picture.resource(str(claims["aud"]))
    if client is None or resource is None:
        return False
    offline = ("offline_access",) if "offline_access" in session.scopes else ()
    names = asked_scopes((*str(claims["scp"]).split(), *offline))
    ask = session_ask(session, client, resource.id, names, now, used_at=session.requester_address)
    gathered = await gather(tx, picture, ask, now)
    return gathered is not None and not gathered.lost and gathered.decision.outcome is Outcome.ALLOWED


async def used_device(tx: Tx, device: Device | None, now: Instant) -> None:
    """Step: *device* signed somebody in; written once an hour."""
    if device is not None and device.to_be_seen(now):
        await devices.seen(tx, device.id, now)
