"""
`/scim/v2/Groups` (RFC 7644 §3.3 to §3.6).
"""

from dataclasses import replace as with_

from scim2_models import Context, PatchOp
from starlette.responses import Response

from ostiary.core.directory.provisioning import Team
from ostiary.services.directory import provision_groups as deeds
from ostiary.services.directory.provision_groups import Filled
from ostiary.web.scim.door import Call, Wrong, found, listed, narrowed, page_of, shown
from ostiary.web.scim.membership import split
from ostiary.web.scim.shapes import POLICY, Group, group_of, team_from
from ostiary.web.scim.wanted import equal_to

__all__ = ["change", "create", "delete", "look", "replace", "search"]

MOST_WITH_MEMBERS = 20
"""Groups on a page that shows their members."""


async def search(call: Call) -> Response:
    """
    GET, or POST to `.search`: by name or `externalId` along an index, anything else by looking at each. Members are
    shown and looked at only where they are asked for: in a list of groups they would be many.
    """
    asked = await call.search(Group)
    skipped, most = page_of(asked)
    members = any("members" in str(one).lower() for one in (asked.filter or "", *(asked.attributes or ())))
    name, external = equal_to(asked.filter, "displayName"), equal_to(asked.filter, "externalId")
    if name is not None or external is not None:
        page = found(await deeds.find_teams(call.house, call.visit, name=name, external=external, members=members))
    elif asked.filter is None:
        most = min(most, MOST_WITH_MEMBERS) if members else most
        page = found(await deeds.page_of_teams(call.house, call.visit, skipped=skipped, most=most, members=members))
        return await listed([group_of(one, call.origin) for one in page.teams], asked, total=page.total)
    else:
        scan = deeds.MOST_SCANNED
        page = found(await deeds.page_of_teams(call.house, call.visit, skipped=0, most=scan, members=members))
        if page.total > scan:
            raise Wrong(400, "Filter by displayName or externalId: there are too many groups.", "tooMany")
    return await narrowed(asked, Group, lambda: (group_of(one, call.origin) for one in page.teams))


async def create(call: Call) -> Response:
    """POST: 201 and where it is."""
    told = Group.model_validate(await call.json(), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    made = found(await deeds.create_team(call.house, call.visit, team_from(told)))
    return await shown(Context.RESOURCE_CREATION_RESPONSE, group_of(made, call.origin), status=201)


async def look(call: Call) -> Response:
    """GET of one."""
    asked = await call.search(Group)
    left_out = any(str(one).lower() == "members" for one in asked.excluded_attributes or ())
    team = found(await deeds.find_team(call.house, call.visit, call.id, members=not left_out))
    return await shown(Context.RESOURCE_QUERY_RESPONSE, group_of(team, call.origin), search=asked)


async def replace(call: Call) -> Response:
    """PUT: exactly those members."""
    asked = await call.search(Group)
    told = Group.model_validate(await call.json(), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    wanted = team_from(told)
    told.members = None  # the library compares each with each

    def become(old: Filled) -> Team:
        told.replace(group_of(Filled(old.group, old.kept, None), call.origin))
        return with_(team_from(told), members=wanted.members)

    done = found(await deeds.change_team(call.house, call.visit, call.id, become))
    return await shown(Context.RESOURCE_REPLACEMENT_RESPONSE, group_of(done, call.origin), search=asked)


async def change(call: Call) -> Response:
    """PATCH, applied to the group as it is inside the transaction."""
    asked, body = await call.search(Group), await call.json()
    steps = split(body)
    if isinstance(steps, str):
        raise Wrong(400, steps, "invalidValue")
    others = {**body, "Operations": list(steps.others)} if steps.others else None
    wanted = others and PatchOp[Group].model_validate(others, scim_ctx=Context.RESOURCE_PATCH_REQUEST)

    def become(old: Filled) -> Team:
        group = group_of(Filled(old.group, old.kept, None), call.origin)
        if wanted:
            wanted.patch(group, scim_policy=POLICY)  # it runs in the store's turn, outside the door's block
        return with_(team_from(group), members=steps.applied(old.members or frozenset()))

    done = found(await deeds.change_team(call.house, call.visit, call.id, become))
    return await shown(Context.RESOURCE_PATCH_RESPONSE, group_of(done, call.origin), search=asked)


async def delete(call: Call) -> Response:
    """DELETE: 204."""
    found(await deeds.remove_team(call.house, call.visit, call.id))
    return Response(status_code=204, headers={"cache-control": "no-store"})
