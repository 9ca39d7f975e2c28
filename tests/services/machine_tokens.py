"""
What an approved sign-in gives: redeemed once, refreshed, stolen, used.
"""

import base64
import json

from hypothesis.stateful import rule
from sqlalchemy import select

from ostiary.core.tokens.clients import Shown
from ostiary.core.words.instants import Instant, after, from_seconds, minutes, seconds, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.tokens.issue import Issued
from ostiary.store import schema
from tests.services.ledger import FORGIVEN, LEAST, Code, Family, Window
from tests.services.machine import WHICH, Base, latest, some
from tests.web.oauth.site import ALICE, OLD


class Tokens(Base):
    """From the redemption to the last refresh."""

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


def session_of(answer: Issued) -> str:
    """The session that an access token names."""
    payload = answer.access_token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["sid"])
