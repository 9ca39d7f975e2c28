"""
A support bundle: what somebody who helps from afar must know of a deployment, and nothing of its people.

Counts, versions, checks and settings. Of settings that are text only whether they are set: addresses, names, paths and
what stands in an address (a proxy's password) stay here. All of it is readable JSON, so that whoever sends it can look.
"""

import io
import platform
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import orjson

from ostiary.app.config import Config
from ostiary.app.doctor import examine
from ostiary.app.wiring import DATABASE
from ostiary.core.words.errors import StoreFailed
from ostiary.core.words.instants import Instant, days, to_iso, to_seconds
from ostiary.store.census import count

__all__ = ["bundle", "write"]

WITHIN = days(7)


def bundle(config: Config, environ: Mapping[str, str], now: Instant) -> dict[str, bytes]:
    """Each file of the bundle: name -> JSON."""
    parts = {
        "about.json": _about(now),
        "settings.json": {name: _safe(value) for name, value in config.model_dump(mode="json").items()},
        "checks.json": [{"check": one.check, "good": one.good} for one in examine(config, environ, now)],
        "census.json": _census(config.data, now),
    }
    return {name: orjson.dumps(part, option=orjson.OPT_INDENT_2) for name, part in parts.items()}


def write(target: Path, files: Mapping[str, bytes], now: Instant) -> None:
    """*files* as the new archive *target* (tar, gzip; 0600). Raises FileExistsError, OSError."""
    with target.open("xb") as file:
        target.chmod(0o600)
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(f"ostiary-support/{name}")
                entry.size, entry.mtime, entry.mode = len(content), to_seconds(now), 0o600
                archive.addfile(entry, io.BytesIO(content))


def _about(now: Instant) -> dict[str, Any]:
    installed = sorted({one.metadata["Name"].lower(): one.version for one in distributions()}.items())
    system = {"name": platform.system(), "release": platform.release(), "machine": platform.machine()}
    return {"made": to_iso(now), "python": sys.version.split()[0], "system": system, "packages": dict(installed)}


def _safe(value: Any) -> Any:
    """Numbers and switches as they are; of text, and of what holds text, whether and how much of it there is."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return f"set, {len(value)}" if isinstance(value, list | dict) and value else "set" if value else "empty"


def _census(data: Path, now: Instant) -> dict[str, Any]:
    sizes = {path.name: path.stat().st_size for path in sorted(data.glob(f"{DATABASE}*"))}
    try:
        told = asdict(count(data / DATABASE, now, WITHIN))
    except StoreFailed:
        return {"sizes": sizes, "trouble": "the database cannot be read"}
    told["jobs"] = {job: to_iso(until) for job, until in told["jobs"].items()}
    return {"sizes": sizes, **told}
