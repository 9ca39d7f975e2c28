"""
This machine as a device of the organisation: a key of its own, and asking for admission.

The key lies in a file of the profile (0600, written whole or not at all) and is used with the one server that it was
made for: nothing links this machine at two servers. It is on disk before anybody is asked, so that a lost answer loses
no key, and asking again is asking how it stands.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ostiary.client.discovery import Server
from ostiary.client.errors import DeniedByPolicy, Misused, ServerFault, StorageFailed, plain
from ostiary.client.exchange import Call, Exchange, answered
from ostiary.client.machine import Machine
from ostiary.client.profiles import Places
from ostiary.client.proofs import Prover, proved, prover_of
from ostiary.client.tokens import length, raise_refusal
from ostiary.client.vaults import read_private, write_private

__all__ = ["DeviceKey", "Enrolled", "device_path", "device_prover", "enroll", "forget_key", "load_key", "save_key"]

_LONGEST = 400 * 86_400.0


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """What the file holds: for which server (its issuer), the private key (`Prover.secret`), and the device's id."""

    issuer: str
    key: str
    device_id: str | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """How this machine stands with the server: `state` is pending, admitted or lapsed; `expires_in` in seconds."""

    device_id: str
    state: str
    name: str
    expires_in: float | None


def device_path(places: Places, profile: str) -> Path:
    """The file of *profile*."""
    return places.state / f"{profile}.device"


def load_key(path: Path) -> DeviceKey | None:
    """What *path* holds; None when there is none. Raises StorageFailed for what cannot be read."""
    held = read_private(path)
    try:
        return None if held is None else DeviceKey(**json.loads(held))
    except (ValueError, TypeError) as fault:
        raise StorageFailed(f"{path} is damaged", next_step="ostiary device forget") from fault


def save_key(path: Path, key: DeviceKey) -> None:
    """Keep it. Raises StorageFailed."""
    write_private(path, json.dumps(asdict(key)).encode())


def forget_key(path: Path) -> bool:
    """Remove it; whether there was one. Raises StorageFailed."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as fault:
        raise StorageFailed(f"cannot remove {path}: {fault.strerror}") from fault
    return True


def device_prover(path: Path, server: Server, machine: Machine) -> Prover | None:
    """What proves this machine to *server*; None where it never asked that server. Raises StorageFailed."""
    held = load_key(path)
    return prover_of(held.key, machine) if held is not None and held.issuer == server.issuer else None


def enroll(
    server: Server, prover: Prover, *, name: str, system: tuple[str, str], ticket: str | None = None
) -> Exchange[Enrolled]:
    """
    Ask for admission, or how it stands. *system* is the operating system and its version; *ticket* a start ticket that
    the owner took for this.

    Raises DeniedByPolicy (revoked, or not taken), Misused where the server has no inventory, ServerFault, Unreachable.
    """
    if server.enrollment_endpoint is None:
        raise Misused("this server keeps no inventory of machines")
    form = {"ostiary_machine": name, "ostiary_system": system[0], "ostiary_system_version": system[1]}
    if ticket:
        form["ostiary_ticket"] = ticket
    sent = {key: value for key, value in form.items() if value}
    asked = Call("POST", server.enrollment_endpoint, form=sent, headers={"accept": "application/json"})
    answer = answered(asked, (yield from proved(prover, asked)))
    if answer.status != 200:
        raise_refusal(answer, otherwise=DeniedByPolicy)
    fields = answer.fields()
    id, state, shown = (plain(fields.get(key), 100) for key in ("device_id", "state", "name"))
    if id is None or state is None:
        raise ServerFault("the server's answer does not say how this machine stands")
    left = fields.get("expires_in")
    ends = None if left is None else length(left, least=0, most=_LONGEST, missing=0)
    return Enrolled(id, state, shown or name, ends)
