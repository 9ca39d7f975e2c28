"""
An application registration as Graph's `application`, consents as `oAuth2PermissionGrant`, assignments as
`appRoleAssignment`.

The service principal of an application has the application's own id here: there is one organisation. What Graph does
not know stands under the open property `ostiary`.
"""

from dataclasses import dataclass
from typing import Any

from ostiary.core.directory.applications import Application, Key, Scope, Secret
from ostiary.core.directory.assessments import MITIGATIONS, Assessment, enforced
from ostiary.core.directory.presets import PRESETS
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant

EVERYBODY = "AllPrincipals"
"""The one `consentType`: administrators consent, for everybody."""
DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"
"""Graph's `appRoleId` of plain access."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What administrators consented to for one client at one resource."""

    client: AppId
    client_object: str
    resource: AppId
    resource_object: str
    scopes: tuple[str, ...]

    @property
    def id(self) -> str:
        """Of both, since there is one a pair."""
        return f"{self.client}_{self.resource}"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One person or group that may use an application."""

    id: str
    application_object: str
    application_name: str
    principal: str
    kind: str
    """`User` or `Group`."""
    principal_name: str
    created: Instant


_REASON: Field[Any] = Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log.")

_SECRET: tuple[Field[Secret], ...] = (
    Field("keyId", Kind.ID, lambda s: s.id),
    Field("displayName", Kind.STRING, lambda s: s.name or None),
    Field("hint", Kind.STRING, lambda s: s.hint, doc="Its first three characters."),
    Field("startDateTime", Kind.MOMENT, lambda s: s.created),
    Field("endDateTime", Kind.MOMENT, lambda s: s.ends),
    Field("secretText", Kind.STRING, lambda s: None, doc="Shown once, when it is added."),
)

_KEY: tuple[Field[Key], ...] = (
    Field("keyId", Kind.ID, lambda k: k.id, write="id", limit=36, doc="Names one that is there; else one is made."),
    Field(
        "customKeyIdentifier", Kind.ID, lambda k: k.sha1.upper(), write="sha1", limit=40,
        doc="The certificate's SHA-1 digest in hex.",
    ),
    Field("displayName", Kind.STRING, lambda k: k.name or None, write="name", limit=120, null=True),
    Field("type", Kind.ID, lambda k: "AsymmetricX509Cert", write="type", values=("AsymmetricX509Cert",)),
    Field("usage", Kind.ID, lambda k: "Verify", write="usage", values=("Verify",)),
    Field(
        "key", Kind.ID, lambda k: k.certificate, write="certificate", limit=12_000, null=True,
        doc="The certificate, DER in base64. Left out or null: the one that `keyId` names stays.",
    ),
    Field("startDateTime", Kind.MOMENT, lambda k: k.starts, write="starts", null=True),
    Field("endDateTime", Kind.MOMENT, lambda k: k.ends, write="ends", null=True, doc="Never after the certificate's."),
)  # fmt: skip

_SCOPE: tuple[Field[Scope], ...] = (
    Field("value", Kind.ID, lambda s: s.value, write="value", required=True, limit=120),
    Field(
        "adminConsentDescription",
        Kind.STRING,
        lambda s: s.description,
        write="description",
        required=True,
        doc="In words that a person understands: the approval page shows it.",
    ),
    Field(
        "type",
        Kind.ID,
        lambda s: "Admin" if s.administrative else "User",
        write="type",
        values=("User", "Admin"),
        doc="Admin: never given to a device sign-in.",
    ),
    Field("isEnabled", Kind.BOOL, lambda s: True),
)

_ASSESSMENT: tuple[Field[Assessment], ...] = (
    Field("version", Kind.INTEGER, lambda a: a.version),
    Field("resources", Kind.STRINGS, lambda a: a.resources, write="resources", doc="What it is to reach."),
    Field("whyNotCodeFlow", Kind.STRING, lambda a: a.code_flow, write="code_flow", limit=512),
    Field("whyNotWorkloadIdentity", Kind.STRING, lambda a: a.workload_identity, write="workload_identity", limit=512),
    Field("whyNotHybridPasskey", Kind.STRING, lambda a: a.hybrid_passkey, write="hybrid_passkey", limit=512),
    Field(
        "mitigations", Kind.STRINGS, lambda a: a.mitigations, write="mitigations", values=tuple(MITIGATIONS),
        doc="Of RFC 10027 §6.1.",
    ),
    Field("notEnforced", Kind.STRINGS, lambda a: [m for m in a.mitigations if m not in enforced(a)],
          doc="Those chosen that this release does not enforce."),
    Field("ownerId", Kind.ID, lambda a: a.owner, write="owner", doc="Who answers for it: a person's id or name."),
    Field("ownerPrincipalName", Kind.STRING, lambda a: a.owner_name),
    Field("reviewDateTime", Kind.MOMENT, lambda a: a.review, write="review", doc="Within a year."),
    Field("assessedDateTime", Kind.MOMENT, lambda a: a.assessed),
    Field("assessedBy", Kind.ID, lambda a: a.by),
    Field("carriedOver", Kind.BOOL, lambda a: a.carried, doc="Made by an upgrade: there is no assessment yet."),
)  # fmt: skip

_OSTIARY: tuple[Field[Application], ...] = (
    Field("enabled", Kind.BOOL, lambda a: a.enabled, write="enabled", column="enabled"),
    Field("deviceFlow", Kind.BOOL, lambda a: a.device_flow, write="device_flow", doc="Off until it is allowed."),
    Field(
        "verified", Kind.BOOL, lambda a: a.verified, write="verified",
        doc="Somebody looked at it and at its name: the approval page says so. A new name takes it away.",
    ),
    Field(
        "assessment", Kind.OBJECT, lambda a: a.assessment, write="assessment", fields=_ASSESSMENT,
        doc="The risk assessment; a body's is a whole new version.",
    ),
    Field("codeLifetime", Kind.DURATION, lambda a: a.code_lifetime, write="code_lifetime", doc="PT1M to PT15M."),
    Field("tokenLifetime", Kind.DURATION, lambda a: a.token_lifetime, write="token_lifetime", doc="PT2M to PT1H."),
    Field("signing", Kind.ID, lambda a: a.signing, write="signing", values=("ES256", "RS256")),
    Field("assignmentRequired", Kind.BOOL, lambda a: a.assignment_required, write="assignment_required"),
    Field("pkce", Kind.ID, lambda a: a.pkce, write="pkce", values=("optional", "required"), doc="In the device flow."),
    Field(
        "dpop",
        Kind.ID,
        lambda a: a.dpop,
        write="dpop",
        values=("never", "optional", "required"),
        doc="Whether tokens are bound to a key of the requester (RFC 9449).",
    ),
    Field(
        "certificate", Kind.ID, lambda a: a.certificate, write="certificate", values=("never", "optional", "required"),
        doc="Whether tokens are bound to the TLS client's certificate where no DPoP proof comes (RFC 8705).",
    ),
    Field(
        "numberConfirmation", Kind.ID, lambda a: a.number_confirmation, write="number_confirmation",
        values=("never", "optional", "required"), doc="A number after consent, typed on the machine (device flow).",
    ),
    Field(
        "sameDevice", Kind.ID, lambda a: a.same_device, write="same_device", values=("allow", "warn", "refuse"),
        doc="A code that is approved where it was made, though the application can use a browser there.",
    ),
    Field(
        "startTicket", Kind.ID, lambda a: a.start_ticket, write="start_ticket", values=("optional", "required"),
        doc="A ticket that the person takes in the browser before the machine asks for a code.",
    ),
    Field(
        "referenceBinding", Kind.ID, lambda a: a.reference_binding, write="reference_binding",
        values=("optional", "required"), doc="The person types the request's reference at the page (device flow).",
    ),
    Field(
        "machineBinding", Kind.ID, lambda a: a.machine_binding, write="machine_binding",
        values=("optional", "required"), doc="The person types the machine's name at the page (device flow).",
    ),
    Field(
        "exemptionRequests", Kind.BOOL, lambda a: a.exemption_requests, write="exemption_requests",
        doc="Whether a sign-in of a person who is only eligible may begin, and ask for their exemption.",
    ),
    Field("completeUri", Kind.BOOL, lambda a: a.complete_uri, write="complete_uri"),
    Field("entraErrors", Kind.BOOL, lambda a: a.entra_errors, write="entra_errors"),
    Field("microsoftFamily", Kind.BOOL, lambda a: a.microsoft_family, write="microsoft_family"),
    Field("reach", Kind.STRINGS, lambda a: a.reach, write="reach", doc="Resources that a refresh may name."),
    Field("gatewayFor", Kind.STRINGS, lambda a: a.gateway_for, write="gateway_for", doc="Whose tokens it may inspect."),
    Field("adminApi", Kind.BOOL, lambda a: a.admin_api, doc="The admin API's own registration, which stays as it is."),
    Field("like", Kind.ID, write="like", on="create", values=tuple(PRESETS), doc="Fill up as a well-known client."),
    _REASON,
)  # fmt: skip

APPLICATION: Shape[Application] = Shape(
    "applications",
    "microsoft.graph.application",
    (
        Field("id", Kind.ID, lambda a: a.object_id, column="object_id"),
        Field("appId", Kind.ID, lambda a: a.id, write="id", on="create", limit=36, column="id"),
        Field(
            "displayName",
            Kind.STRING,
            lambda a: a.name,
            write="name",
            limit=120,
            column="display_name",
            sortable=True,
            doc="Needed unless `ostiary.like` brings one.",
        ),
        Field("createdDateTime", Kind.MOMENT, lambda a: a.created, column="created", sortable=True),
        Field("signInAudience", Kind.ID, lambda a: "AzureADMyOrg"),
        Field("isFallbackPublicClient", Kind.BOOL, lambda a: a.public, write="public"),
        Field(
            "publicClient",
            Kind.OBJECT,
            fields=(
                Field(
                    "redirectUris",
                    Kind.STRINGS,
                    lambda a: a.redirect_uris if a.public else (),
                    write="public_redirects",
                ),
            ),
        ),
        Field(
            "web",
            Kind.OBJECT,
            fields=(
                Field(
                    "redirectUris",
                    Kind.STRINGS,
                    lambda a: () if a.public else a.redirect_uris,
                    write="web_redirects",
                ),
            ),
        ),
        Field("identifierUris", Kind.STRINGS, lambda a: a.identifier_uris, write="identifier_uris", most=16),
        Field(
            "api",
            Kind.OBJECT,
            fields=(Field("oauth2PermissionScopes", Kind.OBJECTS, lambda a: a.scopes, write="scopes", fields=_SCOPE),),
        ),
        Field(
            "keyCredentials",
            Kind.OBJECTS,
            lambda a: a.keys,
            write="keys",
            fields=_KEY,
            most=10,
            doc="Certificates with which a confidential application proves itself: private_key_jwt and mutual TLS.",
        ),
        Field("passwordCredentials", Kind.OBJECTS, lambda a: a.secrets, fields=_SECRET),
        Field("ostiary", Kind.OBJECT, fields=_OSTIARY, doc="What only this service knows."),
    ),
)

CONSENT: Shape[Consent] = Shape(
    "oauth2PermissionGrants",
    "microsoft.graph.oAuth2PermissionGrant",
    (
        Field("id", Kind.ID, lambda c: c.id),
        Field(
            "clientId",
            Kind.ID,
            lambda c: c.client_object,
            write="client",
            on="create",
            required=True,
            column="client",
            doc="The client: id or appId.",
        ),
        Field(
            "consentType", Kind.ID, lambda c: EVERYBODY, write="type", on="create", required=True, values=(EVERYBODY,)
        ),
        Field("principalId", Kind.ID, lambda c: None),
        Field(
            "resourceId",
            Kind.ID,
            lambda c: c.resource_object,
            write="resource",
            on="create",
            required=True,
            column="resource",
            doc="The resource: id or appId.",
        ),
        Field("scope", Kind.STRING, lambda c: " ".join(c.scopes), write="scope", required=True, limit=2048),
        Field("ostiary", Kind.OBJECT, fields=(_REASON,), doc="What only this service knows."),
    ),
)

ASSIGNMENT: Shape[Assignment] = Shape(
    "appRoleAssignedTo",
    "microsoft.graph.appRoleAssignment",
    (
        Field("id", Kind.ID, lambda a: a.id),
        Field("appRoleId", Kind.ID, lambda a: DEFAULT_ROLE, write="role", on="create", values=(DEFAULT_ROLE,)),
        Field("createdDateTime", Kind.MOMENT, lambda a: a.created, column="created", sortable=True),
        Field(
            "principalId",
            Kind.ID,
            lambda a: a.principal,
            write="principal",
            on="create",
            required=True,
            column="principal",
            doc="A person's or group's id.",
        ),
        Field("principalType", Kind.ID, lambda a: a.kind, column="kind"),
        Field("principalDisplayName", Kind.STRING, lambda a: a.principal_name),
        Field("resourceId", Kind.ID, lambda a: a.application_object, write="resource", on="create", limit=36),
        Field("resourceDisplayName", Kind.STRING, lambda a: a.application_name),
        Field("ostiary", Kind.OBJECT, fields=(_REASON,), doc="What only this service knows."),
    ),
)
