"""
A group as Graph's `group`.

Our exception group says so under the open property `ostiary`; its members come from exemptions only.
"""

from ostiary.core.directory.people import Group
from ostiary.core.graph.fields import Field, Kind, Shape

GROUP: Shape[Group] = Shape(
    "groups",
    "microsoft.graph.group",
    (
        Field("id", Kind.ID, lambda g: g.id, column="id"),
        Field(
            "displayName",
            Kind.STRING,
            lambda g: g.display_name,
            write="display_name",
            required=True,
            limit=120,
            column="display_name",
            sortable=True,
        ),
        Field("description", Kind.STRING, lambda g: g.description or None, write="description", limit=1024, null=True),
        Field("createdDateTime", Kind.MOMENT, lambda g: g.created, column="created", sortable=True),
        Field("securityEnabled", Kind.BOOL, lambda g: True, doc="Always true: there are no mail groups."),
        Field("mailEnabled", Kind.BOOL, lambda g: False),
        Field("groupTypes", Kind.STRINGS, lambda g: ()),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(
                Field(
                    "purpose",
                    Kind.ID,
                    lambda g: g.purpose or None,
                    column="purpose",
                    doc="`exception`: the block policy excludes it.",
                ),
                Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
            ),
            doc="What only this service knows.",
        ),
    ),
)
