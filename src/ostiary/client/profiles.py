"""
The person's settings: which folder, which profile, and what it says.

`$XDG_CONFIG_HOME/ostiary/config.toml` (or `OSTIARY_CONFIG_DIR`) holds one table a profile; `$XDG_STATE_HOME/ostiary/`
the tokens. Unknown keys are errors. A choice that is remembered is written as one line into the person's own file,
which keeps its comments and its order.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.client.errors import Misused, StorageFailed
from ostiary.client.machine import Machine
from ostiary.client.vaults import write_private

__all__ = [
    "HOSTS",
    "KEYS",
    "STORES",
    "Places",
    "Profile",
    "changed",
    "checked_host",
    "checked_name",
    "places",
    "read_profile",
    "remember",
]

STORES = ("keyring", "file", "memory", "plaintext")
KEYS = ("server", "client", "scope", "store", "sign_in")
"""What a profile may say. `sign_in` is `browser` or `device-code`."""
HOSTS = "hosts"
"""A table in a profile: the hosts whose programs get a token, and for which resource."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]{2,39}\])(?::[0-9]{1,5})?", re.ASCII)
_RESOURCE = re.compile(r"[!-~]{1,500}", re.ASCII)
_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of this person on this machine; `memory` is None where there is no runtime folder."""

    config: Path
    state: Path
    memory: Path | None


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile of the configuration file; what it does not say is None."""

    name: str
    server: str | None = None
    client: str | None = None
    scope: str | None = None
    store: str | None = None
    sign_in: str | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Host (`checked_host`) to the address of the resource that a token for it is of."""


def places(machine: Machine) -> Places:
    """The folders, by the XDG variables. A relative path in one of them is ignored, as the specification says."""
    own = machine.environ.get("OSTIARY_CONFIG_DIR")
    config = Path(own) if own else _xdg(machine, "XDG_CONFIG_HOME", machine.home / ".config") / "ostiary"
    runtime = machine.environ.get("XDG_RUNTIME_DIR", "")
    return Places(
        config=config,
        state=_xdg(machine, "XDG_STATE_HOME", machine.home / ".local" / "state") / "ostiary",
        memory=Path(runtime) / "ostiary" if runtime.startswith("/") else None,
    )


def checked_name(name: str) -> str:
    """*name* if it can name a profile (it becomes part of file names). Raises Misused."""
    if not _NAME.fullmatch(name):
        raise Misused(f"not a profile name: {name[:40]!r} (letters, digits, dot, dash, underscore; at most 40)")
    return name


def checked_host(host: str) -> str:
    """*host* with its port, if it is not that of https, as hosts are compared. Raises Misused."""
    lower = host.lower()
    if not _HOST.fullmatch(lower):
        raise Misused(f"not a host: {host[:80]!r} (a name or an address, with :PORT where it is not 443)")
    return lower.removesuffix(":443")


def read_profile(folder: Path, name: str) -> Profile:
    """The profile *name* of the file in *folder*; an empty one when the file does not speak of it. Raises Misused."""
    path = folder / "config.toml"
    document = _document(path)
    unknown = [key for key in document if key != "profiles"]
    profiles = document.get("profiles", {})
    if unknown or not isinstance(profiles, dict):
        raise Misused(f"{path}: unknown key {unknown[0] if unknown else 'profiles'!r}; only [profiles.NAME] tables")
    values = profiles.get(checked_name(name), {})
    hosts = values.get(HOSTS, {}) if isinstance(values, dict) else {}
    return Profile(name, **_checked(path, name, values), hosts=_checked_hosts(path, name, hosts))


def remember(folder: Path, name: str, key: str, value: str) -> None:
    """Write ``key = value`` into the profile's table. Raises StorageFailed, Misused."""
    path = folder / "config.toml"
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as fault:
        raise StorageFailed(f"cannot read {path}: {fault}") from fault
    new = changed(text, checked_name(name), key, value)
    if new != text:
        write_private(path, new.encode())


def changed(text: str, name: str, key: str, value: str) -> str:
    """
    *text* with ``key = "value"`` in ``[profiles.name]``, everything else as it was. Raises StorageFailed when it does
    not fit in.
    """
    header = f"[profiles.{name}]" if "." not in name else f'[profiles."{name}"]'
    line = f'{key} = "{value}"'
    lines = text.splitlines()
    starts = [i for i, found in enumerate(lines) if found.strip() == header]
    if starts:
        _put(lines, starts[0] + 1, key, line)
    else:
        lines += ([""] if lines else []) + [header, line]
    new = "\n".join(lines) + "\n"
    try:
        kept = tomllib.loads(new)["profiles"][name][key]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        kept = None
    if kept != value:
        raise StorageFailed(f"cannot write {line} into the configuration file; write it by hand")
    return new


def _put(lines: list[str], start: int, key: str, line: str) -> None:
    """Replace the key's line within the table that begins at *start*, or insert it there."""
    for index in range(start, len(lines)):
        if lines[index].lstrip().startswith("["):
            break
        if re.match(rf"\s*{key}\s*=", lines[index]):
            lines[index] = line
            return
    lines.insert(start, line)


def _document(path: Path) -> Mapping[str, object]:
    try:
        with path.open("rb") as file:
            return tomllib.loads(file.read(_LIMIT).decode())
    except FileNotFoundError:
        return {}
    except OSError as fault:
        raise Misused(f"cannot read {path}: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise Misused(f"{path} is not TOML: {fault}") from fault


def _checked(path: Path, name: str, values: object) -> dict[str, str]:
    if not isinstance(values, dict):
        raise Misused(f"{path}: profiles.{name} is not a table")
    plain = {key: value for key, value in values.items() if key != HOSTS}
    for key, value in plain.items():
        if key not in KEYS:
            raise Misused(f"{path}: unknown key {key!r} in [profiles.{name}] (known: {', '.join((*KEYS, HOSTS))})")
        if not isinstance(value, str):
            raise Misused(f"{path}: profiles.{name}.{key} is not a text")
    return plain


def _checked_hosts(path: Path, name: str, hosts: object) -> dict[str, str]:
    if not isinstance(hosts, dict):
        raise Misused(f"{path}: profiles.{name}.{HOSTS} is not a table")
    for host, resource in hosts.items():
        if not isinstance(resource, str) or not _RESOURCE.fullmatch(resource):
            raise Misused(f"{path}: profiles.{name}.{HOSTS}.{host[:80]!r} is not the address of a resource")
    return {checked_host(host): resource for host, resource in hosts.items()}


def _xdg(machine: Machine, variable: str, otherwise: Path) -> Path:
    value = machine.environ.get(variable, "")
    return Path(value) if value.startswith("/") else otherwise
