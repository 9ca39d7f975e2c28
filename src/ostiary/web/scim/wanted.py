"""
Filters that an index answers: one attribute, equal to one text.
"""

from typing import Any

from scim2_models import ScimFilter
from scim2_models.path import CompareOperator, Comparison

__all__ = ["equal_to"]


def equal_to(asked: ScimFilter[Any] | None, attribute: str) -> str | None:
    """What *attribute* is to equal, if *asked* says that and no more."""
    node = None if asked is None else asked.ast
    if not isinstance(node, Comparison) or node.op is not CompareOperator.eq or not isinstance(node.value, str):
        return None
    return node.value if str(node.attr_path).lower() == attribute.lower() else None
