"""
A door where one person is eligible and another approves, and the deeds of a sign-in that asks, in few words.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import insert

from ostiary.core.directory.people import Role
from ostiary.core.exemptions.deciding import Verdict
from ostiary.core.exemptions.request import Request
from ostiary.core.graph.error import Invalid
from ostiary.core.logs.telling import Telling, tell
from ostiary.core.signins.view import Asked, Claimed
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import ExemptionId, SignInId, UserId
from ostiary.core.words.instants import Instant, hours
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import Proof
from ostiary.core.words.visit import Visit
from ostiary.services.directory.people import Change, change_user
from ostiary.services.exemptions.decide import decide_request
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from ostiary.services.exemptions.rules import change_rule
from ostiary.services.logs.stories import catch_up
from ostiary.services.signins import claim
from ostiary.services.signins.ask import Typed, ask_with_consent
from ostiary.services.signins.start import Started
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.token import grant
from ostiary.store import Tx, requests, schema, stories
from ostiary.store.logs import since
from ostiary.store.stories import Kept
from tests.services.door import Door, reason
from tests.web.oauth.site import ALICE, CLI, GROUP

WHY = "fix INC-4412"
KEY = Proof(jkt="k" * 43)
POLICY = f"Group_{GROUP}_member"
DANA, ROOT = (UserId(f"7a0d1f2e-0000-4000-8000-0000000000{n}") for n in ("d4", "f6"))


class Asking(Door):
    """A door where Alice is eligible, Dana approves, and the CLI may ask."""

    def settle(self) -> None:
        """Move in."""
        for id, name, roles in ((DANA, "dana", '["approver"]'), (ROOT, "root", '["administrator"]')):
            values = {"principal_name": f"{name}@example.com", "display_name": name, "created": 0}
            self.change(insert(schema.users).values(id=id, roles=roles, **values))
        self.register(CLI, exemption_requests=True)
        self.make_eligible(ALICE)

    def make_eligible(self, user: UserId) -> None:
        """For long."""
        wanted = Wanted(user, "for a test", ends=Instant(self.clock.now() + hours(2000)))
        assert not isinstance(self.run(give_eligibility(self.house, self.by(ROOT), wanted)), Refused)

    def by(self, user: UserId) -> Visit:
        """*user* in a browser, freshly proved."""
        roles = {ROOT: {Role.ADMINISTRATOR}, DANA: {Role.APPROVER}}.get(user, set())
        name = {DANA: "Dana"}.get(user, user)
        caller = Caller(
            CallerKind.USER, user, name, Origin.BROWSER, frozenset(roles), amr=("pwd", "otp", "mfa"),
            authenticated_at=self.clock.now(),
        )  # fmt: skip
        return replace(self.at_machine(), caller=caller)

    def rule(self, id: str, **ours: Any) -> None:
        """An administrator changes our part of a rule."""
        changed = change_rule(self.house, self.by(ROOT), POLICY, id, {"ostiary": ours}, "for a test")
        assert not isinstance(self.run(changed), Refused | Invalid)

    def begin(self, **asked: Any) -> Started:
        """A request that asks."""
        return self.started(**{"asks": WHY, **asked})

    def page(self, begun: Started) -> Claimed:
        """Alice types the code and sees the page."""
        shown = self.claimed(begun.user_code)
        seen = self.run(claim.view(self.house, self.at_browser(), shown.signin.id))
        assert isinstance(seen, Claimed), seen
        return seen

    def ask(self, id: SignInId, user: UserId = ALICE, **typed: Any) -> Any:
        """The form: yes, and ask."""
        form = Typed(**{"reason": WHY, **typed})
        return self.run(ask_with_consent(self.house, self.at_browser(user), id, form))

    def requested(self, begun: Started, **typed: Any) -> Asked:
        """From the code to the request."""
        answer = self.ask(self.page(begun).signin.id, **typed)
        assert isinstance(answer, Asked), answer
        return answer

    def decide(self, id: ExemptionId, *, yes: bool = True, why: str = "known incident", **more: Any) -> Any:
        """Dana's word."""
        return self.run(decide_request(self.house, self.by(DANA), id, Verdict(yes, why, **more)))

    def disable(self, user: UserId) -> None:
        """An administrator disables the account."""
        answer = self.run(change_user(self.house, self.by(ROOT), user, Change(enabled=False)))
        assert not isinstance(answer, Refused), answer

    def wish(self, id: ExemptionId) -> Request:
        """The request as it is stored."""

        async def body(tx: Tx) -> Request | None:
            return await requests.find(tx, id)

        found = self.run(self.house.store.read(body))
        assert found is not None
        return found

    def story(self, id: str) -> list[str]:
        """The kinds of all entries under the story *id*, in their order."""

        async def body(tx: Tx) -> list[str]:
            return [entry.kind for entry in await since(tx, 0, 10_000) if entry.story == id]

        return self.run(self.house.store.read(body))

    def told(self, id: str) -> Telling:
        """What the sign-in log says of *id* now."""
        self.run(catch_up(self.house, self.at_machine()))

        async def body(tx: Tx) -> Kept | None:
            return await stories.load(tx, id)

        kept = self.run(self.house.store.read(body))
        assert kept is not None
        return tell(kept.story, self.clock.now())

    def bound_poll(self, begun: Started) -> Issued | Refused:
        """A poll with the key."""
        visit = replace(self.at_machine(), proof=KEY)
        return self.run(grant(self.house, visit, self.form(begun.device_code)))

    def bound(self) -> Started:
        """A request that asks and proved a key."""
        begun = self.begin(dpop_jkt=KEY.jkt)
        assert reason(self.bound_poll(begun)) is Reason.PENDING
        return begun
