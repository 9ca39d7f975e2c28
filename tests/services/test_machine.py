"""
Any order of deeds, with the clock moved: what must hold of every device sign-in, whatever happens.

What the house answers is compared with a ledger that the tests keep by the rules alone, in both directions: nothing is
given that the ledger does not allow, and what it allows is given.
"""

import base64
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from ostiary.core.directory.people import Role
from ostiary.core.exemptions.exemption import limits_from
from ostiary.core.exemptions.opening import Opening
from ostiary.core.logs.story import Outcome, Story, tell
from ostiary.core.signins.view import Approved, Claimed, Closed, Handed
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import ExemptionId, SignInId, UserId
from ostiary.core.words.instants import Instant, Span, after, from_seconds, minutes, seconds, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.people import Change, change_user
from ostiary.services.exemptions.end import end_exemption
from ostiary.services.exemptions.open import open_exemption
from ostiary.services.logs.stories import catch_up
from ostiary.services.signins import decide
from ostiary.services.signins.start import Started
from ostiary.services.tokens.issue import Issued
from ostiary.store import Tx, schema, stories
from tests.services.door import PERSON, REQUESTER, Door
from tests.services.ledger import CODE_LIFE, FORGIVEN, LEAST, READY_FOR, Code, Family, Ledger, Window
from tests.web.oauth.site import ALICE, BOB, CLI, DOMAIN, OLD

T = TypeVar("T")

PEOPLE = st.sampled_from([ALICE, BOB])
NAMES = {ALICE: f"alice@{DOMAIN}", BOB: f"bob@{DOMAIN}"}
CLAIM_REFUSED = (Reason.BAD_CODE, Reason.BLOCKED, Reason.REPORTED)
"""What is wrong with the code or the person; everything else says to wait (R10)."""
MOST_CHANGES = 2
ALMOST = ["denied", "reported", "ended", "ran out", "disabled", "narrow", "second person"]
GONE = ["ended", "ran out", "last minute", "disabled"]
LENGTHS = st.sampled_from([5, 6, 20, 45, 120])
"""Minutes: shorter than a token, than an idle end, than neither."""
ELSEWHERE = {"network": "192.0.2.0/24"}
LIMITS = st.sampled_from([{}, {}, {"applicationId": CLI}, ELSEWHERE, {"network": "203.0.113.0/24"}])
WHICH = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3])
"""Of a list, counted from the latest: what has just begun is gone on with more often than not."""
RIGHT = st.sampled_from([True, True, True, False])
"""Whether the person is the one whose it is."""


def some(kind: str) -> Any:
    """A precondition: there is one of the ledger's *kind*."""
    return precondition(lambda machine: getattr(machine.ledger, kind))


class SignIns(RuleBasedStateMachine):
    """One house, two people, as many machines as there are starts."""

    def __init__(self) -> None:
        """Nothing has happened."""
        super().__init__()
        self.folder = TemporaryDirectory()
        self.door = Door(Path(self.folder.name))
        self.ledger = Ledger([ALICE, BOB])

    def teardown(self) -> None:
        """The stories tell what happened; then let go."""
        try:
            self.run_stories()
            for family in self.ledger.families:
                self.look(family)
        finally:
            self.door.close()
            self.folder.cleanup()

    def now(self) -> Instant:
        """The present, a moment later each time: no two things happen at once."""
        self.door.clock.move(Span(1000))
        return self.door.clock.now()

    def administrator(self) -> Visit:
        """Somebody else, who administers, and has just proved it in a browser (R3)."""
        caller = Caller(
            CallerKind.USER, "root", "root", Origin.BROWSER, roles=frozenset({Role.ADMINISTRATOR}),
            amr=("pwd", "otp", "mfa"), authenticated_at=self.door.clock.now(),
        )  # fmt: skip
        return self.door.visit(caller)

    # ---- administrators

    @rule(user=PEOPLE, length=LENGTHS, limits=LIMITS)
    def open(self, user: UserId, length: int, limits: dict[str, str]) -> None:
        """An exemption is opened, wide or narrow."""
        now, inside = self.now(), limits_from(limits)
        wish = Opening(NAMES[user], minutes(length), "to get work done", inside)
        shown = self.door.run(open_exemption(self.door.house, self.door.local(), wish))
        assert isinstance(shown, Refused) is not self.ledger.enabled[user]
        if isinstance(shown, Refused):
            return
        made = Window(shown.exemption.id, user, after(now, minutes(length)), inside.admit(CLI, REQUESTER))
        assert shown.exemption.ends == made.ends
        self.ledger.windows.append(made)

    @some("windows")
    @rule(which=WHICH)
    def end(self, which: int) -> None:
        """It is ended by a person, if it has not ended."""
        now, window = self.now(), latest(self.ledger.windows, which)
        ended = self.door.run(
            end_exemption(self.door.house, self.door.local(), ExemptionId(window.id), "enough of that")
        )
        if isinstance(ended, Refused):
            assert window.ended is not None or now >= window.ends
        elif window.ended is None and now < window.ends:
            window.ended = now

    @rule(user=PEOPLE, enabled=st.booleans())
    def switch(self, user: UserId, enabled: bool) -> None:
        """An account is disabled, or enabled again."""
        now = self.now()
        change = Change(enabled=enabled, reason="for a test")
        assert not isinstance(self.door.run(change_user(self.door.house, self.administrator(), user, change)), Refused)
        if enabled:
            self.ledger.enabled[user] = True
        elif self.ledger.enabled[user]:
            self.ledger.disable(user, now)

    @rule(span=st.sampled_from([1, 30, 61, 200, 301, 1000, 1801, 4000]))
    def wait(self, span: int) -> None:
        """Time passes."""
        self.door.clock.move(seconds(span))

    @initialize(user=PEOPLE, length=LENGTHS, narrow=st.booleans(), begun=st.booleans())
    def begin(self, user: UserId, length: int, narrow: bool, begun: bool) -> None:
        """
        Half of the stories begin with a sign-in, so that what comes after it is told often enough, and in half the
        other person has a window that admits only other requesters.
        """
        if narrow:
            self.open(BOB if user == ALICE else ALICE, 120, ELSEWHERE)
        if begun:
            self.sign_in(user, length)

    @rule(user=PEOPLE, length=LENGTHS)
    def sign_in(self, user: UserId, length: int) -> None:
        """All of it at once, as it mostly happens."""
        self.open(user, length, {})
        self.start()
        if self.ledger.codes and self.ledger.codes[-1].holder is None:
            self.claim(0, True)
            self.approve(0, True, 1)
            self.redeem(0)

    # ---- plots: what single steps seldom come to

    @some("families")
    @rule(which=WHICH, how=st.sampled_from(GONE))
    def another_window(self, which: int, how: str) -> None:
        """While another window of the same person is open, the one behind a family goes: only time hands it over."""
        family = latest(self.ledger.families, which)
        window = family.windows[-1]
        self.open(family.user, 120, {})
        if how == "ended":
            self.end(position(self.ledger.windows, window))
        elif how in ("ran out", "last minute"):
            left = window.ends - self.now() - (seconds(30) if how == "last minute" else 0)
            self.door.clock.move(Span(max(0, left)))
        elif how == "disabled":
            self.switch(family.user, False)
            self.switch(family.user, True)
            self.open(family.user, 120, {})
        self.look(family)
        self.refresh(position(self.ledger.families, family))

    @rule(user=PEOPLE, decided=st.sampled_from(ALMOST))
    def almost(self, user: UserId, decided: str) -> None:
        """A sign-in that comes to nothing at the last moment."""
        self.open(user, 5 if decided == "ran out" else 20, {})
        if decided == "narrow":
            self.open(BOB if user == ALICE else ALICE, 120, ELSEWHERE)
        self.start()
        if not self.ledger.codes or decided == "narrow":
            if self.ledger.codes:
                self.claim(0, False)
            return
        self.claim(0, True)
        if decided == "denied":
            self.deny(0, True)
        if decided == "reported":
            self.report(0, True)
        self.approve(0, True, 1)
        if decided == "second person":
            self.claim(0, False)
        if decided == "disabled":
            self.switch(user, False)
            self.switch(user, True)
            self.open(user, 20, {})
        if decided == "ended" and self.ledger.windows:
            self.end(0)
        if decided == "ran out" and self.ledger.windows:
            self.door.clock.move(Span(max(0, self.ledger.windows[-1].ends - self.door.clock.now())))
        self.redeem(0)

    # ---- a machine asks, a person decides

    @rule()
    def start(self) -> None:
        """A machine asks; it gets a code exactly while somebody could approve it (R1)."""
        now, before = self.now(), {id for id, _ in self.door.signins()}
        answer = self.door.start()
        assert isinstance(answer, Started) is self.ledger.somebody(now), answer
        born = [id for id, _ in self.door.signins() if id not in before]
        if isinstance(answer, Refused):
            assert born == []
            return
        (id,) = born
        self.ledger.codes.append(Code(id, answer.device_code, answer.user_code, after(now, CODE_LIFE)))

    def person(self, code: Code, right: bool) -> UserId:
        """Whose *code* is, or whoever could take it; or the other one."""
        able = [user for user in (ALICE, BOB) if self.ledger.windows_of(user, self.door.clock.now())]
        user = code.holder or (able[0] if able else ALICE)
        return user if right else BOB if user == ALICE else ALICE

    @some("codes")
    @rule(which=WHICH, right=RIGHT, browser=st.sampled_from(["that gave it back", "another"]))
    def claim(self, which: int, right: bool, browser: str = "another") -> None:
        """Somebody types the code."""
        code = latest(self.ledger.codes, which)
        user, value = self.person(code, right), code.handed if browser == "that gave it back" else ""
        now = self.now()
        may, second = (judge(code, user, value, now) for judge in (self.ledger.may_claim, self.ledger.second))
        answer = self.door.claim(code.user_code, user, handed=value)
        held_up = isinstance(answer, Refused) and answer.reason not in CLAIM_REFUSED
        assert isinstance(answer, Claimed) is may or held_up, answer
        if isinstance(answer, Claimed):
            code.holder, code.handed = user, ""
        elif not held_up:
            code.wrong = True
            code.over = "second person" if second else code.over

    @some("codes")
    @rule(which=WHICH, right=RIGHT)
    def give_back(self, which: int, right: bool) -> None:
        """The person wants to use another account: twice, before deciding."""
        code = latest(self.ledger.codes, which)
        user = self.person(code, right)
        may = self.ledger.may_decide(code, user, self.now()) and code.changes < MOST_CHANGES
        answer = self.decided(decide.change_account, code, user)
        assert isinstance(answer, Handed) is may, answer
        if isinstance(answer, Handed):
            code.handed, code.changes = answer.value, code.changes + 1

    @some("codes")
    @rule(which=WHICH, right=RIGHT, times=st.integers(1, 2))
    def approve(self, which: int, right: bool, times: int) -> None:
        """Somebody presses the button, perhaps twice."""
        code = latest(self.ledger.codes, which)
        user = self.person(code, right)
        for _ in range(times):
            now = self.now()
            may = self.ledger.may_decide(code, user, now) and bool(self.ledger.windows_of(user, now))
            answer = self.decided(decide.approve, code, user)
            assert isinstance(answer, Approved) is may, answer
            code.wrong = code.wrong or (isinstance(answer, Refused) and answer.reason is Reason.BLOCKED)
            if may:
                code.approved, code.ends = now, after(now, READY_FOR)

    @some("codes")
    @rule(which=WHICH, right=RIGHT)
    def deny(self, which: int, right: bool) -> None:
        """No."""
        code = latest(self.ledger.codes, which)
        user = self.person(code, right)
        may = self.ledger.may_decide(code, user, self.now())
        assert isinstance(self.decided(decide.deny, code, user), Closed) is may
        if may:
            code.over = code.told = "denied"

    @some("codes")
    @rule(which=WHICH, right=RIGHT)
    def report(self, which: int, right: bool) -> None:
        """*I did not start this*: also afterwards, and then what it gave ends."""
        code = latest(self.ledger.codes, which)
        user = self.person(code, right)
        now = self.now()
        may = code.holder == user and code.over not in ("denied", "reported", "second person", "refused")
        assert isinstance(self.decided(decide.report, code, user), Closed) is may
        if may:
            self.ledger.reported(code, now)

    def decided(self, how: Any, code: Code, user: UserId) -> Any:
        """The answer to a decision on the page."""
        return self.door.run(how(self.door.house, self.door.at_browser(user), SignInId(code.id)))

    # ---- what it gives

    @some("codes")
    @rule(which=WHICH)
    def redeem(self, which: int) -> None:
        """The machine polls; one code buys one token, for whoever approved, while their window is open."""
        code = latest(self.ledger.codes, which)
        now, may = self.now(), self.ledger.may_redeem(code, self.door.clock.now())
        answer = self.door.poll(code.device_code)
        if isinstance(answer, Refused):
            assert not may or self.ledger.longest(code.holder or ALICE, now) <= LEAST, answer
            self.refused(code, now)
            return
        assert may, "a token that nobody may have"
        assert code.holder is not None
        code.redeemed = now
        id = session_of(answer)
        family = Family(id, code, code.holder, [self.stands_on(id)], now, answer.refresh_token or "")
        self.ledger.families.append(family)
        self.given(family, answer, now)

    def refused(self, code: Code, now: Instant) -> None:
        """What a refused poll changes: policy's last word ends the sign-in, a late replay what it gave (R14)."""
        if code.redeemed is not None and now - code.redeemed >= FORGIVEN:
            for family in self.ledger.families:
                if family.code is code:
                    family.close()
        if code.approved is not None and code.redeemed is None and code.over in ("", "disabled") and now < code.ends:
            code.over = "refused"

    @some("codes")
    @rule(which=WHICH)
    def steal(self, which: int) -> None:
        """Another client polls with it: never anything, whatever the state, and nothing changes."""
        code = latest(self.ledger.codes, which)
        self.now()
        before = self.door.signins()
        answer = self.door.poll(code.device_code, client=Shown(OLD))
        assert isinstance(answer, Refused)
        assert answer.reason is Reason.BAD_CODE
        assert self.door.signins() == before

    @some("families")
    @rule(which=WHICH)
    def refresh(self, which: int) -> None:
        """The head is brought: it gives exactly while the family lives, or another window takes over (R8)."""
        family = latest(self.ledger.families, which)
        now = self.now()
        fits = family.alive(now) or (self.ledger.may_take_over(family, now) and not family.over)
        may = fits and now < family.renewed + minutes(30)
        answer = self.door.refresh(family.head)
        if isinstance(answer, Refused):
            assert not may or self.ledger.longest(family.user, now) <= LEAST, answer
            return
        assert may, "a family that is over goes on"
        window = self.stands_on(family.id)
        if window is not family.windows[-1]:
            assert self.ledger.may_take_over(family, now)
            family.windows.append(window)
        family.left[family.head] = now
        family.head, family.renewed = answer.refresh_token or "", now
        family.refreshes += 1
        self.given(family, answer, now)

    @some("refreshed")
    @rule(which=WHICH, back=WHICH)
    def bring_old(self, which: int, back: int) -> None:
        """One that was head: within a minute the head again, later the end of the family (R6)."""
        now, family = self.now(), latest(self.ledger.refreshed, which)
        token = latest(sorted(family.left, key=lambda old: family.left[old]), back)
        fresh, alive = now - family.left[token] < FORGIVEN, family.alive(now)
        answer = self.door.refresh(token)
        if isinstance(answer, Issued):
            assert fresh, "an old refresh token"
            assert alive or self.ledger.may_take_over(family, now), "a family that is over goes on"
            assert answer.refresh_token == family.head, "two heads"
            if self.stands_on(family.id) is not family.windows[-1]:
                family.windows.append(self.stands_on(family.id))
            self.given(family, answer, now)
            return
        assert answer.reason is Reason.TOKEN_REUSED or fresh or not alive, answer
        if answer.reason is Reason.TOKEN_REUSED:
            family.close()

    @some("families")
    @rule(which=WHICH)
    def take_along(self, which: int) -> None:
        """Another client brings the head: nothing, and nothing changes."""
        family = latest(self.ledger.families, which)
        self.now()
        answer = self.door.refresh(family.head, client=Shown(OLD))
        assert isinstance(answer, Refused)
        assert answer.reason is Reason.BAD_TOKEN, "the same as for one that never was"

    @some("families")
    @rule(which=WHICH)
    def use(self, which: int) -> None:
        """Its tokens are brought to a resource, which asks."""
        self.look(latest(self.ledger.families, which))

    def look(self, family: Family) -> None:
        """Every token that the family ever had is worth something exactly as long as it may be."""
        now = self.now()
        for token, ends in family.tokens[-4:]:
            worth = self.door.introspect(token).json()["active"]
            assert worth is (family.alive(now) and now < ends), (family, now, ends)

    def given(self, family: Family, answer: Issued, now: Instant) -> None:
        """Tokens end with the window behind them, and are worth something now."""
        window = family.windows[-1]
        assert window.user == family.user
        assert window.open(now)
        ends = after(from_seconds(to_seconds(now)), seconds(answer.expires_in))
        assert seconds(answer.expires_in) >= LEAST
        assert ends <= window.ends, "a token outlives its exemption"
        assert answer.session_expires_in * 1_000_000 <= window.ends - now + seconds(1)
        family.tokens.append((answer.access_token, ends))
        self.look(family)

    def stands_on(self, session: str) -> Window:
        """The window that the store names for *session*."""
        table = schema.sessions
        ((exemption,),) = self.door.rows(select(table.c.exemption).where(table.c.id == session))
        return self.ledger.window(exemption)

    # ---- what is written down

    @rule()
    def run_stories(self) -> None:
        """The sign-in log tells of each code what happened to it."""
        now = self.now()
        self.door.run(catch_up(self.door.house, self.door.visit()))
        for code in self.ledger.codes:
            told = tell(self.story(code), now)
            assert told.requester_address == REQUESTER
            if code.redeemed is not None:
                family = next(family for family in self.ledger.families if family.code is code)
                assert (told.outcome, told.user) == (Outcome.SUCCESS, code.holder)
                assert (told.exemption, told.session) == (family.windows[0].id, family.id)
                assert (told.refreshes >= family.refreshes, told.approver_address) == (True, PERSON)
                assert bool(told.ended) is family.told
            elif code.told:
                assert (told.outcome, told.reason) == (Outcome.FAILURE, code.told)
            elif code.waits(now) and not code.wrong:
                assert told.outcome is Outcome.PENDING
            elif code.over != "disabled" or now >= code.ends:  # nobody told the story of that until the next poll
                assert told.outcome is Outcome.FAILURE or code.waits(now)

    def story(self, code: Code) -> Story:
        """What the reader has folded of it."""

        async def body(tx: Tx) -> Story | None:
            kept = await stories.load(tx, code.id)
            return None if kept is None else kept.story

        found = self.door.run(self.door.house.store.read(body))
        assert found is not None
        return found

    @invariant()
    def the_journal_has_no_gap(self) -> None:
        """Each stream counts 1, 2, 3, … to its head."""
        numbers = [number for (number,) in self.door.rows(select(schema.journal.c.number))]
        ((head,),) = self.door.rows(select(schema.streams.c.head))
        assert sorted(numbers) == list(range(1, head + 1))

    @invariant()
    def one_code_has_one_session(self) -> None:
        """Every device session is of a code that was redeemed, and no code has two."""
        found = self.door.rows(select(schema.sessions.c.story).where(schema.sessions.c.kind == "device"))
        assert sorted(story for (story,) in found) == sorted(c.id for c in self.ledger.codes if c.redeemed is not None)


def latest(items: list[T], which: int) -> T:
    """The last of *items*, or one of those before it."""
    return items[-1 - which % len(items)]


def position(items: list[T], item: T) -> int:
    """How `latest` finds *item*."""
    return len(items) - 1 - next(at for at, each in enumerate(items) if each is item)


def session_of(answer: Issued) -> str:
    """The session that an access token names."""
    payload = answer.access_token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["sid"])


TestSignIns = SignIns.TestCase
TestSignIns.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
