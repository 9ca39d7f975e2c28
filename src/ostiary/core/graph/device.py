"""
A machine of the inventory as Graph's `device`; how it was admitted stands under the open property `ostiary`.

`id` and `deviceId` are the same here. The attributes between them and `ostiary` are those that device filters ask for
(https://learn.microsoft.com/graph/api/resources/device).
"""

from dataclasses import dataclass
from typing import Any

from ostiary.core.devices.device import Device, State
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.instants import Instant

__all__ = ["ADMISSION", "DEVICE", "ShownDevice"]

_TRUST = ("Workplace", "AzureAd", "ServerAd")
_PROFILES = ("RegisteredDevice", "SecureVM", "Printer", "Shared", "IoT")


@dataclass(frozen=True, slots=True)
class ShownDevice:
    """A device as it stands at one moment."""

    device: Device
    owner_name: str
    now: Instant

    @property
    def state(self) -> State:
        """pending, admitted, lapsed or revoked."""
        return self.device.standing(self.now)


def _property(name: str, **more: Any) -> Field[ShownDevice]:
    return Field(name, Kind.STRING, lambda s: s.device.properties.get(name), write=name, null=True, **more)


def _listed(name: str) -> Field[ShownDevice]:
    return Field(name, Kind.STRINGS, lambda s: s.device.properties.get(name, ()), write=name, most=32)


_REASON: Field[Any] = Field(
    "reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log. Needed for what trusts it more."
)

ADMISSION: tuple[Field[Any], ...] = (
    Field("owner", Kind.ID, write="owner", doc="Whose it is: a principal name or an id."),
    Field("expirationDateTime", Kind.MOMENT, write="expires", doc="90 days from now when nothing is said."),
    _REASON,
)
"""What the action that admits takes."""

_OURS: tuple[Field[ShownDevice], ...] = (
    Field("state", Kind.ID, lambda s: s.state.value, doc="pending, admitted, lapsed or revoked."),
    Field("ownerId", Kind.ID, lambda s: s.device.owner, column="owner"),
    Field("owner", Kind.ID, lambda s: s.owner_name or None, write="owner", column="owner_name", stored=str.lower,
          doc="Principal name; a body may name the id as well."),
    Field("keyThumbprint", Kind.ID, lambda s: s.device.jkt, write="jkt", on="create", column="jkt", limit=43,
          doc="RFC 7638, of the key that it enrolled with."),
    Field("certificateThumbprint", Kind.ID, lambda s: s.device.certificate, write="certificate", null=True, limit=43,
          doc="x5t#S256 (RFC 8705 §3.1) of its client certificate."),
    Field("certificate", Kind.STRING, write="der", limit=16_384,
          doc="The certificate itself, DER or PEM in base64: gives the thumbprint, and the device ends with it."),
    Field("requestedFrom", Kind.ID, lambda s: s.device.asked_from or None, doc="Address that asked."),
    Field("admittedDateTime", Kind.MOMENT, lambda s: s.device.admitted, column="admitted", sortable=True),
    Field("admittedBy", Kind.ID, lambda s: s.device.admitted_by or None, doc="Who did, or `rule`."),
    Field("expirationDateTime", Kind.MOMENT, lambda s: s.device.expires, write="expires", column="expires",
          sortable=True, doc="From then on it counts for nothing, and what it holds is over."),
    Field("revokedDateTime", Kind.MOMENT, lambda s: s.device.revoked, column="revoked", sortable=True),
    Field("revokedBy", Kind.ID, lambda s: s.device.revoked_by or None),
    _REASON,
)  # fmt: skip

DEVICE: Shape[ShownDevice] = Shape(
    "devices",
    "microsoft.graph.device",
    (
        Field("id", Kind.ID, lambda s: s.device.id, column="id"),
        Field("deviceId", Kind.ID, lambda s: s.device.id, column="id"),
        Field("displayName", Kind.STRING, lambda s: s.device.name, write="name", required=True, limit=64,
              column="name", sortable=True),
        Field("accountEnabled", Kind.BOOL, lambda s: s.state is State.ADMITTED, write="enabled", on="change",
              doc="Whether it counts now. Setting false revokes it; true is `ostiary.admit`."),
        Field("isManaged", Kind.BOOL, lambda s: s.device.managed, write="managed", column="managed"),
        Field("isCompliant", Kind.BOOL, lambda s: s.device.complies(s.now), write="compliant", column="compliant",
              doc="As it counts now: not after `complianceExpirationDateTime`."),
        Field("complianceExpirationDateTime", Kind.MOMENT, lambda s: s.device.compliance_ends,
              write="compliance_ends", null=True),
        _property("trustType", values=_TRUST),
        _property("deviceOwnership", values=("Company", "Personal")),
        _property("profileType", values=_PROFILES),
        *map(_property, ("operatingSystem", "operatingSystemVersion", "manufacturer", "model", "mdmAppId",
                         "enrollmentProfileName")),
        Field("extensionAttributes", Kind.OBJECT,
              fields=tuple(_property(f"extensionAttribute{n}") for n in range(1, 16))),
        *map(_listed, ("physicalIds", "systemLabels")),
        Field("registrationDateTime", Kind.MOMENT, lambda s: s.device.registered, column="registered", sortable=True),
        Field("approximateLastSignInDateTime", Kind.MOMENT, lambda s: s.device.seen, column="seen", sortable=True),
        Field("ostiary", Kind.OBJECT, fields=_OURS, doc="What only this service knows."),
    ),
)  # fmt: skip
