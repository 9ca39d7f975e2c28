"""
Any order of deeds, with the clock moved: what must hold of every device sign-in, whatever happens.

What the house answers is compared with a ledger that the tests keep by the rules alone, in both directions: nothing is
given that the ledger does not allow, and what it allows is given.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import select

from ostiary.core.logs.story import Story
from ostiary.core.logs.telling import Outcome, tell
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Span, seconds
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, schema, stories
from tests.services.door import PERSON, REQUESTER
from tests.services.ledger import Code
from tests.services.machine import ELSEWHERE, LENGTHS, PEOPLE, WHICH, latest, position, some
from tests.services.machine_accounts import Accounts
from tests.services.machine_decisions import Decisions
from tests.services.machine_tokens import Tokens
from tests.web.oauth.site import ALICE, BOB

ALMOST = ["denied", "reported", "ended", "ran out", "disabled", "narrow", "second person"]
GONE = ["ended", "ran out", "last minute", "disabled"]


class SignIns(Accounts, Decisions, Tokens):
    """All of it together, plots, and what must hold after each step."""

    def teardown(self) -> None:
        """The stories tell what happened; then let go."""
        try:
            self.run_stories()
            for family in self.ledger.families:
                self.look(family)
        finally:
            self.door.close()
            self.folder.cleanup()

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


TestSignIns = SignIns.TestCase
TestSignIns.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
