"""
A machine asks for a code, and people claim, approve, deny and report it.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ostiary.core.signins.view import Approved, Claimed, Closed, Handed
from ostiary.core.words.ids import SignInId, UserId
from ostiary.core.words.instants import after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.signins import decide
from ostiary.services.signins.start import Started
from tests.services.ledger import CODE_LIFE, READY_FOR, Code
from tests.services.machine import RIGHT, WHICH, Base, latest, some
from tests.web.oauth.site import ALICE, BOB

CLAIM_REFUSED = (Reason.BAD_CODE, Reason.BLOCKED, Reason.REPORTED)
"""What is wrong with the code or the person; everything else says to wait (R10)."""
MOST_CHANGES = 2


class Decisions(Base):
    """From the request to the decision."""

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
