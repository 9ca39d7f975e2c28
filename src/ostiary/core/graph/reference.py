"""
References to other resources, as `$ref` bodies carry them.
"""

import re

from ostiary.core.graph.fields import Field, Kind

REFERENCE: tuple[Field[str], ...] = (
    Field("@odata.id", Kind.STRING, write="reference", required=True, limit=512, doc="The address of the resource."),
)

_LAST = re.compile(r"(?:directoryObjects|users)(?:/|\(')([^/()'?#]{1,128})(?:'\))?\Z", re.ASCII)


def referred(address: str) -> str | None:
    """The id at the end of *address* (``…/directoryObjects/{id}`` or ``…/users/{id}``), or None."""
    found = _LAST.search(address)
    return None if found is None else found[1]
