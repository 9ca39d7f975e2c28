"""
Sign-ins that wait for exemptions, in any order of asking, deciding, leaving, reporting, polling and the clock (R5).

What must hold is read from the rows after every step: nothing is ready or redeemed without a request that was granted,
in time for a consent; nothing waits for a request that never will be; and a poll gives tokens exactly when it is ready
and an exemption is open.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from ostiary.core.exemptions.request import Phase
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.signins.view import Approved, Asked, Claimed, Closed
from ostiary.core.words.ids import ExemptionId, SignInId
from ostiary.core.words.instants import Instant, Span, between, hours, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.exemptions.decide import withdraw_request
from ostiary.services.exemptions.eligible import take_eligibility
from ostiary.services.exemptions.end import end_exemption
from ostiary.services.signins import decide
from ostiary.services.signins.start import Started
from ostiary.services.tokens.issue import Issued
from ostiary.store import Tx, exemptions, schema, signins
from tests.services.asking import KEY, ROOT, Asking
from tests.web.oauth.site import ALICE

WHICH = st.sampled_from([0, 0, 0, 1, 2])
MOVES = st.sampled_from([1, 4, 6, 16, 31, 120, 481])
WINDOW, LONGEST, READY_FOR = minutes(30), hours(8), minutes(5)
REFUSED = (Phase.DENIED, Phase.WITHDRAWN, Phase.KILLED)


@dataclass
class One:
    """A sign-in, as far as the machine's own steps tell."""

    id: SignInId
    begun: Started
    bound: bool
    request: ExemptionId | None = None
    consented: Instant | None = None
    redeemed: bool = False


class Waiting(RuleBasedStateMachine):
    """One house, Alice who asks, Dana who decides."""

    def __init__(self) -> None:
        """Nothing has happened."""
        super().__init__()
        self.folder = TemporaryDirectory()
        self.door = Asking(Path(self.folder.name))
        self.door.settle()
        self.door.limit(codes_per_source=1000, prompts_per_person=1000, denials_per_person=1000)
        self.eligible = True
        self.all: list[One] = []

    def teardown(self) -> None:
        """Let go."""
        self.door.close()
        self.folder.cleanup()

    # ---- hands

    def now(self) -> Instant:
        """The present, a moment later each time."""
        self.door.clock.move(Span(1000))
        return self.door.clock.now()

    def row(self, one: One) -> SignIn:
        """The sign-in as it is stored."""

        async def body(tx: Tx) -> Any:
            return await signins.by_id(tx, one.id)

        found: tuple[SignIn, bytes] = self.door.run(self.door.house.store.read(body))
        return found[0]

    def latest(self, which: int) -> One:
        """The last of all, or one of those before it."""
        return self.all[-1 - which % len(self.all)]

    def open(self) -> bool:
        """Whether an exemption of Alice is open."""
        now = self.door.clock.now()

        async def body(tx: Tx) -> bool:
            return any(each.takes(now) for each in await exemptions.standing(tx, ALICE, now))

        return self.door.run(self.door.house.store.read(body))

    # ---- steps

    @rule(bound=st.sampled_from([True, True, False]))
    def ask(self, bound: bool) -> None:
        """A machine asks, Alice types the code, consents and asks; or signs in where an exemption is open."""
        now, before = self.now(), {id for id, _ in self.door.signins()}
        begun = self.door.start(asks="fix INC-4412", dpop_jkt=(KEY.jkt or "") if bound else "")
        assert isinstance(begun, Started) is (self.eligible or self.open()), begun
        if not isinstance(begun, Started):
            return
        (id,) = (id for id, _ in self.door.signins() if id not in before)
        one = One(SignInId(id), begun, bound)
        self.all.append(one)
        claimed = self.door.claim(begun.user_code)
        if isinstance(claimed, Refused):
            assert claimed.reason in (Reason.REPORTED, Reason.TOO_MANY_PROMPTS), claimed
            return
        assert isinstance(claimed, Claimed)
        answer, was_open = self.door.ask(one.id), self.open()
        assert isinstance(answer, Approved) is was_open, answer
        if isinstance(answer, Asked):
            one.request, one.consented = answer.request.id, now

    def decided(self, which: int, *, yes: bool) -> None:
        """Dana's word, and what becomes of the sign-in in the same transaction."""
        one = self.latest(which)
        if one.request is None:
            return
        now, before = self.now(), self.row(one)
        waits = before.standing(now) is State.AWAITING_EXEMPTION
        answer = self.door.decide(one.request, yes=yes)
        if isinstance(answer, Refused):
            return
        state = self.row(one).state
        if waits and yes and one.consented is not None:
            late = between(one.consented, now) >= WINDOW
            assert state is (State.AWAITING_EXEMPTION if late else State.READY)
        elif waits:
            assert state is State.DENIED

    @precondition(lambda self: self.all)
    @rule(which=WHICH)
    def approve(self, which: int) -> None:
        """Yes."""
        self.decided(which, yes=True)

    @precondition(lambda self: self.all)
    @rule(which=WHICH)
    def deny(self, which: int) -> None:
        """No."""
        self.decided(which, yes=False)

    @rule(passed=st.sampled_from([1, 29, 31]))
    def ask_and_approve(self, passed: int) -> None:
        """What single steps seldom come to: asked, and approved in time or too late."""
        self.ask(True)
        self.door.clock.move(minutes(passed))
        if self.all:
            self.decided(0, yes=True)

    @precondition(lambda self: self.all)
    @rule(which=WHICH, how=st.sampled_from(["withdraw", "report", "deny", "again", "end"]))
    def at_the_page(self, which: int, how: str) -> None:
        """Alice takes it back, says that she did not start it, consents again, or gives the exemption back."""
        one, now = self.latest(which), self.now()
        visit, house = self.door.at_browser(), self.door.house
        waits = self.row(one).standing(now) is State.AWAITING_EXEMPTION
        if how == "again":
            may = waits and self.open()
            assert isinstance(self.door.run(decide.approve(house, visit, one.id)), Approved) is may
        elif how == "deny":
            answer = self.door.run(decide.deny(house, visit, one.id))
            assert isinstance(answer, Closed) or not waits
        elif how == "report":
            self.door.run(decide.report(house, visit, one.id))
        elif one.request is not None:
            self.door.run((withdraw_request if how == "withdraw" else end_exemption)(house, visit, one.request))

    @rule(back=st.booleans())
    def leave(self, back: bool) -> None:
        """Alice is not eligible any more, or is again."""
        self.now()
        if self.eligible:
            taken = take_eligibility(self.door.house, self.door.by(ROOT), principal=ALICE, reason="moved on")
            assert not isinstance(self.door.run(taken), Refused)
            self.eligible = False
        elif back:
            self.door.make_eligible(ALICE)
            self.eligible = True

    @precondition(lambda self: self.all)
    @rule(which=WHICH)
    def poll(self, which: int) -> None:
        """The machine asks: tokens exactly when it is ready and an exemption is open."""
        one, now = self.latest(which), self.now()
        before, was_open = self.row(one), self.open()
        answer = self.door.bound_poll(one.begun) if one.bound else self.door.poll(one.begun.device_code)
        ready = before.standing(now) is State.READY
        if before.state is State.REDEEMED:  # R14: told again to the same key, or an alarm
            assert one.redeemed
            return
        assert isinstance(answer, Issued) is (ready and was_open), (answer, before)
        one.redeemed = one.redeemed or isinstance(answer, Issued)
        if isinstance(answer, Refused) and before.standing(now) is State.AWAITING_EXEMPTION:
            assert answer.reason in (Reason.EXEMPTION_AWAITED, Reason.EXEMPTION_REFUSED)

    @rule(length=MOVES)
    def pass_time(self, length: int) -> None:
        """The clock moves."""
        self.door.clock.move(minutes(length))

    # ---- what holds after every step

    @invariant()
    def nothing_is_given_without_a_grant_and_nothing_waits_in_vain(self) -> None:
        """R5, row by row."""
        now = self.door.clock.now()
        table = schema.exemption_requests
        phases = {id: Phase(phase) for id, phase in self.door.rows(select(table.c.id, table.c.phase))}
        for one in self.all:
            row = self.row(one)
            if row.asked is None or row.exemption is None:
                continue
            phase = phases.get(row.exemption)
            if row.state in (State.READY, State.REDEEMED):
                assert phase in (Phase.APPROVED, None)  # None: the second consent stands on another exemption
                assert row.decided is not None
            if phase in REFUSED:
                assert row.standing(now) not in (State.AWAITING_EXEMPTION, State.AWAITING_NUMBER, State.READY)
            if row.standing(now) is State.AWAITING_EXEMPTION:
                longest = LONGEST if one.bound else minutes(5)
                assert between(row.created, row.ends) <= longest
            if row.state is State.READY:
                assert row.ends - now <= READY_FOR


TestWaiting = Waiting.TestCase
TestWaiting.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
