"""
What `ostiary app check` shows of one application. Ours, Graph has no such resource.
"""

from ostiary.core.directory.readiness import Readiness
from ostiary.core.graph.fields import Field, Kind, Shape

__all__ = ["CHECK"]

CHECK: Shape[Readiness] = Shape(
    "ostiary/applicationChecks",
    "ostiary.applicationCheck",
    (
        Field("id", Kind.ID, lambda r: r.application.id, doc="The client id."),
        Field("displayName", Kind.STRING, lambda r: r.application.name),
        Field("deviceFlow", Kind.BOOL, lambda r: r.application.device_flow),
        Field("assessment", Kind.ID, lambda r: r.standing.value, doc="missing, current, overdue or closed."),
        Field(
            "reviewDateTime", Kind.MOMENT,
            lambda r: r.application.assessment.review if r.application.assessment else None,
        ),
        Field("findings", Kind.STRINGS, lambda r: r.findings, doc="What is missing, overdue or weak."),
    ),
)  # fmt: skip
