"""
A conditional access policy as Graph's `conditionalAccessPolicy`.

The stored document is Graph's own, so that what an administrator saved comes back as it was; what it means is
`core/access/compile`'s alone. `transferMethods` stays one text.
"""

from collections.abc import Mapping
from typing import Any

from ostiary.core.access.compile import State
from ostiary.core.access.stored import Stored
from ostiary.core.graph.error import Invalid, Problem
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.graph.json_text import read_json
from ostiary.core.words.ids import PolicyId


def _part(name: str) -> Any:
    return lambda policy: policy.document.get(name)


OURS = ("conditions", "controls", "limits")
"""What stands under `ostiary` in a stored document."""


def _ours(name: str) -> Any:
    return lambda policy: (policy.document.get("ostiary") or {}).get(name)


def document_of(changes: Mapping[str, Any]) -> dict[str, Any]:
    """A checked body as (a change of) a document: our parts under `ostiary`, where they belong."""
    ours = {name: changes[f"ostiary.{name}"] for name in OURS if f"ostiary.{name}" in changes}
    plain = {name: value for name, value in changes.items() if not name.startswith("ostiary.")}
    return plain | ({"ostiary": ours} if ours else {})


DESCRIPTION_LIMIT = 1024
DOCUMENT_LIMIT = 40_000
"""Characters of a document that is typed: escaped, a form holds hardly more."""
_OURS_TO_WRITE = ("id", "templateId", "createdDateTime", "modifiedDateTime")


def read_document(text: str) -> dict[str, Any] | Invalid:
    """
    A document as somebody typed it, or copied it from an answer of the API: what only the service writes is left out.

    Invalid: what is no JSON object, with line and column; what `json_text.py` does not take.
    """
    if len(text) > DOCUMENT_LIMIT:
        return Invalid((Problem("$", f"is longer than {DOCUMENT_LIMIT} characters: use the admin API"),))
    found = read_json(text.encode("utf-8", "surrogatepass"))
    if isinstance(found, Invalid):
        return found
    told = found.get("description")
    if told is not None and not (isinstance(told, str) and len(told) <= DESCRIPTION_LIMIT):
        return Invalid((Problem("$.description", f"must be a text of at most {DESCRIPTION_LIMIT} characters"),))
    return {name: value for name, value in found.items() if name not in _OURS_TO_WRITE and not name.startswith("@")}


def write_document(policy: Stored[PolicyId]) -> dict[str, Any]:
    """The stored document in the order in which Graph shows it, to be read and typed."""
    document = policy.document
    order = [field.name for field in POLICY.fields if field.name in document]
    return {name: document[name] for name in (*order, *(name for name in document if name not in order))}


POLICY: Shape[Stored[PolicyId]] = Shape(
    "identity/conditionalAccess/policies",
    "microsoft.graph.conditionalAccessPolicy",
    (
        Field("id", Kind.ID, lambda p: p.id, column="id"),
        Field(
            "displayName", Kind.STRING, _part("displayName"), write="displayName", required=True, column="displayName"
        ),
        Field(
            "description", Kind.STRING, _part("description"), write="description", limit=DESCRIPTION_LIMIT, null=True
        ),
        Field("templateId", Kind.ID, lambda p: None),
        Field("createdDateTime", Kind.MOMENT, lambda p: p.created),
        Field("modifiedDateTime", Kind.MOMENT, lambda p: p.modified if p.modified != p.created else None),
        Field("state", Kind.ID, _part("state"), write="state", required=True, values=tuple(State), column="state"),
        Field("conditions", Kind.JSON, _part("conditions"), write="conditions", required=True),
        Field("grantControls", Kind.JSON, _part("grantControls"), write="grantControls", null=True),
        Field("sessionControls", Kind.JSON, _part("sessionControls"), write="sessionControls", null=True),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(
                Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
                *(
                    Field(name, Kind.JSON, _ours(name), write=f"ostiary.{name}", null=True, doc="docs/policies.md.")
                    for name in OURS
                ),
            ),
            doc="What only this service knows.",
        ),
    ),
    version=lambda p: p.version,
)
