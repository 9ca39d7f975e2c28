"""
The admin API: Microsoft Graph's shapes over our deeds, under `/v1.0` and `/beta`.

Owns paths, bodies, paging and answers; decides nothing: permission is the one table's
(`core/directory/permissions.py`), everything else the deeds'. A resource is one module with its `PATHS` and one line in
`RESOURCES` below; `resource.py` is the door they all share.
"""

from starlette.routing import Route

from ostiary.services.house import House
from ostiary.web.front.credentials import api_visit
from ostiary.web.graph import (
    access_reviews,
    applications,
    approvals,
    audits,
    device_settings,
    devices,
    drills,
    eligibilities,
    exemption_rules,
    exemptions,
    first_code,
    groups,
    keys,
    kill_switch,
    locations,
    log_export,
    log_sinks,
    me,
    notice_channels,
    passkeys,
    policies,
    policy_history,
    provisioners,
    readiness,
    risk_detections,
    signal_streams,
    signins,
    trusts,
    users,
    what_if,
)
from ostiary.web.graph.openapi import describing
from ostiary.web.graph.resource import Door, Path, Porch

__all__ = ["PREFIXES", "RESOURCES", "paths", "routes"]

PREFIXES = ("/v1.0", "/beta")

RESOURCES: tuple[tuple[Path, ...], ...] = (
    me.PATHS,
    users.PATHS,
    first_code.PATHS,
    passkeys.PATHS,
    groups.PATHS,
    devices.PATHS,
    device_settings.PATHS,
    applications.PATHS,
    trusts.PATHS,
    readiness.PATHS,
    provisioners.PATHS,
    keys.PATHS,
    signal_streams.PATHS,
    exemptions.PATHS,
    approvals.PATHS,
    eligibilities.PATHS,
    exemption_rules.PATHS,
    access_reviews.PATHS,
    policies.PATHS,
    policy_history.PATHS,
    locations.PATHS,
    what_if.PATHS,
    kill_switch.PATHS,
    notice_channels.PATHS,
    drills.PATHS,
    signins.PATHS,
    audits.PATHS,
    risk_detections.PATHS,
    log_export.PATHS,
    log_sinks.PATHS,
)


def paths() -> tuple[Path, ...]:
    """Every path of the API, its own description too."""
    every = tuple(path for resource in RESOURCES for path in resource)
    return (*every, describing(every))


def routes(house: House, porch: Porch = api_visit) -> list[Route]:
    """What the application adds to its routes; *porch* makes the visit of a request."""
    every = paths()
    return [Route(prefix + path.path, Door(house, path, prefix, porch)) for prefix in PREFIXES for path in every]
