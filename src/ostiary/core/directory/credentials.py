"""
What a password must be, and how wrong ones are counted, so that guessing is slow and nobody can lock somebody else out.

Owns the rules only: text in, sentence out; counter in, counter out. Hashing is outside, keeping is the store's. NIST
SP 800-63B-4 §3.1.1: length instead of composition, NFKC, no name of the person in it, nothing that everybody tries
first.

Wrong tries count for one account from one source, for one source over all accounts, and for one account over all
sources. All of them only ever slow: no number of wrong passwords closes anything for longer than three minutes, and a
browser in which that person has signed in before has a counter of its own (decision 0011).
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from ostiary.core.words.instants import Instant, Span, after, days, doubled, hours, minutes, seconds
from ostiary.core.words.said import said

SHORTEST = 10  # characters; SP 800-63B-4 §3.1.1.2 asks 8 where a second factor always follows, as it does here
LONGEST = 256

# Long enough to pass the length and still among the first that anybody tries.
_OBVIOUS_WORDS = (
    "password passwort motdepasse contraseña qwertyuiop qwertzuiop azertyuiop asdfghjkl letmein iloveyou "
    "welcome changeme administrator trustno ostiary 1234567890 0123456789 9876543210 abcdefghij 1q2w3e4r5t "
    "1qaz2wsx3edc qazwsxedc zaq12wsx secret default sunshine football "
)
_OBVIOUS = frozenset(_OBVIOUS_WORDS.split())
_VARIETY = 5  # different characters at least


def normal_password(text: str) -> str:
    """*text* as it is hashed and compared: NFKC, so that one keyboard's é is another's (SP 800-63B-4 §3.1.1.2)."""
    return unicodedata.normalize("NFKC", text)


def normal_name(text: str) -> str:
    """A user name as it is stored and looked up: NFKC, lower case, no spaces around it."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def flaw(password: str, *, names: Iterable[str] = ()) -> str | None:
    """
    A sentence that says why *password* (normalised) cannot be used, or None. *names* are what the person is called.
    """
    if len(password) < SHORTEST:
        return said(
            "Use at least %(least)s characters. A sentence is easy to remember and hard to guess.", least=SHORTEST
        )
    if len(password) > LONGEST:
        return said("Use at most %(most)s characters.", most=LONGEST)
    plain = password.lower()
    if len(set(plain)) < _VARIETY or _skeleton(plain) in _OBVIOUS or plain in _OBVIOUS:
        return said("That is among the first passwords that anybody would try. Use another.")
    if any(part in plain and len(plain) - len(part) < SHORTEST for part in _parts(names)):
        return said("Use something that does not consist of your name.")
    return None


def _skeleton(plain: str) -> str:
    """*plain* without the digits and signs that people hang on at the end."""
    return plain.rstrip("0123456789!?.,;:-_*#+$%&/()= ")


def _parts(names: Iterable[str]) -> set[str]:
    """Each name, and of an address the part before the @, where long enough to mean something."""
    whole = {name.lower() for name in names}
    return {part for name in whole for part in (name, name.partition("@")[0]) if len(part) > 3}


# ---- counting wrong tries


@dataclass(frozen=True, slots=True)
class Rule:
    """*limit* wrong tries within *window* lock for *lock*."""

    window: Span
    limit: int
    lock: Span


@dataclass(frozen=True, slots=True)
class Growth:
    """
    After *free* wrong tries within *window*, each further one closes for a time that doubles from *first* to
    *longest*.
    """

    window: Span
    free: int
    first: Span
    longest: Span


@dataclass(frozen=True, slots=True)
class Counter:
    """Wrong tries of one subject: since when, how many, and until when no try is looked at."""

    since: Instant
    count: int
    until: Instant = Instant(0)


@dataclass(frozen=True, slots=True)
class Strike:
    """What one more wrong try made of a counter."""

    count: int
    locked_until: Instant | None
    """Set only when this very try locked."""


PASSWORD_PAIR = Growth(hours(24), 4, seconds(5), minutes(3))
"""One account from one source, or from one known browser: no password waits longer than this to be looked at."""
PASSWORD_SOURCE = Growth(hours(1), 40, seconds(1), seconds(20))
"""One source over all accounts; a known browser is free of it."""
PASSWORD_ACCOUNT = Growth(hours(24), 20, seconds(1), seconds(30))
"""One account over all sources; a known browser is free of it."""
FACTOR_PAIR = Growth(hours(24), 4, seconds(5), minutes(15))
"""Wrong second factors of one account from one source, or from one known browser."""
FACTOR_ACCOUNT = Growth(hours(24), 10, seconds(30), hours(1))
"""
Wrong second factors of one account over all sources. Only somebody with the right password comes so far, so this may
close longer: 40 tries a day against 10^6 codes, of which three count. A known browser is free of it.
"""

INVITATION = hours(24)
"""How long a set-password link can be used."""
FIRST_CODE = minutes(15)
FIRST_CODE_TRIES = 5
"""R18."""
KNOWN_BROWSER = days(180)
HALF = minutes(10)
"""How long the second factor may take after the password."""


def struck(counter: Counter | None, now: Instant, rule: Rule) -> Counter:
    """*counter* after one more wrong try. A window that ended, or a lock that was sat out, starts anew."""
    base = _current(counter, now, rule.window)
    count = base.count + 1
    return Counter(base.since, count, after(now, rule.lock) if count >= rule.limit else base.until)


def slowed(counter: Counter | None, now: Instant, growth: Growth) -> Counter:
    """*counter* after one more wrong try, closed for as long as *growth* says."""
    base = counter if counter is not None and now < after(counter.since, growth.window) else Counter(now, 0)
    count = base.count + 1
    return Counter(base.since, count, after(now, pause(count, growth)))


def pause(count: int, growth: Growth) -> Span:
    """How long the *count*-th wrong try closes."""
    beyond = count - growth.free
    return Span(0) if beyond <= 0 else doubled(growth.first, beyond - 1, growth.longest)


def closed(counter: Counter | None, now: Instant) -> Instant | None:
    """Until when no try of this subject is looked at, or None when one is."""
    return counter.until if counter is not None and now < counter.until else None


def _current(counter: Counter | None, now: Instant, window: Span) -> Counter:
    if counter is None or now >= after(counter.since, window) or 0 < counter.until <= now:
        return Counter(now, 0)
    return counter


@lru_cache(maxsize=4096)  # pure, and the same few addresses ask again and again
def source_of(address: str) -> str:
    """Where a try came from: an IPv4 address, or the /64 of an IPv6 one, since one customer has all of it (R10)."""
    try:
        place = ip_address(address)
    except ValueError:
        return "local"
    if isinstance(place, IPv6Address):
        return str(place.ipv4_mapped or ip_network((place, 64), strict=False))
    return str(place)
