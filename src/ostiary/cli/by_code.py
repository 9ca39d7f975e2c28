"""
Signing in with a code, on the command line: the conversation on the screen, a new code on Enter, and the sign-in that
waits for an approval: kept in a file, so that interrupting it loses nothing and `--resume` goes on.
"""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from ostiary.cli.durations import left
from ostiary.cli.errand import Errand
from ostiary.cli.waiting import Waiting
from ostiary.client.approval import (
    Keep,
    Kept,
    StillWaiting,
    forget_kept,
    kept_path,
    load_kept,
    save_kept,
)
from ostiary.client.certificate import ClientCertificate
from ostiary.client.device import Request, resume_by_device, sign_in_by_device
from ostiary.client.discovery import Server, discover, over_tls
from ostiary.client.enrollment import device_path, device_prover
from ostiary.client.errors import CodeExpired, DeniedByPolicy, Misused, OstiaryError
from ostiary.client.exchange import Event
from ostiary.client.proofs import Prover, new_prover, prover_of
from ostiary.client.tokens import Granted

__all__ = ["RESUME", "Asked", "by_code", "resumed", "this_machines_prover"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
RESUME = "ostiary login --resume"


@dataclass(frozen=True, slots=True)
class Asked:
    """One sign-in by code: of which server, for what, and with what it proves itself."""

    address: str
    server: Server
    request: Request
    prover: Prover | None = None
    pair: ClientCertificate | None = None
    qr: bool = False


def this_machines_prover(errand: Errand, server: Server) -> Prover:
    """An enrolled machine proves that it is it; any other makes a key for this one sign-in."""
    where = device_path(errand.settings.places, errand.settings.profile.value)
    return device_prover(where, server, errand.machine) or new_prover(errand.machine)


def by_code(errand: Errand, asked: Asked) -> Granted:
    """From the code to the tokens; a code that ran out gives way to a new one on Enter."""
    while True:
        try:
            return _once(errand, asked, None)
        except CodeExpired as fault:
            if not errand.may_ask:
                fault.next_step = fault.next_step or "ostiary login"
                raise
            if errand.ask("! The code has expired. Press Enter for a new one, Ctrl-C to stop.") is None:
                raise
        except DeniedByPolicy as fault:
            fault.next_step = fault.next_step or _way_in(errand, asked.request)
            raise


def resumed(errand: Errand, qr: bool, timeout: float | None) -> tuple[Asked, Granted]:
    """
    Go on with the sign-in that waits for an approval; where it is over, begin a new one, which passes if the exemption
    was approved. Raises Misused where none waits.
    """
    held = load_kept(_path(errand))
    if held is None:
        raise Misused("no sign-in waits for an approval here", next_step='ostiary login --reason "why"')
    asked = _again(errand, held, qr, timeout)
    left_ = held.ends_at - errand.machine.wall()
    if left_ > 0:
        try:
            return asked, _once(errand, asked, Keep(held.device_code, held.interval, left_, held.request))
        except CodeExpired:
            pass
        except StillWaiting as fault:
            if fault.refusal is None:
                raise
    forget_kept(_path(errand))
    errand.screen.say("That sign-in is over, so a new one begins.")
    if held.bound:
        asked = replace(asked, prover=this_machines_prover(errand, asked.server))
    return asked, by_code(errand, asked)


def _again(errand: Errand, held: Kept, qr: bool, timeout: float | None) -> Asked:
    server = errand.perform(discover(held.address))
    if server.issuer != held.issuer:
        raise Misused(f"the sign-in that waits is {held.issuer}'s, not {server.issuer}'s")
    pair = None
    if held.certificate is not None:
        pair, server = ClientCertificate(held.certificate, held.certificate_key or held.certificate), over_tls(server)
    prover = None
    if held.bound:
        key = held.key
        prover = this_machines_prover(errand, server) if key is None else prover_of(key, errand.machine)
    request = Request(
        held.client_id, held.scope, held.reason, timeout, errand.machine.name(), errand.may_ask, held.reference,
        duration=held.duration,
    )  # fmt: skip
    return Asked(held.address, server, request, prover, pair, qr)


def _path(errand: Errand) -> Path:
    return kept_path(errand.settings.places, errand.settings.profile.value)


def _once(errand: Errand, asked: Asked, kept: Keep | None) -> Granted:
    """One code to its end; what waits for an approval is in the file from when it does until then."""
    request, path, waits = asked.request, _path(errand), kept is not None

    def tell(event: Event) -> None:
        nonlocal waits
        if isinstance(event, Keep):
            save_kept(path, _kept(errand, asked, event))
            waits = True
        else:
            waiting.tell(event)

    exchange = (
        sign_in_by_device(asked.server, request, asked.prover) if kept is None
        else resume_by_device(asked.server, request, kept, asked.prover)
    )  # fmt: skip
    good = False
    try:
        with Waiting(errand.screen, errand.machine, qr=asked.qr, reference=request.reference or "") as waiting:
            machine = waiting.machine
            granted = errand.perform(exchange, tell=tell, ask=waiting.ask, machine=machine, pair=asked.pair)
        good = True
    except KeyboardInterrupt:
        if waits:
            errand.screen.say(f"The request lives on. Resume with: {RESUME}", "bold")
        raise
    except OstiaryError as fault:
        if isinstance(fault, StillWaiting):
            fault.next_step = fault.next_step or RESUME
        elif waits and fault.refusal is not None:  # the server ended it; a lost connection did not
            forget_kept(path)
        raise
    finally:
        if errand.spans is not None:
            errand.spans.send(failed=not good)
    if waits:
        forget_kept(path)
    _say_approved(errand, granted)
    return granted


def _say_approved(errand: Errand, granted: Granted) -> None:
    if not granted.approved_by:
        return
    names, lasts = ", ".join(granted.approved_by), granted.session_expires_in
    errand.screen.say(f"Approved by {names}{f' ({left(lasts)})' if lasts is not None else ''}.", "green")
    errand.screen.event("approved", approved_by=list(granted.approved_by), expires_in=lasts and round(lasts))


def _kept(errand: Errand, asked: Asked, event: Keep) -> Kept:
    request, prover, pair = asked.request, asked.prover, asked.pair
    where = device_path(errand.settings.places, errand.settings.profile.value)
    enrolled = device_prover(where, asked.server, errand.machine) if prover is not None else None
    own = prover is not None and (enrolled is None or enrolled.secret() != prover.secret())
    return Kept(
        asked.address, asked.server.issuer, request.client_id, request.scope, event.device_code, event.interval,
        errand.machine.wall() + event.expires_in, event.request, request.reason, request.duration, request.reference,
        prover.secret() if prover is not None and own else None, prover is not None,
        pair.certificate if pair is not None else None, pair.key if pair is not None else None,
    )  # fmt: skip


def _way_in(errand: Errand, request: Request) -> str:
    """What opens an exemption: asked for, typed by an administrator, or on the server's own machine by its owner."""
    address = errand.settings.server
    here = urlsplit(address.value).hostname in LOOPBACK
    command = ["ostiary", *(["--local"] if here else []), "exemption", "open", "--user", "NAME", "--for", "2h"]
    command += ["--app", request.client_id] if request.client_id != errand.settings.client.value else []
    words = " ".join(shlex.quote(word) for word in command) + ' --reason "why"'
    return f"{words}   (an administrator does that)"
