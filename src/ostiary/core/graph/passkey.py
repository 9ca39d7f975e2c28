"""
A passkey as Graph's `fido2AuthenticationMethod`; what only this service knows stands under the open property `ostiary`.
"""

from dataclasses import dataclass

from ostiary.core.directory.passkeys import Passkey, device_bound
from ostiary.core.graph.fields import Field, Kind, Shape

__all__ = ["PASSKEY", "ShownPasskey"]


@dataclass(frozen=True, slots=True)
class ShownPasskey:
    """A passkey, and the machine whose browser made it."""

    passkey: Passkey
    device_name: str = ""
    """Empty for none, and for one that is not in the inventory any more."""
    stands: bool = False
    """Whether it stands for that machine now (R22)."""


PASSKEY: Shape[ShownPasskey] = Shape(
    "fido2Methods",
    "microsoft.graph.fido2AuthenticationMethod",
    (
        Field("id", Kind.ID, lambda s: s.passkey.id),
        Field("displayName", Kind.STRING, lambda s: s.passkey.name, doc="What its person calls it."),
        Field("createdDateTime", Kind.MOMENT, lambda s: s.passkey.created),
        Field(
            "aaGuid",
            Kind.ID,
            lambda s: s.passkey.aaguid,
            doc="The authenticator's model, as it says itself unless attested.",
        ),
        Field(
            "attestationLevel",
            Kind.ID,
            lambda s: "attested" if s.passkey.attested else "notAttested",
            doc="attested: an allowed model's maker signed for it (`passkey_models`).",
        ),
        Field(
            "passkeyType",
            Kind.ID,
            lambda s: "deviceBound" if device_bound(s.passkey) else "synced",
            doc="deviceBound or synced, as its backup flag says.",
        ),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(
                Field("lastUsedDateTime", Kind.MOMENT, lambda s: s.passkey.used, doc="null when it was never used."),
                Field(
                    "deviceId", Kind.ID, lambda s: s.passkey.device, doc="The machine whose browser made it, or null."
                ),
                Field("deviceDisplayName", Kind.STRING, lambda s: s.device_name or None),
                Field("isDevice", Kind.BOOL, lambda s: s.stands, doc="Whether it stands for that machine now."),
            ),
            doc="What only this service knows.",
        ),
    ),
)
