"""
`/scim/v2/Groups` (RFC 7644 §3.3 to §3.6).
"""

from scim2_models import Context, PatchOp, ScimFilter
from starlette.responses import Response

from ostiary.core.directory.provisioning import Team
from ostiary.services.directory import provision_groups as deeds
from ostiary.services.directory.provision_groups import Filled
from ostiary.web.scim.door import Call, Wrong, found, listed, page_of, shown
from ostiary.web.scim.shapes import POLICY, Group, group_of, team_from
from ostiary.web.scim.wanted import equal_to

__all__ = ["change", "create", "delete", "look", "replace", "search"]


async def search(call: Call) -> Response:
    """GET, or POST to `.search`: by name or `externalId` along an index, anything else by looking at each."""
    asked = await call.search(Group)
    skipped, most = page_of(asked)
    name, external = equal_to(asked.filter, "displayName"), equal_to(asked.filter, "externalId")
    if name is not None or external is not None:
        page = found(await deeds.find_teams(call.house, call.visit, name=name, external=external))
    elif asked.filter is None:
        page = found(await deeds.page_of_teams(call.house, call.visit, skipped=skipped, most=most))
        return listed([group_of(one, call.origin) for one in page.teams], asked, total=page.total)
    else:
        page = found(await deeds.page_of_teams(call.house, call.visit, skipped=0, most=deeds.MOST_SCANNED))
        if page.total > deeds.MOST_SCANNED:
            raise Wrong(400, "Filter by displayName or externalId: there are too many groups.", "tooMany")
    told = [group_of(one, call.origin) for one in page.teams]
    kept = [one for one in told if ScimFilter[Group](asked.filter).match(one)]
    return listed(kept[skipped : skipped + most], asked, total=len(kept))


async def create(call: Call) -> Response:
    """POST: 201 and where it is."""
    told = Group.model_validate(await call.json(), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    made = found(await deeds.create_team(call.house, call.visit, team_from(told)))
    return shown(Context.RESOURCE_CREATION_RESPONSE, group_of(made, call.origin), status=201)


async def look(call: Call) -> Response:
    """GET of one."""
    team = found(await deeds.find_team(call.house, call.visit, call.id))
    return shown(Context.RESOURCE_QUERY_RESPONSE, group_of(team, call.origin), search=await call.search(Group))


async def replace(call: Call) -> Response:
    """PUT: exactly those members."""
    told = Group.model_validate(await call.json(), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)

    def become(old: Filled) -> Team:
        told.replace(group_of(old, call.origin))
        return team_from(told)

    done = found(await deeds.change_team(call.house, call.visit, call.id, become))
    return shown(Context.RESOURCE_REPLACEMENT_RESPONSE, group_of(done, call.origin), search=await call.search(Group))


async def change(call: Call) -> Response:
    """PATCH, applied to the group as it is inside the transaction."""
    wanted = PatchOp[Group].model_validate(await call.json(), scim_ctx=Context.RESOURCE_PATCH_REQUEST)

    def become(old: Filled) -> Team:
        group = group_of(old, call.origin)
        wanted.patch(group, scim_policy=POLICY)  # it runs in the store's turn, outside the door's block
        return team_from(group)

    done = found(await deeds.change_team(call.house, call.visit, call.id, become))
    return shown(Context.RESOURCE_PATCH_RESPONSE, group_of(done, call.origin), search=await call.search(Group))


async def delete(call: Call) -> Response:
    """DELETE: 204."""
    found(await deeds.remove_team(call.house, call.visit, call.id))
    return Response(status_code=204, headers={"cache-control": "no-store"})
