"""
What the organisation says about machines, as the admin API shows it. Ours, Graph has no such resources.
"""

from dataclasses import dataclass, field

from ostiary.core.devices.admission import MOST_NETWORKS, AdmissionRule
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.instants import Instant

__all__ = ["ADMISSION_RULE", "WEBHOOK", "ShownHook"]


@dataclass(frozen=True, slots=True)
class ShownHook:
    """A compliance webhook; its secret only in the answer that made it."""

    id: str
    name: str
    created: Instant
    used: Instant | None = None
    secret: str = field(default="", repr=False)


ADMISSION_RULE: Shape[AdmissionRule] = Shape(
    "ostiary/deviceAdmission",
    "ostiary.deviceAdmission",
    (
        Field("id", Kind.ID, lambda r: "rule"),
        Field(
            "isEnabled", Kind.BOOL, lambda r: r.enabled, write="enabled",
            doc="Whether machines are admitted without an administrator.",
        ),
        Field("groupId", Kind.ID, lambda r: r.group, write="group", null=True, doc="Whose members' machines."),
        Field(
            "networks", Kind.STRINGS, lambda r: [str(network) for network in r.networks], write="networks",
            most=MOST_NETWORKS, doc="Where they must ask from, in CIDR notation.",
        ),
        Field("maximumPerPerson", Kind.INTEGER, lambda r: r.most, write="most"),
        Field("lifetime", Kind.DURATION, lambda r: r.lifetime, write="lifetime", doc="How long an admission lasts."),
        Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
    ),
)  # fmt: skip

WEBHOOK: Shape[ShownHook] = Shape(
    "ostiary/complianceWebhooks",
    "ostiary.complianceWebhook",
    (
        Field("id", Kind.ID, lambda h: h.id),
        Field("displayName", Kind.STRING, lambda h: h.name, write="name", required=True, limit=64),
        Field("createdDateTime", Kind.MOMENT, lambda h: h.created),
        Field("lastUsedDateTime", Kind.MOMENT, lambda h: h.used),
        Field("secret", Kind.STRING, lambda h: h.secret or None, doc="Shown once, when it is made."),
        Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
    ),
)
