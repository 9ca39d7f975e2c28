"""
A passkey as Graph's `fido2AuthenticationMethod`; what only this service knows stands under the open property `ostiary`.
"""

from ostiary.core.directory.passkeys import Passkey, device_bound
from ostiary.core.graph.fields import Field, Kind, Shape

PASSKEY: Shape[Passkey] = Shape(
    "fido2Methods",
    "microsoft.graph.fido2AuthenticationMethod",
    (
        Field("id", Kind.ID, lambda p: p.id),
        Field("displayName", Kind.STRING, lambda p: p.name, doc="What its person calls it."),
        Field("createdDateTime", Kind.MOMENT, lambda p: p.created),
        Field(
            "aaGuid", Kind.ID, lambda p: p.aaguid, doc="The authenticator's model, as it says itself unless attested."
        ),
        Field(
            "attestationLevel",
            Kind.ID,
            lambda p: "attested" if p.attested else "notAttested",
            doc="attested: an allowed model's maker signed for it (`passkey_models`).",
        ),
        Field(
            "passkeyType",
            Kind.ID,
            lambda p: "deviceBound" if device_bound(p) else "synced",
            doc="deviceBound or synced, as its backup flag says.",
        ),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(Field("lastUsedDateTime", Kind.MOMENT, lambda p: p.used, doc="null when it was never used."),),
            doc="What only this service knows.",
        ),
    ),
)
