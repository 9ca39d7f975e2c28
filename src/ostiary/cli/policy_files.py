"""
Policies, locations and policy tests in files: JSON, or YAML as people write it.

Reads only; nothing in a file is run (`yaml.safe_load`), aliases are refused and every file is bounded.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ostiary.cli.files import read_bytes
from ostiary.client.errors import Misused
from ostiary.core.access.cases import BadCase, Case, read_cases
from ostiary.core.access.compile import compile_policy
from ostiary.core.access.locations import Atlas, Geo, atlas, read_location
from ostiary.core.access.policy_set import PolicySet, compile_set
from ostiary.core.graph.location import kind_of
from ostiary.core.words.ids import PolicyId

__all__ = ["cases_of", "locations_of", "policies_of", "read_document"]

LARGEST = 8 * 1024 * 1024  # bytes
_KNOWN = ("policies", "locations", "defaults", "cases")


class _Loader(yaml.SafeLoader):
    """Without aliases: a short file must not become a long one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


def read_document(path: Path) -> Any:
    """What *path* holds. Raises Misused."""
    raw = read_bytes(path, LARGEST)
    try:
        return yaml.load(raw, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as wrong:
        raise Misused(f"{path}: {' '.join(str(wrong).split())[:300]}") from None


def _listed(document: Any, path: Path) -> list[Mapping[str, Any]]:
    """One resource, a list of them, or a page as Graph answers it."""
    found = document.get("value", [document]) if isinstance(document, dict) else document
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Misused(f"{path}: holds no list of resources")
    return found


def documents(names: Any, beside: Path) -> list[Mapping[str, Any]]:
    """The resources of the files *names*, relative to *beside*. Raises Misused."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Misused("policies and locations are lists of file names")
    paths = [beside / name for name in names]
    return [one for path in paths for one in _listed(read_document(path), path)]


def policies_of(found: list[Mapping[str, Any]], *, strict: bool) -> PolicySet:
    """Compile them. Raises Misused, with *strict* for one that could not be saved."""
    compiled = []
    for number, document in enumerate(found):
        kept = {name: value for name, value in document.items() if not name.startswith("@")}
        read = compile_policy(PolicyId(str(kept.get("id") or number)), _plain(kept))
        if strict and not read.acceptable:
            told = "; ".join(f"{p.path} {p.message}" for p in read.problems)
            raise Misused(f"{read.policy.name}: {told}"[:2000])
        compiled.append(read.policy)
    return compile_set(compiled)


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """*document* as a saved one: without the parts of `ostiary` that say nothing."""
    ours = document.get("ostiary")
    if isinstance(ours, dict):
        document["ostiary"] = {name: value for name, value in ours.items() if value is not None and name != "reason"}
    return document


def locations_of(found: list[Mapping[str, Any]]) -> Atlas:
    """Index them; country and network come from the cases. Raises Misused."""
    read = []
    for number, document in enumerate(found):
        kept = {name: value for name, value in document.items() if value is not None}
        kept.setdefault("@odata.type", kind_of(kept))
        location, problems = read_location(str(kept.get("id") or number), kept)
        if problems:
            raise Misused(f"{location.name}: " + "; ".join(f"{p.path} {p.message}" for p in problems)[:2000])
        read.append(location)
    return atlas(read, lambda _: Geo())


def cases_of(document: Any, places: Atlas) -> tuple[Case, ...]:
    """The cases of a policy test file. Raises Misused."""
    if not isinstance(document, dict):
        raise Misused("a policy test file is an object with cases")
    for name in document:
        if name not in _KNOWN:
            raise Misused(f"{str(name)[:60]}: is not known in a policy test file")
    try:
        return read_cases(document.get("cases"), document.get("defaults") or {}, places)
    except BadCase as wrong:
        raise Misused(str(wrong)) from None
