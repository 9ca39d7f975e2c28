"""
`ostiary device`: this machine as a device of the organisation, and the inventory for who administers it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli.device_certificates import read_certificate, register
from ostiary.cli.device_files import Line, read_lines
from ostiary.cli.durations import left
from ostiary.cli.errand import Errand
from ostiary.cli.lookup import both, device, literal, path
from ostiary.cli.lookup import with_reason as reasoned
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, COMMON, Noun
from ostiary.client.discovery import Server, discover
from ostiary.client.enrollment import (
    DeviceKey,
    Enrolled,
    device_path,
    device_prover,
    enroll,
    forget_key,
    load_key,
    save_key,
)
from ostiary.client.errors import DeniedByPolicy, Misused, NotSignedIn, OstiaryError
from ostiary.client.graph import Graph
from ostiary.client.proofs import Prover, new_prover
from ostiary.core.words.ids import is_guid

__all__ = ["DEVICE"]

Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
Name = Annotated[str, typer.Argument(metavar="DEVICE", help="The device: its id or name.")]


def _ours(name: str) -> Any:
    return lambda device: (device.get("ostiary") or {}).get(name)


COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("State", _ours("state")),
    ("Owner", _ours("owner")),
    ("Managed", lambda r: r.get("isManaged")),
    ("Compliant", lambda r: r.get("isCompliant")),
    ("Until", _ours("expirationDateTime")),
    ("Last seen", lambda r: r.get("approximateLastSignInDateTime")),
    ("ID", lambda r: r.get("id")),
)
DETAILS: tuple[Column, ...] = (
    *COLUMNS,
    ("Key", _ours("keyThumbprint")),
    ("Certificate", _ours("certificateThumbprint")),
    ("System", lambda r: " ".join(filter(None, (r.get("operatingSystem"), r.get("operatingSystemVersion"))))),
    ("Model", lambda r: r.get("model")),
    ("Compliant until", lambda r: r.get("complianceExpirationDateTime")),
    ("Registered", lambda r: r.get("registrationDateTime")),
    ("Asked from", _ours("requestedFrom")),
    ("Admitted", _ours("admittedDateTime")),
    ("Admitted by", _ours("admittedBy")),
    ("Revoked", _ours("revokedDateTime")),
    ("Revoked by", _ours("revokedBy")),
)


# ---- this machine


def enroll_(
    errand: Errand,
    *,
    name: Annotated[str, typer.Option("--name", help="What to call this machine; its host name by default.")] = "",
    ticket: Annotated[bool, typer.Option("--ticket", help="Ask for the ticket taken in a browser.")] = False,
    ticket_code: Annotated[str, typer.Option("--ticket-code", help="The ticket itself.")] = "",
) -> None:
    """Make a key on this machine and ask for its admission to the organisation's inventory."""
    where, server = _where(errand), errand.perform(discover(errand.settings.server.value))
    shown = errand.ticket(ticket, ticket_code)
    prover = device_prover(where, server, errand.machine)
    fresh = prover is None
    if prover is None:
        prover = new_prover(errand.machine)
        save_key(where, DeviceKey(server.issuer, prover.secret()))
    try:
        found = _ask(errand, server, prover, name, shown)
    except OstiaryError as fault:
        if fresh and fault.refusal is not None:  # the server said no: nothing is left of it
            forget_key(where)
        raise
    save_key(where, DeviceKey(server.issuer, prover.secret(), found.device_id))
    _tell(errand, found, prover)


def status(errand: Errand) -> None:
    """Ask the server how this machine stands."""
    where, server = _where(errand), errand.perform(discover(errand.settings.server.value))
    prover = device_prover(where, server, errand.machine)
    if prover is None:
        raise NotSignedIn("this machine is not enrolled there", next_step="ostiary device enroll")
    _tell(errand, _ask(errand, server, prover, "", None), prover)


def forget(errand: Errand) -> None:
    """Remove this machine's key; the server keeps the device until somebody revokes it."""
    held = load_key(_where(errand))
    if not forget_key(_where(errand)):
        errand.screen.say("There is no key here.")
        return
    revoke_it = f"ostiary device revoke {held.device_id}" if held is not None and held.device_id else ""
    errand.screen.say("The key is gone; sign-ins with it cannot be renewed.", "green")
    if revoke_it:
        errand.screen.say(f"  next:         {revoke_it}")


def _where(errand: Errand) -> Path:
    return device_path(errand.settings.places, errand.settings.profile.value)


def _ask(errand: Errand, server: Server, prover: Prover, name: str, ticket: str | None) -> Enrolled:
    called = name or errand.machine.name()
    try:
        return errand.perform(enroll(server, prover, name=called, system=errand.machine.system(), ticket=ticket))
    except DeniedByPolicy as fault:
        if fault.refusal is not None and 50155 in fault.refusal.numbers:
            fault.next_step = "ostiary device forget, and then ostiary device enroll for another key"
        raise


def _tell(errand: Errand, found: Enrolled, prover: Prover) -> None:
    screen, admitted = errand.screen, found.state == "admitted"
    screen.event("device", id=found.device_id, state=found.state, key=prover.jkt, expires_in=found.expires_in)
    if admitted:
        until = "" if found.expires_in is None else f" for {left(found.expires_in)}"
        screen.say(f"This machine is admitted as {found.name}{until}.", "bold green")
        return
    screen.say(f"This machine ({found.name}) is {found.state}: an administrator has to admit it.", "bold")
    screen.say(f"  key:          {prover.jkt}")
    screen.say(f'  next:         ostiary device admit {found.device_id} --owner NAME --reason "why"')


# ---- the inventory


def list_(
    errand: Errand,
    *,
    name: Annotated[str, typer.Option("--name", help="Whose name begins so.")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Of this person (address).")] = "",
    pending: Annotated[bool, typer.Option("--pending", help="Only what waits for admission.")] = False,
    mine: Annotated[bool, typer.Option("--mine", help="Only one's own; everybody may.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")] = 200,
) -> None:
    """List devices."""
    waits = "ostiary/admittedDateTime eq null and ostiary/revokedDateTime eq null" if pending else ""
    begins = f"startswith(displayName,{literal(name)})" if name else ""
    of = f"ostiary/owner eq {literal(owner.lower())}" if owner else ""
    with errand.graph() as graph:
        found = graph.items("/me/ownedDevices" if mine else "/devices", both(begins, of, waits), most=limit)
        errand.screen.rows(found, COLUMNS)


def show(errand: Errand, name: Name) -> None:
    """Show one device."""
    with errand.graph() as graph:
        errand.screen.record(device(graph, name), DETAILS)


def admit(
    errand: Errand,
    name: Name,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")],
    owner: Annotated[str, typer.Option("--owner", help="Whose it is (address); as it asked, by default.")] = "",
    until: Annotated[str, typer.Option("--until", help="End of the admission (2026-12-31T00:00:00Z).")] = "",
) -> None:
    """Admit a device that asked, or one that lapsed; for ninety days unless --until says otherwise."""
    body = {"reason": reason, **({"owner": owner} if owner else {}), **({"expirationDateTime": until} if until else {})}
    with errand.graph() as graph:
        shown = graph.post(path("/devices", _id(graph, name), "ostiary.admit"), body)
    errand.screen.say(f"Admitted {shown.get('displayName')}.", "green")
    errand.screen.record(shown, DETAILS)


def set_(
    errand: Errand,
    name: Name,
    *,
    managed: Annotated[bool | None, typer.Option("--managed/--not-managed", help="Whether it is managed.")] = None,
    compliant: Annotated[bool | None, typer.Option("--compliant/--not-compliant", help="Whether it complies.")] = None,
    compliant_until: Annotated[str, typer.Option("--compliant-until", help="Until when (2026-12-31T00:00:00Z).")] = "",
    rename: Annotated[str, typer.Option("--rename", help="Another name; needs a reason.")] = "",
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Another client certificate; what the old one holds is over.")
    ] = None,
    reason: Reason = "",
) -> None:
    """Say whether a device is managed and compliant, or which certificate it has. To trust it more needs a reason."""
    given = {"isManaged": managed, "isCompliant": compliant, "displayName": rename or None}
    body: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    body |= {"complianceExpirationDateTime": compliant_until} if compliant_until else {}
    body |= {"ostiary": {"certificate": read_certificate(certificate)}} if certificate else {}
    if not body:
        raise Misused("say what to set", next_step="ostiary device set --help")
    with errand.graph() as graph:
        graph.patch(path("/devices", _id(graph, name)), reasoned(body, reason))
    errand.screen.say(f"Changed {name}.", "green")


def revoke(errand: Errand, name: Name, *, reason: Reason = "") -> None:
    """Revoke a device; what it holds is over at once. One's own: everybody may."""
    with errand.graph() as graph:
        graph.post(path("/devices", _id(graph, name), "ostiary.revoke"), {"reason": reason} if reason else {})
    errand.screen.say(f"Revoked {name}; sign-ins on it have ended.", "green")


def delete(
    errand: Errand,
    name: Name,
    *,
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take a device out of the inventory; its key may enrol again."""
    errand.confirm(f"Delete the device {name}?", yes=yes)
    with errand.graph() as graph:
        graph.delete(path("/devices", _id(graph, name)), reason)
    errand.screen.say(f"Deleted {name}.", "green")


def import_(
    errand: Errand,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a line of headings.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")] = False,
    reason: Reason = "",
) -> None:
    """Take over compliance from a CSV file: all lines, or none of them where one is wrong."""
    lines = read_lines(file)
    with errand.graph() as graph:
        known = {str(each.get("id")): each for each in graph.items("/devices")}
        wanted = _matched(file, lines, known)
        moved = [(line, id) for line, id in wanted if _differs(known[id], line)]
        for line, id in moved:
            errand.screen.event("device", line=line.number, id=id, changes=line.changes)
        if not dry_run:
            for line, id in moved:
                graph.patch(path("/devices", id), reasoned(dict(line.changes), reason))
    said = "would change" if dry_run else "changed"
    errand.screen.say(f"{len(moved)} of {len(lines)} devices {said}.", "green")


def _matched(file: Path, lines: tuple[Line, ...], known: Mapping[str, Mapping[str, Any]]) -> list[tuple[Line, str]]:
    """Each line with the id of its device. Raises Misused with every line that has none, or the same as another."""
    by_name: dict[str, list[str]] = {}
    for id, each in known.items():
        by_name.setdefault(str(each.get("displayName")).casefold(), []).append(id)
    found, wrong, seen = [], [], dict[str, int]()
    for line in lines:
        ids = [line.device.lower()] if line.device.lower() in known else by_name.get(line.device.casefold(), [])
        if len(ids) != 1:
            wrong.append(f"line {line.number}: {'no' if not ids else 'more than one'} device {line.device[:80]!r}")
        elif ids[0] in seen:
            wrong.append(f"line {line.number}: {line.device[:80]!r} stands in line {seen[ids[0]]} already")
        else:
            seen[ids[0]] = line.number
            found.append((line, ids[0]))
    if wrong:
        raise Misused(f"{file}: nothing was changed; " + "; ".join(wrong))
    return found


def _differs(device: Mapping[str, Any], line: Line) -> bool:
    return any(device.get(key) != value for key, value in line.changes.items())


def _id(graph: Graph, name: str) -> str:
    return name if is_guid(name) else str(device(graph, name)["id"])


DEVICE: Noun = (
    "device",
    "This machine as a device of the organisation, and the inventory of them.",
    (
        ("enroll", enroll_, COMMON),
        ("status", status, COMMON),
        ("forget", forget, COMMON),
        ("list", list_, ADMIN),
        ("show", show, ADMIN),
        ("register", register, ADMIN),
        ("admit", admit, ADMIN),
        ("set", set_, ADMIN),
        ("import", import_, ADMIN),
        ("revoke", revoke, ADMIN),
        ("delete", delete, ADMIN),
    ),
)
