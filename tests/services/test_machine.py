"""Any order of deeds, with the clock moved: what must hold of every device sign-in, whatever happens."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from sqlalchemy import select, update

from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.signins.view import Claimed, Handed
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import SignInId
from ostiary.core.words.instants import minutes, seconds, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.signins import decide
from ostiary.services.signins.start import Started
from ostiary.services.tokens.issue import Issued
from ostiary.store import schema
from tests.services.door import Door
from tests.web.oauth.site import ALICE, BOB, OLD

_HANDED = select(schema.signins.c.id, schema.signins.c.state, schema.signins.c.handed)
PEOPLE = st.sampled_from([ALICE, BOB])


class SignIns(RuleBasedStateMachine):
    """One house, two people, as many machines as there are starts."""

    codes = Bundle("codes")
    claims = Bundle("claims")
    families = Bundle("families")
    handed = Bundle("handed")
    windows = Bundle("windows")

    def __init__(self) -> None:
        """Nothing has happened."""
        super().__init__()
        self.folder = TemporaryDirectory()
        self.door = Door(Path(self.folder.name))
        self.bought: set[str] = set()

    def teardown(self) -> None:
        """Let go."""
        self.door.close()
        self.folder.cleanup()

    def last_end(self) -> int:
        """When the last window that is not ended closes; 0 when none is open."""
        now = self.door.clock.now()
        rows = self.door.rows(select(schema.exemptions.c.ends).where(schema.exemptions.c.ended.is_(None)))
        return max((end for (end,) in rows if end > now), default=0)

    def covered(self, issued: Issued) -> None:
        """A token is given only while a window is open, and ends with it."""
        assert to_seconds(self.door.clock.now()) + issued.expires_in <= self.last_end() // seconds(1)

    @rule(target=windows, user=PEOPLE, length=st.integers(5, 240))
    def open(self, user: Any, length: int) -> Exemption:
        """An exemption is opened."""
        return self.door.open(user, length=minutes(length))

    @rule(window=consumes(windows))
    def end(self, window: Exemption) -> None:
        """It is ended."""
        self.door.end(window)

    @rule(user=PEOPLE, enabled=st.booleans())
    def switch(self, user: Any, enabled: bool) -> None:
        """An account is disabled, or enabled again."""
        row = schema.users
        self.door.change(update(row).where(row.c.id == user).values(enabled=int(enabled)), OPENINGS)

    @rule(span=st.sampled_from([1, 30, 61, 200, 1000, 4000]))
    def wait(self, span: int) -> None:
        """Time passes."""
        self.door.clock.move(seconds(span))

    @rule(target=codes)
    def start(self) -> Started | None:
        """A machine asks; it gets a code only while somebody's window is open."""
        answer = self.door.start()
        if isinstance(answer, Refused):
            return None
        assert self.last_end() > self.door.clock.now()
        return answer

    @rule(target=claims, begun=codes, user=PEOPLE)
    def claim(self, begun: Started | None, user: Any) -> tuple[SignInId, Any] | None:
        """Somebody types the code."""
        answer = self.door.claim(begun.user_code if begun else "BBBBBBBB", user)
        return (answer.signin.id, user) if isinstance(answer, Claimed) else None

    @rule(target=handed, claimed=claims)
    def change_account(self, claimed: tuple[SignInId, Any] | None) -> str:
        """Somebody gives a code back for another account."""
        if claimed is None:
            return ""
        answer = self.door.run(decide.change_account(self.door.house, self.door.at_browser(claimed[1]), claimed[0]))
        return answer.value if isinstance(answer, Handed) else ""

    @rule(target=claims, begun=codes, user=PEOPLE, value=handed)
    def claim_again(self, begun: Started | None, user: Any, value: str) -> tuple[SignInId, Any] | None:
        """A code is typed in a browser that gave one back: a claimed row without its value is never taken over."""
        if begun is None:
            return None
        before = {id: (state, kept) for id, state, kept in self.door.rows(_HANDED)}
        answer = self.door.claim(begun.user_code, user, handed=value)
        if isinstance(answer, Refused):
            return None
        state, kept = before[answer.signin.id]
        assert state == "claimed" or kept in (None, digest(value))
        return answer.signin.id, user

    @rule(claimed=claims, how=st.sampled_from([decide.approve, decide.approve, decide.deny, decide.report]))
    def decide(self, claimed: tuple[SignInId, Any] | None, how: Any) -> None:
        """Somebody decides."""
        if claimed is not None:
            self.door.run(how(self.door.house, self.door.at_browser(claimed[1]), claimed[0]))

    @rule(target=families, begun=codes)
    def redeem(self, begun: Started | None) -> str | None:
        """The machine polls; one code buys one token."""
        answer = self.door.poll(begun.device_code if begun else "none")
        if isinstance(answer, Refused) or begun is None:
            assert isinstance(answer, Refused)
            return None
        assert begun.device_code not in self.bought
        self.bought.add(begun.device_code)
        self.covered(answer)
        return answer.refresh_token

    @rule(begun=codes)
    def steal(self, begun: Started | None) -> None:
        """Another client polls with it: never anything, whatever the state."""
        if begun is not None:
            answer = self.door.poll(begun.device_code, client=Shown(OLD))
            assert isinstance(answer, Refused)
            assert answer.reason is Reason.BAD_CODE

    @rule(target=families, token=families)
    def refresh(self, token: str | None) -> str | None:
        """A refresh token is brought, perhaps one that was used."""
        if token is None:
            return None
        answer = self.door.refresh(token)
        if isinstance(answer, Refused):
            return None
        self.covered(answer)
        return answer.refresh_token

    @invariant()
    def the_journal_has_no_gap(self) -> None:
        """Each stream counts 1, 2, 3, … to its head."""
        numbers = [number for (number,) in self.door.rows(select(schema.journal.c.number))]
        ((head,),) = self.door.rows(select(schema.streams.c.head))
        assert sorted(numbers) == list(range(1, head + 1))

    @invariant()
    def every_redeemed_sign_in_has_one_session(self) -> None:
        """And every device session a sign-in that was redeemed."""
        sessions = self.door.rows(select(schema.sessions.c.story).where(schema.sessions.c.kind == "device"))
        redeemed = [id for id, state in self.door.signins() if state == "redeemed"]
        assert len(redeemed) <= len(sessions)
        assert len(sessions) == len(set(sessions)) == len(self.bought)


TestSignIns = SignIns.TestCase
TestSignIns.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
