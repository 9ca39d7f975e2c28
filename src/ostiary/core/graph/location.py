"""
A named location as Graph's `ipNamedLocation` or `countryNamedLocation`.

The stored document is Graph's own; what it means is `core/access/locations`'s alone. Which of the two it is says
`@odata.type`; a body may leave that out where its fields tell.
"""

from collections.abc import Mapping
from typing import Any

from ostiary.core.access.locations import COUNTRIES, COUNTRY, IP, NETWORKS, RANGES, TYPE
from ostiary.core.access.stored import Stored
from ostiary.core.graph.fields import Field, Kind, Shape


def _part(name: str) -> Any:
    return lambda location: location.document.get(name)


def _ranges(location: Stored[str]) -> Any:
    listed = location.document.get("ipRanges")
    if listed is None:
        return None
    return [{TYPE: _family(one["cidrAddress"]), "cidrAddress": one["cidrAddress"]} for one in listed]


def _family(cidr: str) -> str:
    return f"#microsoft.graph.{'iPv6' if ':' in cidr else 'iPv4'}CidrRange"


def kind_of(document: Mapping[str, Any]) -> str:
    """Which of the two *document* is, by its fields: countries make a country location."""
    return COUNTRY if document.get("countriesAndRegions") is not None else IP


def _networks(location: Stored[str]) -> Any:
    return (location.document.get("ostiary") or {}).get("autonomousSystems") or []


LOCATION: Shape[Stored[str]] = Shape(
    "identity/conditionalAccess/namedLocations",
    "microsoft.graph.namedLocation",
    (
        Field(TYPE, Kind.ID, _part(TYPE), doc="Which of the two sorts it is."),
        Field("id", Kind.ID, lambda p: p.id, column="id"),
        Field(
            "displayName", Kind.STRING, _part("displayName"), write="displayName", required=True, column="displayName"
        ),
        Field("createdDateTime", Kind.MOMENT, lambda p: p.created),
        Field("modifiedDateTime", Kind.MOMENT, lambda p: p.modified),
        Field("isTrusted", Kind.BOOL, _part("isTrusted"), write="isTrusted"),
        Field("ipRanges", Kind.JSON, _ranges, write="ipRanges", doc=f"At most {RANGES} of cidrAddress."),
        Field(
            "countriesAndRegions", Kind.STRINGS, _part("countriesAndRegions"), write="countriesAndRegions",
            limit=2, most=COUNTRIES,
        ),
        Field("countryLookupMethod", Kind.ID, _part("countryLookupMethod"), write="countryLookupMethod"),
        Field(
            "includeUnknownCountriesAndRegions", Kind.BOOL, _part("includeUnknownCountriesAndRegions"),
            write="includeUnknownCountriesAndRegions",
        ),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(
                Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
                Field(
                    "autonomousSystems", Kind.JSON, _networks, write="autonomousSystems",
                    doc=f"At most {NETWORKS} numbers of networks that belong to it.",
                ),
            ),
            doc="What only this service knows.",
        ),
    ),
    version=lambda p: p.version,
)  # fmt: skip
