"""
`/scim/v2/Users` (RFC 7644 §3.3 to §3.6).
"""

from dataclasses import replace as with_

from scim2_models import Context, PatchOp
from starlette.responses import Response

from ostiary.core.directory.provisioning import Person
from ostiary.services.directory import provision_users as deeds
from ostiary.services.directory.provision_users import Account
from ostiary.web.scim.door import Call, Wrong, found, listed, narrowed, page_of, shown
from ostiary.web.scim.membership import MOST_OPERATIONS
from ostiary.web.scim.shapes import POLICY, User, person_from, user_of
from ostiary.web.scim.wanted import equal_to

__all__ = ["change", "create", "delete", "look", "replace", "search"]


async def search(call: Call) -> Response:
    """GET, or POST to `.search`: by name or `externalId` along an index, anything else by looking at each."""
    asked = await call.search(User)
    skipped, most = page_of(asked)
    name, external = equal_to(asked.filter, "userName"), equal_to(asked.filter, "externalId")
    if name is not None or external is not None:
        page = found(await deeds.find_people(call.house, call.visit, name=name, external=external))
    elif asked.filter is None:
        page = found(await deeds.page_of_people(call.house, call.visit, skipped=skipped, most=most))
        return await listed([user_of(one, call.origin) for one in page.accounts], asked, total=page.total)
    else:
        page = found(await deeds.page_of_people(call.house, call.visit, skipped=0, most=deeds.MOST_SCANNED))
        if page.total > deeds.MOST_SCANNED:
            raise Wrong(400, "Filter by userName or externalId: there are too many users.", "tooMany")
    return await narrowed(asked, User, lambda: (user_of(one, call.origin) for one in page.accounts))


async def create(call: Call) -> Response:
    """POST: 201 and where it is."""
    told = User.model_validate(await call.json(), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    made = found(await deeds.create_person(call.house, call.visit, person_from(told)))
    return await shown(Context.RESOURCE_CREATION_RESPONSE, user_of(made, call.origin), status=201)


async def look(call: Call) -> Response:
    """GET of one."""
    asked = await call.search(User)
    account = found(await deeds.find_person(call.house, call.visit, call.id))
    return await shown(Context.RESOURCE_QUERY_RESPONSE, user_of(account, call.origin), search=asked)


async def replace(call: Call) -> Response:
    """PUT: an address that is not said is none; whether somebody is active stays as it was."""
    asked = await call.search(User)
    told = User.model_validate(await call.json(), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    silent = told.active is None

    def become(old: Account) -> Person:
        told.replace(user_of(old, call.origin))
        person = person_from(told)
        return with_(person, active=old.user.enabled) if silent else person

    done = found(await deeds.change_person(call.house, call.visit, call.id, become))
    return await shown(Context.RESOURCE_REPLACEMENT_RESPONSE, user_of(done, call.origin), search=asked)


async def change(call: Call) -> Response:
    """PATCH, applied to the account as it is inside the transaction."""
    asked, body = await call.search(User), await call.json()
    if len(body.get("Operations") or ()) > MOST_OPERATIONS:
        raise Wrong(400, f"A request has at most {MOST_OPERATIONS} operations.", "tooMany")
    wanted = PatchOp[User].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)

    def become(old: Account) -> Person:
        user = user_of(old, call.origin)
        wanted.patch(user, scim_policy=POLICY)  # it runs in the store's turn, outside the door's block
        return person_from(user)

    done = found(await deeds.change_person(call.house, call.visit, call.id, become))
    return await shown(Context.RESOURCE_PATCH_RESPONSE, user_of(done, call.origin), search=asked)


async def delete(call: Call) -> Response:
    """DELETE: 204; the account is disabled."""
    found(await deeds.remove_person(call.house, call.visit, call.id))
    return Response(status_code=204, headers={"cache-control": "no-store"})
