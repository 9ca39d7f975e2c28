"""
What administrators and time do: windows open and end, accounts are switched off and on.
"""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ostiary.core.exemptions.exemption import Use, limits_from
from ostiary.core.exemptions.opening import Opening
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.instants import after, minutes, seconds
from ostiary.core.words.outcome import Refused
from ostiary.services.directory.people import Change, change_user
from ostiary.services.exemptions.end import end_exemption
from ostiary.services.exemptions.open import open_exemption
from tests.services.door import REQUESTER
from tests.services.ledger import Window
from tests.services.machine import ELSEWHERE, LENGTHS, PEOPLE, WHICH, Base, latest, some
from tests.web.oauth.site import ALICE, BOB, CLI, DOMAIN

NAMES = {ALICE: f"alice@{DOMAIN}", BOB: f"bob@{DOMAIN}"}
LIMITS = st.sampled_from([{}, {}, {"applicationId": CLI}, ELSEWHERE, {"network": "203.0.113.0/24"}])


class Accounts(Base):
    """Windows and accounts."""

    @rule(user=PEOPLE, length=LENGTHS, limits=LIMITS)
    def open(self, user: UserId, length: int, limits: dict[str, str]) -> None:
        """An exemption is opened, wide or narrow."""
        now, inside = self.now(), limits_from(limits)
        wish = Opening(NAMES[user], minutes(length), "to get work done", inside)
        shown = self.door.run(open_exemption(self.door.house, self.door.local(), wish))
        assert isinstance(shown, Refused) is not self.ledger.enabled[user]
        if isinstance(shown, Refused):
            return
        made = Window(shown.exemption.id, user, after(now, minutes(length)), inside.admit(Use(CLI, REQUESTER)))
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
