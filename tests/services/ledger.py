"""
What must be true of device sign-ins, kept by the tests in the rules' own words: windows, codes and families, each with
what happened to it. Knows no store and no deed; whoever plays a deed writes down here what came of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, Span, after, minutes, seconds

CODE_LIFE, READY_FOR, IDLE, FORGIVEN = minutes(5), minutes(5), minutes(30), seconds(60)
SHUNNED = minutes(60)
LEAST = seconds(60)
"""R8: nothing is minted with less left."""


@dataclass
class Window:
    """One exemption."""

    id: str
    user: UserId
    ends: Instant
    admits: bool
    """Whether it admits the one client and requester that the machine plays."""
    ended: Instant | None = None
    """When a person ended it (or an account's end did)."""

    def open(self, now: Instant) -> bool:
        """Whether a sign-in may stand on it."""
        return self.admits and self.ended is None and now < self.ends

    def ran_out(self, now: Instant) -> bool:
        """Whether its time was up, and nobody ended it."""
        return self.ended is None and now >= self.ends


@dataclass
class Code:
    """One device authorization request."""

    id: str
    device_code: str
    user_code: str
    ends: Instant
    holder: UserId | None = None
    """Who claimed it last."""
    handed: str = ""
    """What the browser got when that person gave it back for another account; empty while it is held (R11)."""
    changes: int = 0
    approved: Instant | None = None
    over: str = ""
    """Why nothing can come of it any more: denied, reported, second person, refused."""
    redeemed: Instant | None = None
    told: str = ""
    """What its story says of a person's no: denied or reported."""
    wrong: bool = False
    """Somebody's try was refused: the story's last word may be that."""

    def waits(self, now: Instant) -> bool:
        """Whether something can still come of it."""
        return not self.over and self.redeemed is None and now < self.ends


@dataclass
class Family:
    """One session, and the refresh tokens that it had."""

    id: str
    code: Code
    user: UserId
    windows: list[Window]
    """The one that it stands on is the last; it began with the first."""
    renewed: Instant
    head: str
    left: dict[str, Instant] = field(default_factory=dict)
    """Refresh tokens that were head, and until when."""
    tokens: list[tuple[str, Instant]] = field(default_factory=list)
    """Access tokens and their ends."""
    over: bool = False
    told: bool = False
    """Whether the story tells of an end before its time: reported, replayed, or a refresh token used twice."""
    refreshes: int = 0

    def close(self) -> None:
        """It is ended by what its own story tells."""
        self.over = self.told = True

    def alive(self, now: Instant) -> bool:
        """Whether it gives anything: nobody ended it, it was used lately, and its window is open."""
        return not self.over and now < self.renewed + IDLE and self.windows[-1].open(now)


class Ledger:
    """All of them, and the accounts."""

    def __init__(self, people: Iterable[UserId]) -> None:
        """Nothing has happened."""
        self.enabled = dict.fromkeys(people, True)
        self.windows: list[Window] = []
        self.codes: list[Code] = []
        self.families: list[Family] = []
        self.shunned: dict[UserId, Instant] = {}
        """Until when a person's report keeps this requester from them (R11)."""

    @property
    def refreshed(self) -> list[Family]:
        """Those that have refresh tokens that were head."""
        return [family for family in self.families if family.left]

    def windows_of(self, user: UserId, now: Instant) -> list[Window]:
        """What *user* may sign in on."""
        return [w for w in self.windows if w.user == user and w.open(now)] if self.enabled[user] else []

    def somebody(self, now: Instant) -> bool:
        """R1: whether there is anybody for whom a code could come to something."""
        return any(self.windows_of(user, now) for user in self.enabled)

    def longest(self, user: UserId, now: Instant) -> Span:
        """How long *user*'s longest window still stands."""
        return Span(max((w.ends - now for w in self.windows_of(user, now)), default=0))

    def disable(self, user: UserId, now: Instant) -> None:
        """Everything of theirs ends, for good; what they approved cannot be redeemed any more."""
        self.enabled[user] = False
        for window in self.windows:
            if window.user == user and window.ended is None and now < window.ends:
                window.ended = now
        for family in self.families:
            if family.user == user:
                family.over = True
        for code in self.codes:
            if code.holder == user and code.approved is not None and code.redeemed is None:
                code.over = code.over or "disabled"

    def may_claim(self, code: Code, user: UserId, value: str, now: Instant) -> bool:
        """
        R11: it waits and is nobody's, or theirs, or was given back in this browser; they may sign in, and they did not
        report its requester.
        """
        if not code.waits(now) or code.approved is not None:
            return False
        if code.holder == user and not code.handed:
            return True  # shown again
        free = code.holder is None or bool(code.handed and code.handed == value)
        return free and bool(self.windows_of(user, now)) and now >= self.shunned.get(user, Instant(0))

    def second(self, code: Code, user: UserId, value: str, now: Instant) -> bool:
        """R11: whether *user*'s try is a second person's, which ends the sign-in."""
        given_back = bool(code.handed and code.handed == value)
        return code.waits(now) and code.holder not in (None, user) and not given_back

    def may_decide(self, code: Code, user: UserId, now: Instant) -> bool:
        """R5: it is theirs, waits, and was not decided."""
        return code.waits(now) and code.holder == user and not code.handed and code.approved is None

    def reported(self, code: Code, now: Instant) -> None:
        """R11: it ends with what it gave, and with what else of the requester is in that person's hands."""
        assert code.holder is not None
        self.shunned[code.holder] = after(now, SHUNNED)
        for family in self.families:
            if family.code is code:
                family.close()
        code.told = "reported"
        for each in self.codes:
            if (
                each.holder == code.holder
                and each.over in ("", "disabled")
                and each.redeemed is None
                and now < each.ends
            ):
                each.over = each.told = "reported"

    def may_redeem(self, code: Code, now: Instant) -> bool:
        """R5, R8: the person said yes and a window of theirs is open at this moment."""
        user = code.holder
        return user is not None and code.waits(now) and code.approved is not None and bool(self.windows_of(user, now))

    def may_take_over(self, family: Family, now: Instant) -> bool:
        """R8: its window ran out by itself, or cannot carry a token any more, and the same person has another."""
        window = family.windows[-1]
        spent = window.ended is None and window.ends - now < LEAST
        return spent and any(w is not window for w in self.windows_of(family.user, now))

    def window(self, id: str) -> Window:
        """The one with that id."""
        return next(window for window in self.windows if window.id == id)
