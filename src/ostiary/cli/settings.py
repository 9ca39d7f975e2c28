"""
What one call of the program works with, and where each value came from.

The order is the same for all: flag, environment, profile, default. Nothing here reaches out; reading the profile's file
is `client.profiles`' work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ostiary.client.discovery import checked_address
from ostiary.client.errors import Misused
from ostiary.client.machine import Machine
from ostiary.client.profiles import STORES, Places, Profile, checked_name, places, read_profile

__all__ = ["CLIENT_ID", "DEFAULT_DATA", "DEFAULT_SERVER", "VARIABLES", "Given", "Setting", "Settings", "resolve"]

CLIENT_ID = "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001"
"""The application "Ostiary CLI", known to every server."""

DEFAULT_SERVER = "https://localhost:8443"
DEFAULT_DATA = "/var/lib/ostiary"

VARIABLES = (
    ("OSTIARY_SERVER", "address of the server, like --server"),
    ("OSTIARY_PROFILE", "name of the profile, like --profile"),
    ("OSTIARY_TOKEN", "an access token; wins over everything that is stored"),
    ("OSTIARY_CONFIG_DIR", "folder of config.toml, instead of $XDG_CONFIG_HOME/ostiary"),
    ("OSTIARY_STORE", "where tokens are kept, like --store"),
    ("OSTIARY_BROWSER", "never, always, or the program that opens an address"),
    ("OSTIARY_CERTIFICATE", "file with the client certificate to sign in with, like --certificate"),
    ("OSTIARY_CERTIFICATE_KEY", "file with its key, like --key"),
    ("OSTIARY_NO_INPUT", "when set, nothing is asked"),
    ("OSTIARY_DATA", "data folder of the server on this machine, for --local"),
    ("OSTIARY_ID_TOKEN", "a job's own id token, for `ostiary token --workload`"),
    ("OSTIARY_ID_TOKEN_FILE", "name of a file that holds it; wins over the variable"),
    ("OSTIARY_LOG", "info: each request (method, address, status) on stderr"),
)
"""The program's own variables; docs/cli.md shows the same table."""


class Setting(NamedTuple):
    """A value and where it came from."""

    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Given:
    """The flags that all verbs share, as they were given."""

    server: str | None = None
    profile: str | None = None
    store: str | None = None
    data: str | None = None
    local: bool = False
    json: bool = False
    no_input: bool = False

    def over(self, other: "Given") -> "Given":
        """These flags, and *other*'s where these say nothing (a flag may stand before or after the verb)."""
        return Given(
            server=self.server or other.server,
            profile=self.profile or other.profile,
            store=self.store or other.store,
            data=self.data or other.data,
            local=self.local or other.local,
            json=self.json or other.json,
            no_input=self.no_input or other.no_input,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The resolved values. `store` and `sign_in` are None when nobody has chosen; `token` never appears on a screen;
    `hosts` is the profile's alone: which host's programs get a token, and for which resource."""

    places: Places
    profile: Setting
    server: Setting
    client: Setting
    scope: Setting | None
    store: Setting | None
    sign_in: Setting | None
    data: Setting
    token: str | None
    hosts: Mapping[str, str]


def resolve(given: Given, machine: Machine) -> Settings:
    """Raises Misused for a value that cannot be used."""
    environ, here = machine.environ, places(machine)
    profile = _first(("--profile", given.profile), ("OSTIARY_PROFILE", environ.get("OSTIARY_PROFILE")))
    profile = profile or Setting("default", "default")
    file = read_profile(here.config, checked_name(profile.value))
    return Settings(
        places=here,
        profile=profile,
        server=_server(given, machine, file),
        client=_first(_from(file, file.client)) or Setting(CLIENT_ID, "default"),
        scope=_first(_from(file, file.scope)),
        store=_store(given, machine, file),
        sign_in=_sign_in(file),
        data=_first(("--data", given.data), ("OSTIARY_DATA", environ.get("OSTIARY_DATA")))
        or Setting(DEFAULT_DATA, "default"),
        token=environ.get("OSTIARY_TOKEN") or None,
        hosts=file.hosts,
    )


def data_folder(settings: Settings) -> Path:
    """The server's data folder on this machine."""
    return Path(settings.data.value)


def _server(given: Given, machine: Machine, file: Profile) -> Setting:
    found = _first(
        ("--server", given.server), ("OSTIARY_SERVER", machine.environ.get("OSTIARY_SERVER")), _from(file, file.server)
    )
    return Setting(checked_address(found.value), found.source) if found else Setting(DEFAULT_SERVER, "default")


def _store(given: Given, machine: Machine, file: Profile) -> Setting | None:
    found = _first(
        ("--store", given.store), ("OSTIARY_STORE", machine.environ.get("OSTIARY_STORE")), _from(file, file.store)
    )
    if found is not None and found.value not in STORES:
        raise Misused(f"{found.source}: {found.value[:40]!r} is no store (one of {', '.join(STORES)})")
    return found


def _sign_in(file: Profile) -> Setting | None:
    found = _first(_from(file, file.sign_in))
    if found is not None and found.value not in ("browser", "device-code"):
        raise Misused(f"{found.source}: sign_in is browser or device-code, not {found.value[:40]!r}")
    return found


def _from(file: Profile, value: str | None) -> tuple[str, str | None]:
    return f"profile {file.name}", value


def _first(*candidates: tuple[str, str | None]) -> Setting | None:
    """The first candidate that has a value; an empty one counts as none."""
    return next((Setting(value, source) for source, value in candidates if value), None)
