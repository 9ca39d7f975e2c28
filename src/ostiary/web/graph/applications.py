"""
`/applications` with their secrets, `/oauth2PermissionGrants` (consent by administrators), and who is assigned, under
`/servicePrincipals/{id}/appRoleAssignedTo`. Also by client id: `/applications(appId='…')`.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.application import APPLICATION, ASSIGNMENT, CONSENT
from ostiary.core.graph.fields import Field, Kind
from ostiary.core.words.instants import to_iso
from ostiary.core.words.outcome import Refused
from ostiary.services.directory.applications import (
    change_application,
    create_application,
    create_secret,
    delete_application,
    delete_secret,
    find_application,
    search_applications,
)
from ostiary.services.directory.consents import (
    assign,
    assignments_of,
    change_consent,
    create_consent,
    delete_consent,
    find_consent,
    search_consents,
    unassign,
)
from ostiary.web.graph.resource import (
    Call,
    Gives,
    Operation,
    Path,
    acting,
    changing,
    creating,
    listing,
    reading,
    removing,
)

__all__ = ["PATHS"]

_READ, _WRITE = Action.READ_DIRECTORY, Action.WRITE_APPLICATIONS

_NEW_SECRET: tuple[Field[Any], ...] = (
    Field(
        "passwordCredential",
        Kind.OBJECT,
        fields=(
            Field("displayName", Kind.STRING, write="name", limit=120),
            Field("endDateTime", Kind.MOMENT, write="ends", doc="180 days when left out, two years at most."),
        ),
    ),
)
_OLD_SECRET: tuple[Field[Any], ...] = (Field("keyId", Kind.ID, write="key", required=True, limit=64),)


async def _change(call: Call) -> Any:
    return await change_application(call.house, call.visit, call.path["id"], call.changes, call.reason)


async def _add_secret(call: Call) -> Any:
    made = await create_secret(call.house, call.visit, call.path["id"], **call.changes)
    if isinstance(made, Refused):
        return made
    return {
        "keyId": made.kept.id,
        "displayName": made.kept.name or None,
        "hint": made.kept.hint,
        "secretText": made.text,
        "startDateTime": to_iso(made.kept.created),
        "endDateTime": to_iso(made.kept.ends),
    }


async def _remove_secret(call: Call) -> Any:
    return await delete_secret(call.house, call.visit, call.path["id"], call.changes["key"])


async def _change_consent(call: Call) -> Any:
    return await change_consent(call.house, call.visit, call.path["id"], call.changes, call.reason)


async def _assign(call: Call) -> Any:
    return await assign(call.house, call.visit, call.path["id"], call.changes, call.reason)


async def _unassign(call: Call) -> Any:
    return await unassign(call.house, call.visit, call.path["id"], call.path["assignment"])


_ONE: tuple[Operation, ...] = (
    reading(APPLICATION, _READ, lambda c: find_application(c.house, c.visit, c.path["id"])),
    changing(APPLICATION, _WRITE, _change),
    removing(APPLICATION, _WRITE, lambda c: delete_application(c.house, c.visit, c.path["id"])),
)
_ADD_SECRET = (acting(_WRITE, _add_secret, "Add a secret, which is shown this once", fields=_NEW_SECRET),)
_REMOVE_SECRET = (acting(_WRITE, _remove_secret, "Take a secret away", fields=_OLD_SECRET, gives=Gives.NOTHING),)
_ASSIGNED: tuple[Operation, ...] = (
    listing(ASSIGNMENT, _READ, lambda c: assignments_of(c.house, c.visit, c.path["id"], c.query)),
    creating(ASSIGNMENT, _WRITE, _assign),
)
_BY_ID, _BY_APP = "/applications/{id}", "/applications(appId='{id}')"

PATHS: tuple[Path, ...] = (
    Path(
        "/applications",
        (
            listing(APPLICATION, _READ, lambda c: search_applications(c.house, c.visit, c.query)),
            creating(APPLICATION, _WRITE, lambda c: create_application(c.house, c.visit, c.changes, c.reason)),
        ),
    ),
    *(Path(one, _ONE) for one in (_BY_ID, _BY_APP)),
    *(Path(f"{one}/addPassword", _ADD_SECRET) for one in (_BY_ID, _BY_APP)),
    *(Path(f"{one}/removePassword", _REMOVE_SECRET) for one in (_BY_ID, _BY_APP)),
    Path(
        "/oauth2PermissionGrants",
        (
            listing(CONSENT, _READ, lambda c: search_consents(c.house, c.visit, c.query)),
            creating(CONSENT, _WRITE, lambda c: create_consent(c.house, c.visit, c.changes, c.reason)),
        ),
    ),
    Path(
        "/oauth2PermissionGrants/{id}",
        (
            reading(CONSENT, _READ, lambda c: find_consent(c.house, c.visit, c.path["id"])),
            changing(CONSENT, _WRITE, _change_consent),
            removing(CONSENT, _WRITE, lambda c: delete_consent(c.house, c.visit, c.path["id"])),
        ),
    ),
    *(
        Path(f"{one}/appRoleAssignedTo", _ASSIGNED)
        for one in ("/servicePrincipals/{id}", "/servicePrincipals(appId='{id}')")
    ),
    Path("/servicePrincipals/{id}/appRoleAssignedTo/{assignment}", (removing(ASSIGNMENT, _WRITE, _unassign),)),
)
