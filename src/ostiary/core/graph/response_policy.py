"""
What is done about findings, as the admin API shows it. Ours, Graph has no such resource.
"""

from ostiary.core.detections.response import ResponsePolicy, policy_document, version_of
from ostiary.core.graph.fields import Field, Kind, Shape

__all__ = ["RESPONSE_POLICY"]

RESPONSE_POLICY: Shape[ResponsePolicy] = Shape(
    "ostiary/responsePolicy",
    "ostiary.responsePolicy",
    (
        Field("id", Kind.ID, lambda p: "policy"),
        Field("severities", Kind.JSON, lambda p: policy_document(p)["severities"], write="severities",
              doc="What is done about findings of each severity: a list of responses."),
        Field("rules", Kind.JSON, lambda p: policy_document(p)["rules"], write="rules",
              doc="The same for rules that have their own."),
        Field("confirmed", Kind.STRINGS, lambda p: [one.value for one in p.confirmed], write="confirmed", most=7,
              doc="What is done when an administrator confirms one."),
        Field("blockLength", Kind.DURATION, lambda p: p.block, write="blockLength",
              doc="How long a source is blocked: five minutes to a day."),
        Field("reason", Kind.STRING, write="reason", required=True, limit=512, doc="Why; kept in the audit log."),
    ),
    version=version_of,
)  # fmt: skip
