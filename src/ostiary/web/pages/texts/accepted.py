"""
Which language a browser wants, of those that there are: `Accept-Language` (RFC 9110 §12.5.4, RFC 4647 §3.4).
"""

import re
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["best"]

LONGEST = 512
"""Bytes of the header that are read at all; a longer one is no browser's."""
MOST = 32
"""Languages of it."""
_RANGE = re.compile(
    rb"\s*(\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7})\s*(?:;\s*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?", re.ASCII
)


@lru_cache(maxsize=256)  # browsers send the same few again and again
def best(header: bytes, among: tuple[str, ...]) -> str:
    """
    The tag *among* those offered that *header* likes best; the first where it likes none, or cannot be read.

    A range finds its own tag or a shorter one (``de-CH`` finds ``de``); of equal weights the earlier counts.
    """
    if len(header) > LONGEST or header.count(b",") >= MOST:
        return among[0]
    wanted: list[tuple[float, str]] = []
    for part in header.split(b","):
        found = _RANGE.fullmatch(part)
        if found is not None and (weight := float(found[2] or b"1")) > 0:
            wanted.append((weight, found[1].decode().lower()))
    for _, range_ in sorted(wanted, key=lambda pair: -pair[0]):
        if match := _looked_up(range_, among):
            return match
    return among[0]


def _looked_up(range_: str, among: Sequence[str]) -> str:
    """The tag that is *range_*, or *range_* without its last parts; empty where there is none."""
    if range_ == "*":
        return among[0]
    parts = range_.split("-")
    known = {tag.lower(): tag for tag in among}
    return next((known[tag] for n in range(len(parts), 0, -1) if (tag := "-".join(parts[:n])) in known), "")
