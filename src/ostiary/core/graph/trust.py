"""
A trust of an application as Graph's `federatedIdentityCredential`.

Graph's patterns (`claimsMatchingExpression`) are beta and a language of their own; ours are the `*` in `subject` and
`ostiary.claims`.
"""

from typing import Any

from ostiary.core.directory.trusts import MOST_CLAIMS, MOST_SCOPES, Trust
from ostiary.core.graph.fields import Field, Kind, Shape

__all__ = ["TRUST"]

_CLAIM: tuple[Field[Any], ...] = (
    Field("name", Kind.ID, lambda c: c[0], write="name", required=True, limit=120),
    Field("value", Kind.ID, lambda c: c[1], write="value", required=True, limit=600, doc="Exact, or with `*`."),
)

TRUST: Shape[Trust] = Shape(
    "federatedIdentityCredentials",
    "microsoft.graph.federatedIdentityCredential",
    (
        Field("id", Kind.ID, lambda t: t.id),
        Field("name", Kind.ID, lambda t: t.name, write="name", on="create", required=True, limit=120),
        Field("issuer", Kind.ID, lambda t: t.issuer, write="issuer", required=True, limit=600),
        Field(
            "subject", Kind.ID, lambda t: t.subject, write="subject", required=True, limit=600,
            doc="Exact, or with `*` for one or more characters but `/` and `:`, after three whole parts.",
        ),
        Field(
            "audiences", Kind.STRINGS, lambda t: (t.audience,), write="audiences", most=2,
            doc="One. Left out: this service's own issuer name.",
        ),
        Field("description", Kind.STRING, lambda t: t.description or None, write="description", limit=600),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(
                Field(
                    "permissions", Kind.STRINGS, lambda t: t.scopes, write="scopes", required=True, most=MOST_SCOPES,
                    doc="What it gives: scopes as resource/scope; there is no person whose they could be.",
                ),
                Field("claims", Kind.OBJECTS, lambda t: t.claims, write="claims", fields=_CLAIM, most=MOST_CLAIMS,
                      doc="Other claims that the token must have."),
                Field("reusable", Kind.BOOL, lambda t: t.again, write="again",
                      doc="A token may come several times from one place, as those in files do."),
                Field("createdDateTime", Kind.MOMENT, lambda t: t.created),
                Field("changedDateTime", Kind.MOMENT, lambda t: t.changed, doc="What it gave before is over."),
                Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
            ),
            doc="What only this service knows.",
        ),
    ),
)  # fmt: skip
