"""
Who may provision, as the admin API shows it. Ours, Graph has no such resource.
"""

from dataclasses import dataclass, field

from ostiary.core.directory.provisioning import Provisioner
from ostiary.core.graph.fields import Field, Kind, Shape

__all__ = ["PROVISIONER", "ShownProvisioner"]


@dataclass(frozen=True, slots=True)
class ShownProvisioner:
    """A provisioner; its token only in the answer that made one."""

    provisioner: Provisioner
    token: str = field(default="", repr=False)


PROVISIONER: Shape[ShownProvisioner] = Shape(
    "ostiary/provisioners",
    "ostiary.provisioner",
    (
        Field("id", Kind.ID, lambda p: p.provisioner.id),
        Field("displayName", Kind.STRING, lambda p: p.provisioner.name, write="name", required=True, limit=64),
        Field(
            "networks", Kind.STRINGS, lambda p: [str(network) for network in p.provisioner.networks], write="networks",
            most=64, doc="Where it must come from, in CIDR notation; none: from anywhere.",
        ),
        Field("duration", Kind.DURATION, write="length", doc="How long its token lives; half a year."),
        Field("createdDateTime", Kind.MOMENT, lambda p: p.provisioner.created),
        Field("lastUsedDateTime", Kind.MOMENT, lambda p: p.provisioner.used),
        Field("endDateTime", Kind.MOMENT, lambda p: p.provisioner.ends, doc="When its last token ends."),
        Field("token", Kind.STRING, lambda p: p.token or None, doc="Shown once, when it is made."),
        Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
    ),
)  # fmt: skip
