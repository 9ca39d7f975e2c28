"""
`ostiary login`: sign in with a code on another device, or with the browser of this one.

Owns the choice between the two (by hand, remembered, or by what this machine is), what happens around the conversation
(a place for the tokens before anybody works for them, the sign-in that is replaced, a new code on Enter) and what a
refused person can do next.
"""

from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli.by_code import Asked, by_code, resumed, this_machines_prover
from ostiary.cli.durations import iso_length, left, seconds_of
from ostiary.cli.errand import Errand
from ostiary.cli.pipelines import refuse_pipelines
from ostiary.client.browser import BrowserWanted, sign_in_by_browser
from ostiary.client.browser import Request as BrowserRequest
from ostiary.client.cache import SignIn
from ostiary.client.certificate import ClientCertificate, tls_context
from ostiary.client.device import Request as DeviceRequest
from ostiary.client.discovery import Server, discover, over_tls
from ostiary.client.errors import Misused, StorageFailed
from ostiary.client.exchange import Event
from ostiary.client.machine import headless_because
from ostiary.client.proofs import Prover, new_prover
from ostiary.client.session import give_back, keep, record_of
from ostiary.client.tokens import Granted

__all__ = ["login"]

DEVICE, BROWSER = "device-code", "browser"


def login(
    errand: Errand,
    *,
    device_code: Annotated[bool, typer.Option("--device-code", help="With a code on another device.")] = False,
    browser: Annotated[bool, typer.Option("--browser", help="With the browser of this machine.")] = False,
    qr: Annotated[bool, typer.Option("--qr", help="Show the address as a QR code, too.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Prove who you are anew (browser).")] = False,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; if you are blocked, an exemption is asked for with it (a code).")
    ] = "",
    for_: Annotated[str, typer.Option("--for", help="For how long it is asked for: 45m, 2h, PT2H.")] = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for its approval.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the sign-in that waits for its approval.")
    ] = False,
    reference: Annotated[
        str, typer.Option("--reference", help="A ticket's number; whoever approves may have to type it.")
    ] = "",
    scope: Annotated[str, typer.Option("--scope", help="Scopes to ask for, instead of the admin API's.")] = "",
    client: Annotated[str, typer.Option("--client", help="Sign in as this application (its client id).")] = "",
    bearer: Annotated[
        bool, typer.Option("--bearer", help="Tokens that any program can use, not bound to a key of this machine.")
    ] = False,
    certificate: Annotated[
        str, typer.Option("--certificate", help="Come over TLS with this client certificate (PEM file).")
    ] = "",
    key: Annotated[str, typer.Option("--key", help="The certificate's key, if it is in another file.")] = "",
    ticket: Annotated[bool, typer.Option("--ticket", help="Ask for the start ticket taken in a browser.")] = False,
    ticket_code: Annotated[str, typer.Option("--ticket-code", help="The start ticket itself.")] = "",
    timeout: Annotated[str, typer.Option("--timeout", help="Give up after this time (90s, 10m, PT10M).")] = "",
) -> None:
    """Sign in with a code on another device, or with the browser here."""
    limit = seconds_of(timeout, "--timeout") if timeout else None
    refuse_pipelines(errand)
    if resume:
        passed_over = any((device_code, browser, fresh, reason, for_, no_wait, reference, scope, client, bearer,
                           certificate, key, ticket, ticket_code))  # fmt: skip
        _resume(errand, qr, limit, passed_over=passed_over)
        return
    _refuse_half(asks=bool(for_ or no_wait), by_code_with_reason=bool(reason) and not browser)
    way = DEVICE if no_wait or for_ else _way(errand, device_code, browser)
    errand.cache.probe()
    pair = _certificate(errand, certificate, key)
    server = _server(errand, pair)
    prover = _prover(errand, server, way) if server.proves_keys and not bearer and pair is None else None
    who, what = client or errand.settings.client.value, _scope(errand, server, scope)
    if way == BROWSER:
        request = BrowserRequest(who, what, max_age=0 if fresh else None, timeout=limit)
        granted = _by_browser(errand, server, request, prover, pair)
    else:
        _hint(errand)
        name, asks, shown = errand.machine.name(), errand.may_ask, errand.ticket(ticket, ticket_code)
        length = iso_length(for_, "--for") if for_ else None
        asked = DeviceRequest(
            who, what, reason or None, limit, name, asks, reference or None, shown, length, not no_wait
        )
        granted = by_code(errand, Asked(errand.settings.server.value, server, asked, prover, pair, qr))
    _keep(errand, granted, Asked(errand.settings.server.value, server, DeviceRequest(who, what), prover, pair), way)
    if device_code or browser:
        errand.remember("sign_in", way)


def _server(errand: Errand, pair: ClientCertificate | None) -> Server:
    found = errand.perform(discover(errand.settings.server.value))
    return found if pair is None else over_tls(found)


def _hint(errand: Errand) -> None:
    if headless_because(errand.machine) is None:
        errand.screen.say("This machine seems to have a browser: ostiary login --browser is safer than a code.")


def _refuse_half(*, asks: bool, by_code_with_reason: bool) -> None:
    if asks and not by_code_with_reason:
        raise Misused("--for and --no-wait are about an exemption: they go with --reason, and with a code")


def _resume(errand: Errand, qr: bool, limit: float | None, *, passed_over: bool) -> None:
    if passed_over:
        raise Misused("--resume goes on with what was asked for: beside it only --qr and --timeout count")
    errand.cache.probe()
    asked, granted = resumed(errand, qr, limit)
    _keep(errand, granted, asked, DEVICE)


def _keep(errand: Errand, granted: Granted, asked: Asked, way: str) -> None:
    record = record_of(
        granted,
        asked.server,
        address=asked.address,
        client_id=asked.request.client_id,
        asked=asked.request.scope,
        how=way.replace("-", "_"),
        now=errand.machine.wall(),
        prover=asked.prover,
        pair=asked.pair,
    )
    _finish(errand, record)


def _prover(errand: Errand, server: Server, way: str) -> Prover:
    return this_machines_prover(errand, server) if way == DEVICE else new_prover(errand.machine)


def _certificate(errand: Errand, certificate: str, key: str) -> ClientCertificate | None:
    """By flag, else by the variables. Raises Misused before anybody was asked for anything."""
    environ = errand.machine.environ
    if not certificate:
        certificate, key = environ.get("OSTIARY_CERTIFICATE", ""), key or environ.get("OSTIARY_CERTIFICATE_KEY", "")
    if not certificate:
        if key:
            raise Misused("--key goes with --certificate")
        return None
    pair = ClientCertificate(str(Path(certificate).absolute()), str(Path(key or certificate).absolute()))
    tls_context(pair)
    return pair


def _way(errand: Errand, device_code: bool, browser: bool) -> str:
    """By hand, by `OSTIARY_BROWSER`, by what was chosen before, by what this machine is."""
    if device_code and browser:
        raise Misused("--device-code and --browser exclude each other")
    if device_code or browser:
        return DEVICE if device_code else BROWSER
    wish = errand.machine.environ.get("OSTIARY_BROWSER", "")
    if wish:
        return DEVICE if wish == "never" else BROWSER
    if errand.settings.sign_in is not None:
        return errand.settings.sign_in.value
    because = headless_because(errand.machine)
    if because is not None:
        errand.screen.say(f"No browser is opened: {because}.")
    return BROWSER if because is None else DEVICE


def _scope(errand: Errand, server: Server, scope: str) -> str:
    configured = errand.settings.scope
    wanted = scope or (configured.value if configured else f"{server.origin}/.default")
    # openid for the name, offline_access for renewal
    return " ".join(dict.fromkeys([*wanted.split(), "openid", "profile", "offline_access"]))


def _by_browser(
    errand: Errand, server: Server, request: BrowserRequest, prover: Prover | None, pair: ClientCertificate | None
) -> Granted:
    def tell(event: Event) -> None:
        if not isinstance(event, BrowserWanted):
            return
        errand.screen.event("browser", address=event.address)
        if errand.machine.open_browser(event.address):
            errand.screen.say("Go on in the browser that has opened. If there is none, open this there:")
        else:
            errand.screen.say("Open this in a browser on this machine:")
        errand.screen.say(event.address)

    sign_in = sign_in_by_browser(server, request, errand.machine.random, prover)
    return errand.perform(sign_in, tell=tell, pair=pair)


def _finish(errand: Errand, record: SignIn) -> None:
    """Keep what was got; give back what it replaces. If nothing keeps it, nothing is left open on the server."""
    try:
        before = errand.perform(keep(errand.cache, record))
    except StorageFailed as fault:
        _use_once(errand, record, fault)
        raise
    except KeyboardInterrupt:  # between the answer and its place: nobody has it, so nobody keeps it on the server
        errand.perform(give_back(record))
        raise
    if before is not None:
        errand.perform(give_back(before))
    screen, cache = errand.screen, errand.cache
    if cache.fell_back:
        screen.say(f"! {cache.fell_back}; kept in {cache.holder.where} instead.", "bold")
        errand.remember("store", cache.holder.name)
    elif errand.settings.store is not None and errand.settings.store.source == "--store":
        errand.remember("store", cache.holder.name)
    if errand.settings.server.source == "--server":
        errand.remember("server", errand.settings.server.value)
    screen.say(f"Signed in as {record.username or record.name or 'you'}. {_until(errand, record)}", "bold green")
    bound = " Its tokens are bound to a key of this machine." if record.key else ""
    bound = f" It comes with the certificate of {record.certificate}." if record.certificate else bound
    screen.say(f"Kept in {cache.holder.where}.{bound}")
    if errand.settings.token is not None:
        screen.say("! OSTIARY_TOKEN is set and wins over this sign-in; unset it to use this one.", "bold")
    screen.event("signed_in", user=record.username, how=record.how, ends_at=record.ends_at, store=cache.holder.name)


def _until(errand: Errand, record: SignIn) -> str:
    if record.ends_at is None:
        return ""
    return f"Ends {errand.machine.local_time(record.ends_at)} (in {left(record.ends_at - errand.machine.wall())})."


def _use_once(errand: Errand, record: SignIn, fault: StorageFailed) -> None:
    """
    The person has done the work: offer a shell that has the token. If nobody is there to take it, end the sign-in.
    """
    fault.next_step = "make room or choose another place: ostiary login --store memory"
    shell = errand.machine.environ.get("SHELL")
    if errand.may_ask and shell and record.access and record.key is None:  # a bound one needs the key that is lost
        errand.screen.say(f"! {fault.message}", "bold red")
        question = f"Press Enter for a shell ({shell}) that has the token in OSTIARY_TOKEN, Ctrl-C to drop it."
        if errand.ask(question) is not None:
            environ = {**errand.machine.environ, "OSTIARY_TOKEN": record.access[0].token}
            errand.machine.become([shell], environ)
    errand.perform(give_back(record))
