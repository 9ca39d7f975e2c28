"""
A person's account as Graph's `user`; roles stand under the open property `ostiary`.
"""

from ostiary.core.directory.people import Role, User
from ostiary.core.graph.fields import Field, Kind, Shape

USER: Shape[User] = Shape(
    "users",
    "microsoft.graph.user",
    (
        Field("id", Kind.ID, lambda u: u.id, column="id"),
        Field(
            "userPrincipalName",
            Kind.ID,
            lambda u: u.principal_name,
            write="principal_name",
            required=True,
            limit=113,
            column="principal_name",
            sortable=True,
            stored=str.lower,
        ),
        Field(
            "displayName",
            Kind.STRING,
            lambda u: u.display_name,
            write="display_name",
            required=True,
            column="display_name",
            sortable=True,
        ),
        Field("mail", Kind.STRING, lambda u: u.mail, write="mail", limit=254, null=True, column="mail"),
        Field("accountEnabled", Kind.BOOL, lambda u: u.enabled, write="enabled", column="enabled"),
        Field("createdDateTime", Kind.MOMENT, lambda u: u.created, column="created", sortable=True),
        Field(
            "signInSessionsValidFromDateTime",
            Kind.MOMENT,
            lambda u: max(u.epoch, u.created),
            doc="Sessions that began before it are over.",
        ),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(
                Field(
                    "roles",
                    Kind.STRINGS,
                    lambda u: sorted(u.roles),
                    write="roles",
                    values=tuple(Role),
                    most=len(Role),
                    column="roles",
                    doc="What the person may administer.",
                ),
                Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
            ),
            doc="What only this service knows.",
        ),
    ),
)
