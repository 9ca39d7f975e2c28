"""
`ostiary status`: who is signed in here, since when, until when, and whether that will do.
"""

from typing import Annotated, Any

import typer

from ostiary.cli.durations import left, seconds_of
from ostiary.cli.ending import warn_of_end
from ostiary.cli.errand import Errand
from ostiary.cli.kill_switch import PATH as KILL_SWITCH
from ostiary.cli.output import Column
from ostiary.cli.settings import Setting
from ostiary.client.cache import SignIn
from ostiary.client.errors import EndsTooSoon, NotSignedIn, OstiaryError
from ostiary.client.session import NotKept, fresh

__all__ = ["status"]

CHECKED = 86_400.0  # no access token lives for a day: asking for one that does asks the server

COLUMNS: tuple[Column, ...] = (
    ("Signed in", lambda r: r["user"]),
    ("Server", lambda r: r["server"]),
    ("With", lambda r: r["how"]),
    ("Since", lambda r: r["since"]),
    ("Ends", lambda r: r["ends"]),
    ("Kept in", lambda r: r["store"]),
)


def status(
    errand: Errand,
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show where each setting comes from.")] = False,
    require: Annotated[str, typer.Option("--require", help="Exit 3 unless it lasts this long (30m).")] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the server.")] = False,
) -> None:
    """Show the sign-in; exit 3 when there is none, or when it ends too soon."""
    needed = seconds_of(require, "--require") if require else 0.0
    if verbose:
        _show_settings(errand)
    if errand.settings.token is not None:
        if needed:
            raise EndsTooSoon("the token comes from OSTIARY_TOKEN; nobody can say here how long it lasts")
        errand.screen.record({"signed_in": True, "source": "OSTIARY_TOKEN"}, (("Token", lambda r: r["source"]),))
        return
    held = _held(errand) if offline else _checked(errand)
    _require(errand, held, needed)
    if not offline and held.how != "device_code":  # what a code gave is over while it is on
        _warn(errand)
    warn_of_end(errand)
    errand.screen.record(_described(errand, held), COLUMNS)


def _held(errand: Errand) -> SignIn:
    held = errand.cache.load()
    if held is None:
        raise NotSignedIn("nobody is signed in here", next_step="ostiary login")
    return held


def _checked(errand: Errand) -> SignIn:
    """The sign-in after the server has renewed it: only that shows that it is still alive."""
    try:
        errand.perform(fresh(errand.cache, need=CHECKED))
    except NotKept as fault:
        errand.screen.say(f"! {fault.message}", "bold red")
    return _held(errand)


def _require(errand: Errand, held: SignIn, needed: float) -> None:
    if not needed:
        return
    if held.ends_at is None:
        raise EndsTooSoon("the server does not say when this sign-in ends", next_step="ostiary login")
    remaining = held.ends_at - errand.machine.wall()
    if remaining < needed:
        raise EndsTooSoon(
            f"the sign-in ends in {left(remaining)}, {left(needed)} are required", next_step="ostiary login"
        )


def _warn(errand: Errand) -> None:
    """Say that device sign-ins are stopped; a server that does not tell is no fault of the sign-in."""
    try:
        with errand.graph() as graph:
            switch = graph.get(KILL_SWITCH)
    except OstiaryError:
        return
    if switch.get("on"):
        why = f": {switch['reason']}" if switch.get("reason") else ""
        errand.screen.say(f"! Device sign-ins are stopped since {switch.get('killedDateTime')}{why}", "bold red")


def _described(errand: Errand, held: SignIn) -> dict[str, Any]:
    now, local = errand.machine.wall(), errand.machine.local_time
    ends = held.ends_at
    return {
        "signed_in": True,
        "user": held.username or held.name,
        "server": held.address,
        "issuer": held.issuer,
        "client": held.client_id,
        "how": held.how,
        "since": local(held.signed_in_at),
        "ends": None if ends is None else f"{local(ends)} (in {left(ends - now)})",
        "ends_at": ends,
        "store": errand.cache.holder.where,
    }


def _show_settings(errand: Errand) -> None:
    found = errand.settings
    unset = Setting("chosen by what this machine is", "default")
    values: tuple[tuple[str, Setting], ...] = (
        ("profile", found.profile),
        ("server", found.server),
        ("client", found.client),
        ("scope", found.scope or Setting("all of the admin API that the sign-in may have", "default")),
        ("store", found.store or unset),
        ("sign_in", found.sign_in or unset),
        ("data", found.data),
    )
    for name, (value, source) in values:
        errand.screen.say(f"{name + ':':<10}{value}   ({source})")
    errand.screen.say(f"{'token:':<10}{'set   (OSTIARY_TOKEN)' if found.token else 'from the store   (default)'}")
    errand.screen.say(f"{'config:':<10}{found.places.config}")
    errand.screen.say(f"{'state:':<10}{found.places.state}")
