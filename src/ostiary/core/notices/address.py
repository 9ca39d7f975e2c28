"""
The address of a channel: the one place that reads one, for whoever makes it, sends to it, or runs Apprise. Pure.

Apprise reads addresses by rules of its own and forgives much, so only what can be read in one way is an address here: a
plain host between ``://`` and the first ``/``, and options from a list. Whom it names is judged by the outgoing rule
(R24) like any other.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from ostiary.core.words.destinations import LONGEST_URL, Place, place_of
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["SCHEMES", "At", "ChannelAddress", "Form", "Scheme", "read_address"]


class Form(StrEnum):
    """How a channel is spoken to."""

    WEBHOOK = "webhook"
    """Signed, over https."""
    APPRISE = "apprise"


class At(Enum):
    """Where a service of Apprise is."""

    HOST = "host"
    """At the host of its address."""
    MAIL = "mail"
    """Likewise, but a port that is not told, and the host of well-known providers, are chosen by the sender."""
    FIXED = "fixed"
    """Where its provider is; what stands in place of a host is a key."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One service of Apprise that is let through."""

    tls: bool
    at: At
    options: frozenset[str]
    """Those that may be set. None of them weakens TLS, reads a file, names another host or hides a failure."""
    more: bool = False
    """Besides, headers (``+``), and fields of its content (``:``) and of its query (``-``), by any name."""
    shown: bool = True
    """What stands in place of a host may be shown."""


@dataclass(frozen=True, slots=True)
class ChannelAddress:
    """What is told of an address; nothing of it is a secret."""

    shown: str
    """A host, or the scheme of a service and its host."""
    place: Place | None
    """Whom it names, for the outgoing rule; None where only the sender knows: `At.FIXED`, and some of `At.MAIL`."""
    scheme: Scheme | None = None
    """Of Apprise."""


def _options(text: str, *, login: bool = False) -> frozenset[str]:
    """Options by name, and those that any service has; *login*: a name and password may be among them."""
    return frozenset(f"format emojis tz image {'user pass password' if login else ''} {text}".split())


_MAIL = _options("to cc bcc reply from name smtp mode", login=True)
_NTFY = _options("to priority tags xtags auth token mode", login=True)
_GOTIFY = _options("priority")
_MMOST = _options("to channel channels team botname mode")
_JSON = _options("", login=True)
_TEAMS = _options("workflow id signature sig api-version ver route routeid powerautomate pa wrap")
_SLACK = _options("to token mode footer timestamp blocks botname")
_DISCORD = _options("tts avatar footer footer_logo fields thread ping botname")
_TELEGRAM = _options("to topic thread silent preview")
_PUSHOVER = _options("to priority sound")

SCHEMES: Mapping[str, Scheme] = {
    "mailto": Scheme(False, At.MAIL, _MAIL),
    "mailtos": Scheme(True, At.MAIL, _MAIL),
    "ntfy": Scheme(False, At.HOST, _NTFY, shown=False),  # a topic may stand there, and is as good as a key
    "ntfys": Scheme(True, At.HOST, _NTFY, shown=False),
    "gotify": Scheme(False, At.HOST, _GOTIFY),
    "gotifys": Scheme(True, At.HOST, _GOTIFY),
    "mmost": Scheme(False, At.HOST, _MMOST),
    "mmosts": Scheme(True, At.HOST, _MMOST),
    "json": Scheme(False, At.HOST, _JSON, more=True),
    "jsons": Scheme(True, At.HOST, _JSON, more=True),
    "workflow": Scheme(True, At.HOST, _TEAMS),
    "workflows": Scheme(True, At.HOST, _TEAMS),
    "slack": Scheme(True, At.FIXED, _SLACK, shown=False),
    "discord": Scheme(True, At.FIXED, _DISCORD, shown=False),
    "tgram": Scheme(True, At.FIXED, _TELEGRAM, shown=False),
    "pover": Scheme(True, At.FIXED, _PUSHOVER, shown=False),
}
"""Services of Apprise that speak HTTP or mail. Without TLS they reach only hosts that are listed for that."""

_AUTHORITY = re.compile(  # RFC 3986 §3.2, without percent signs in a host, empty ports and zones
    r"(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?(?P<host>[A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(?P<port>:[1-9][0-9]{0,4})?"
)
_OPTION = re.compile(r"(?P<sort>[+:-]?)(?P<name>[A-Za-z0-9._-]{1,64})(?:=.*)?")
_OF_THE_CONNECTION = frozenset({
    "host", "connection", "keep-alive", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect",
    "proxy-authorization", "proxy-connection",
})  # fmt: skip
"""Headers that say whom is asked or where a request ends (RFC 9110 §7.2, §7.6.1; RFC 9112 §6)."""


def read_address(form: Form, text: str) -> ChannelAddress | Refused:
    """
    What the address *text* says. Refused (INVALID_VALUE) where it is none, or could be read in two ways. Nothing of it
    is in the refusal: it may hold a password.
    """
    if form is Form.WEBHOOK:
        place = place_of(text)
        if place is None or "#" in text:
            return _no("A webhook's address is https://host/path, without a name and password.")
        return ChannelAddress(place.host if place.port in (443, 80) else f"{place.host}:{place.port}", place)
    name, found, rest = text.partition("://")
    scheme = SCHEMES.get(name.lower())
    if not found or scheme is None:
        return _no(f"An address begins with one of {', '.join(SCHEMES)}, and ://.")
    if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        return _no(f"An address has at most {LONGEST_URL} characters of ASCII, without spaces.")
    upto, asked, query = rest.partition("?")
    # Apprise parts options at semicolons too; who parted them at & alone would miss one.
    options = re.split("[&;]", query) if asked else []
    if not all(_may_be_set(scheme, option) for option in options):
        more = ", +header=, :field= and -parameter=" if scheme.more else ""
        return _no(f"Of options, {name.lower()} takes {', '.join(sorted(scheme.options))}{more}.")
    if scheme.at is At.FIXED:
        return ChannelAddress(name.lower(), None, scheme)
    told = _at_host(name.lower(), scheme, upto.partition("/")[0])
    if scheme.at is At.MAIL and any(option.lower().startswith("smtp=") for option in options):
        return told if isinstance(told, Refused) else replace(told, place=None)
    return told


def _at_host(name: str, scheme: Scheme, authority: str) -> ChannelAddress | Refused:
    """The address of a service that is at *authority*."""
    parts = _AUTHORITY.fullmatch(authority)
    named = f"{parts['host']}{parts['port'] or ''}" if parts is not None else ""
    place = place_of(f"{'https' if scheme.tls else 'http'}://{named}")
    if parts is None or place is None:
        return _no(f"An address of {name} is {name}://host/… or {name}://host:port/…, with a plain host name.")
    open_end = scheme.at is At.MAIL and not parts["port"]
    return ChannelAddress(f"{name} {place.host}"[:100] if scheme.shown else name, None if open_end else place, scheme)


def _may_be_set(scheme: Scheme, option: str) -> bool:
    parts = _OPTION.fullmatch(option)
    if parts is None:
        return False
    name = parts["name"].lower()
    if not parts["sort"]:
        return name in scheme.options
    return scheme.more and not (parts["sort"] == "+" and name in _OF_THE_CONNECTION)


def _no(text: str) -> Refused:
    return Refused(Reason.INVALID_VALUE, text, field="address")
