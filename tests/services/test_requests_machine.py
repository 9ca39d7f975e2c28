"""
Requests, decisions, uses, extensions, overlaps, ends, leavers, the kill switch, clock moves and restarts in any order.

Beside the house stands a model of a few lines of arithmetic. After every step each exemption is open exactly as long as
the model says, each request stands where the model and, by itself, the journal say, and a sign-in passes exactly when
somebody's exemption is open.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import insert, update

from ostiary.core.directory.people import Role
from ostiary.core.exemptions.asking import Wish
from ostiary.core.exemptions.deciding import Verdict
from ostiary.core.exemptions.request import standing
from ostiary.core.graph.error import Invalid
from ostiary.core.graph.kill_switch import ShownSwitch
from ostiary.core.signins.view import Approved
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.instants import Instant, Span, days, hours, minutes, seconds
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.random import SystemRandom
from ostiary.services.access.desk import Desk
from ostiary.services.access.kill_switch import turn_off, turn_on
from ostiary.services.directory.people import Change, change_user
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.decide import decide_request, withdraw_request
from ostiary.services.exemptions.eligible import Wanted, give_eligibility, take_eligibility
from ostiary.services.exemptions.end import announce_ends, announce_lapses, end_exemption
from ostiary.services.exemptions.rules import change_rule
from ostiary.services.signins import decide
from ostiary.services.signins.start import Started
from ostiary.services.signins.waiting_room import WaitingRoom
from ostiary.services.tokens.issue import Issued
from ostiary.store import Tx, exemptions, requests, schema
from ostiary.store.logs import since
from ostiary.store.place import TOP
from ostiary.store.requests import Asked, Which
from ostiary.store.sqlite import SqliteStore
from tests.services.door import Door
from tests.web.oauth.site import ALICE, BOB, GROUP

DANA, ERIC, ROOT = (UserId(f"7a0d1f2e-0000-4000-8000-0000000000{n}") for n in ("d4", "e5", "f6"))
PEOPLE, APPROVERS = st.sampled_from([ALICE, BOB]), st.sampled_from([DANA, ERIC, ALICE])
WHICH = st.sampled_from([0, 0, 0, 1, 2])
ANSWERS = st.sampled_from([True, True, True, False])
LENGTHS = st.sampled_from([30, 45, 120, 240])
MOVES = st.sampled_from([1, 5, 29, 31, 60, 120, 479, 1439, -3])
CAP, WINDOW, EXPIRY, LEAST = hours(24), hours(8), hours(24), seconds(60)
POLICY = f"Group_{GROUP}_member"


@dataclass
class Open:
    """An exemption, as the model has it."""

    user: UserId
    start: Instant
    end: Instant
    waits: Span | None
    opened: Instant
    over: Instant | None = None


@dataclass
class Ask:
    """A request, as the model has it."""

    id: ExemptionId
    user: UserId
    length: Span
    made: Instant
    extends: ExemptionId | None = None
    yes: set[UserId] = field(default_factory=set)
    least: Span | None = None
    phase: str = "open"


class Machine(RuleBasedStateMachine):
    """One house, two people who ask, two who decide, and the model."""

    def __init__(self) -> None:
        """Nothing has happened."""
        super().__init__()
        self.folder = TemporaryDirectory()
        self.door = Door(Path(self.folder.name))
        self.open: dict[ExemptionId, Open] = {}
        self.asks: list[Ask] = []
        self.eligible: dict[UserId, Instant] = {}
        """Who may ask, and since when: the clock may go back before that."""
        self.approvers = {DANA, ERIC}
        self.killed, self.on = Instant(-1), False

    def teardown(self) -> None:
        """The journal, read at the end, tells of every request what the store says of it."""
        self.door.close()
        self.folder.cleanup()

    @initialize(needed=st.sampled_from([2, 1]), at_first_use=st.booleans(), removed=st.booleans())
    def settle(self, needed: int, at_first_use: bool, removed: bool) -> None:
        """
        Approvers move in, everybody is eligible, the rules are one of four sorts. Some histories begin with a yes of
        one who was removed before the next: by chance alone too few come to that with everything else in order.
        """
        self.needed, self.at_first_use = needed, at_first_use
        for id, name, roles in (
            (DANA, "dana", '["approver"]'), (ERIC, "eric", '["approver"]'), (ROOT, "root", '["administrator"]'),
        ):  # fmt: skip
            values = {"principal_name": f"{name}@example.com", "display_name": name, "created": 0}
            self.door.change(insert(schema.users).values(id=id, roles=roles, **values))
        stage = {"primaryApprovers": [{"role": "approver"}], "ostiary": {"approvalsNeeded": needed}}
        self.change_rules("Approval_EndUser_Assignment", {"setting": {"approvalStages": [stage]}})
        clock = "firstUse" if at_first_use else "approval"
        self.change_rules("Expiration_EndUser_Assignment", {"ostiary": {"clock": clock}})
        for user in (ALICE, BOB):
            self.make_eligible(user)
        if removed:
            self.ask_and_be_approved(ALICE, 45, removed=True)
            self.change_approver(DANA)

    # ---- hands

    def now(self) -> Instant:
        """The present, a moment later each time."""
        self.door.clock.move(Span(1000))
        return self.door.clock.now()

    def by(self, user: UserId, origin: Origin = Origin.BROWSER) -> Visit:
        """*user*, freshly proved."""
        roles = {ROOT: {Role.ADMINISTRATOR}, DANA: {Role.APPROVER}, ERIC: {Role.APPROVER}}.get(user, set())
        caller = Caller(
            CallerKind.USER, user, user, origin, frozenset(roles), amr=("pwd", "otp", "mfa"),
            authenticated_at=self.door.clock.now(),
        )  # fmt: skip
        return replace(self.door.at_machine(), caller=caller)

    def change_rules(self, rule_: str, changes: dict[str, Any]) -> None:
        """An administrator changes a rule."""
        answer = self.door.run(change_rule(self.door.house, self.by(ROOT), POLICY, rule_, changes, "a test"))
        assert not isinstance(answer, Refused | Invalid), answer

    def make_eligible(self, user: UserId) -> None:
        """For long."""
        now = self.door.clock.now()
        wanted = Wanted(user, "for a test", ends=Instant(now + days(300)), instead=True)
        answer = self.door.run(give_eligibility(self.door.house, self.by(ROOT), wanted))
        assert not isinstance(answer, Refused), answer
        self.eligible[user] = now

    # ---- the model

    def dead(self, moment: Instant) -> bool:
        """Whether the kill switch ended what came to be at *moment*."""
        return moment <= self.killed

    def active(self, each: Open, now: Instant) -> bool:
        """Whether an exemption is open."""
        return each.over is None and not self.dead(each.opened) and each.start <= now < each.end

    def may_ask(self, user: UserId, now: Instant) -> bool:
        """Whether somebody is eligible."""
        return user in self.eligible and self.eligible[user] <= now

    def waiting(self, ask: Ask, now: Instant) -> bool:
        """Whether a request may still be decided."""
        return ask.phase == "open" and not self.dead(ask.made) and now < ask.made + EXPIRY

    def state(self, ask: Ask, now: Instant) -> str:
        """Where a request stands."""
        if ask.phase == "open" and self.dead(ask.made) and self.killed < ask.made + EXPIRY:
            return "killed"
        if ask.phase == "open":
            return "lapsed" if now >= ask.made + EXPIRY else "partlyApproved" if ask.yes else "requested"
        if ask.phase != "approved":
            return ask.phase
        each = self.open[ask.extends or ask.id]
        if each.over is not None or (self.dead(each.opened) and self.killed < each.end):
            return "ended"
        if now >= each.end:
            return "ended"
        return "active" if each.waits is None and now >= each.start else "approved"

    def stop(self, user: UserId, now: Instant, *, phase: str = "killed") -> None:
        """Everything of *user* ends."""
        for each in self.open.values():
            if each.user == user and each.over is None and now < each.end and not self.dead(each.opened):
                each.over = now
        for ask in self.asks:
            if ask.user == user and ask.phase == "open" and now < ask.made + EXPIRY:
                ask.phase = phase

    # ---- steps

    @rule(user=PEOPLE, length=LENGTHS, from_device=st.booleans())
    def ask(self, user: UserId, length: int, from_device: bool) -> None:
        """Somebody asks."""
        now, span = self.now(), minutes(length)
        origin = Origin.DEVICE_CODE if from_device else Origin.BROWSER
        waits = sum(self.waiting(a, now) for a in self.asks if a.user == user)
        wish = Wish(length=span, reason="for a test")
        answer = self.door.run(ask_exemption(self.door.house, self.by(user, origin), wish))
        may = self.may_ask(user, now) and not self.on and waits < 5
        assert isinstance(answer, Asked) is may, answer
        if isinstance(answer, Asked):
            self.asks.append(Ask(answer.request.id, user, span, now))

    @precondition(lambda self: self.open)
    @rule(which=WHICH, length=LENGTHS)
    def extend(self, which: int, length: int) -> None:
        """Somebody asks for more of what runs."""
        now, span = self.now(), minutes(length)
        id = list(self.open)[-1 - which % len(self.open)]
        each = self.open[id]
        waits = sum(self.waiting(a, now) for a in self.asks if a.user == each.user)
        wish = Wish(length=span, reason="for a test", extends=id)
        answer = self.door.run(ask_exemption(self.door.house, self.by(each.user), wish))
        may = (
            self.may_ask(each.user, now) and not self.on and waits < 5 and self.active(each, now)
            and each.waits is None and each.end - each.start + span <= CAP
        )  # fmt: skip
        assert isinstance(answer, Asked) is may, answer
        if isinstance(answer, Asked):
            self.asks.append(Ask(answer.request.id, each.user, span, now, extends=id))

    @precondition(lambda self: self.asks)
    @rule(who=APPROVERS, which=WHICH, approve=ANSWERS, less=st.booleans())
    def decide(self, who: UserId, which: int, approve: bool, less: bool) -> None:
        """Somebody says yes or no, an approver or not."""
        now, ask = self.now(), self.asks[-1 - which % len(self.asks)]
        span = minutes(30) if less and approve else None
        verdict = Verdict(approve, "so it is", span)
        answer = self.door.run(decide_request(self.door.house, self.by(who), ask.id, verdict))
        may = who in self.approvers and self.waiting(ask, now) and who not in ask.yes and not (self.on and approve)
        counted = {each for each in ask.yes if each in self.approvers}
        whole = approve and len(counted | {who}) >= self.needed
        may = may and not (len(counted) >= self.needed)
        if may and whole:
            may = self.may_ask(ask.user, now) and self.extendable(ask, now)
        assert isinstance(answer, Asked) is may, (answer, ask)
        if not may:
            return
        if not approve:
            ask.phase = "denied"
            return
        ask.yes.add(who)
        ask.least = min(each for each in (ask.least, span, ask.length) if each is not None)
        if whole:
            ask.phase = "approved"
            self.give(ask, now)

    def extendable(self, ask: Ask, now: Instant) -> bool:
        """Whether what a request extends still runs."""
        if ask.extends is None:
            return True
        each = self.open[ask.extends]
        return self.active(each, now) and each.waits is None and each.end < each.start + CAP

    def give(self, ask: Ask, now: Instant) -> None:
        """What an approval opens, or makes longer."""
        length = ask.least or ask.length
        if ask.extends is not None:
            each = self.open[ask.extends]
            each.end = Instant(min(each.end + length, each.start + CAP))
        elif self.at_first_use:
            self.open[ask.id] = Open(ask.user, now, Instant(now + WINDOW), length, now)
        else:
            self.open[ask.id] = Open(ask.user, now, Instant(now + length), None, now)

    @precondition(lambda self: self.asks)
    @rule(which=WHICH)
    def withdraw(self, which: int) -> None:
        """Its person takes it back."""
        now, ask = self.now(), self.asks[-1 - which % len(self.asks)]
        visit = self.by(ask.user, Origin.DEVICE_CODE)
        answer = self.door.run(withdraw_request(self.door.house, visit, ask.id))
        assert isinstance(answer, Asked) is self.waiting(ask, now), answer
        if self.waiting(ask, now):
            ask.phase = "withdrawn"

    @rule(user=PEOPLE, length=LENGTHS, removed=st.booleans())
    def ask_and_be_approved(self, user: UserId, length: int, removed: bool) -> None:
        """What happens most, in one step: both approvers say yes, the first of them perhaps removed in between."""
        before = len(self.asks)
        self.ask(user, length, True)
        if len(self.asks) == before:
            return
        self.decide(DANA, 0, True, False)
        if removed:
            self.change_approver(DANA)
        self.decide(ERIC, 0, True, True)

    @rule(user=PEOPLE)
    def sign_in(self, user: UserId) -> None:
        """A device sign-in from start to end: it passes exactly when an exemption of this person has time for it."""
        now = self.now()
        begun = self.door.start()
        anybody = any(self.active(each, now) for each in self.open.values()) and not self.on
        assert isinstance(begun, Started) is anybody, begun
        if not isinstance(begun, Started):
            return
        mine = {id: each for id, each in self.open.items() if each.user == user and self.active(each, now)}
        claimed = self.door.claim(begun.user_code, user)
        assert isinstance(claimed, Refused) is not bool(mine), claimed
        if isinstance(claimed, Refused):
            return
        approved = self.door.run(decide.approve(self.door.house, self.door.at_browser(user), claimed.signin.id))
        assert isinstance(approved, Approved), approved
        issued = self.door.poll(begun.device_code)
        fits = [id for id, each in mine.items() if self.left(each, now) >= LEAST]
        assert isinstance(issued, Issued) is bool(fits), issued
        if isinstance(issued, Issued):
            self.begin(fits, claimed.signin.id, now)

    def left(self, each: Open, now: Instant) -> Span:
        """How long it would last if it were used now."""
        return each.waits if each.waits is not None else Span(each.end - now)

    def begin(self, fits: list[ExemptionId], signin: str, now: Instant) -> None:
        """One of *fits* was used; one that waited runs from now on, and one that runs is taken first."""
        table = schema.signins
        ((used,),) = self.door.rows(table.select().with_only_columns(table.c.exemption).where(table.c.id == signin))
        assert used in fits
        each = self.open[used]
        assert each.waits is None or all(self.open[id].waits is not None for id in fits)
        if each.waits is not None:
            each.start, each.end, each.waits = now, Instant(now + each.waits), None

    @precondition(lambda self: self.open)
    @rule(which=WHICH)
    def end_one(self, which: int) -> None:
        """Its person gives it back: no other one is any shorter for it."""
        now = self.now()
        id = list(self.open)[-1 - which % len(self.open)]
        each = self.open[id]
        stands = each.over is None and not self.dead(each.opened) and now < each.end
        answer = self.door.run(end_exemption(self.door.house, self.by(each.user), id))
        assert isinstance(answer, Refused) is not stands, answer
        if stands:
            each.over = now

    @rule(user=PEOPLE, how=st.sampled_from(["account", "eligibility"]))
    def leave(self, user: UserId, how: str) -> None:
        """Somebody leaves, or is not eligible any more; an account that comes back is not either."""
        now = self.now()
        if how == "account":
            for enabled in (False, True):
                changed = change_user(self.door.house, self.by(ROOT), user, Change(enabled=enabled))
                assert not isinstance(self.door.run(changed), Refused)
        else:
            taken = self.door.run(take_eligibility(self.door.house, self.by(ROOT), principal=user, reason="moved on"))
            assert isinstance(taken, Refused) is (user not in self.eligible)
            if isinstance(taken, Refused):
                return
        self.stop(user, now)
        self.eligible.pop(user, None)

    @rule(user=PEOPLE)
    def come_back(self, user: UserId) -> None:
        """Made eligible again: nothing that ended comes back."""
        self.now()
        if user not in self.eligible:
            self.make_eligible(user)

    @rule(who=st.sampled_from([DANA, ERIC]))
    def change_approver(self, who: UserId) -> None:
        """An approver is removed, or is one again."""
        self.approvers ^= {who}
        roles = '["approver"]' if who in self.approvers else "[]"
        self.door.change(update(schema.users).where(schema.users.c.id == who).values(roles=roles))

    @rule()
    def turn_the_switch(self) -> None:
        """On at once; off by the local door. What was open stays ended."""
        now, deed = self.now(), turn_off if self.on else turn_on
        answer = self.door.run(deed(self.door.house, self.door.local(), "a test"))
        assert isinstance(answer, ShownSwitch), answer
        self.killed = self.killed if self.on else now
        self.on = not self.on

    @rule(length=MOVES)
    def pass_time(self, length: int) -> None:
        """The clock moves, now and then backwards."""
        self.door.clock.move(minutes(length))

    @rule()
    def tidy(self) -> None:
        """The jobs run: they announce, and change nothing."""
        self.now()
        self.door.run(announce_ends(self.door.house, self.door.local()))
        self.door.run(announce_lapses(self.door.house, self.door.local()))

    @rule()
    def restart(self) -> None:
        """The process dies; another one knows only what is on disk."""
        house, random = self.door.house, SystemRandom()
        self.door.run(house.store.close())
        store = SqliteStore(Path(self.folder.name) / "ostiary.db", stream="node", salt=lambda: random.bytes(16))
        self.door.house = replace(house, store=store, desk=Desk(store, self.door.clock), room=WaitingRoom())
        self.door.run(self.door.house.desk.reload())

    # ---- what holds after every step

    @invariant()
    def nothing_is_open_but_what_the_model_says(self) -> None:
        """Never before the rules were kept, never past its end, never shorter because another one ended."""
        now = self.door.clock.now()

        async def body(tx: Tx) -> tuple[list[Any], list[Asked]]:
            every = [await exemptions.find(tx, id) for id in self.open]
            shown = await requests.page(tx, user=None, which=Which.ALL, now=now, after=TOP, most=1000)
            return every, shown

        every, shown = self.door.run(self.door.house.store.read(body))
        for each, mine in zip(every, self.open.values(), strict=True):
            assert each is not None
            assert each.active(now) is self.active(mine, now), (each, mine)
            assert (each.starts, each.ends, each.waits) == (mine.start, mine.end, mine.waits)
        assert {each.request.id for each in shown} == {ask.id for ask in self.asks}
        for each in shown:
            (ask,) = (a for a in self.asks if a.id == each.request.id)
            state = standing(each.request, each.exemption, now).value
            wanted = self.state(ask, now)
            assert state == wanted or (wanted == "ended" and state in _OVER), (state, wanted, ask)
        given = {ask.id for ask in self.asks if ask.phase == "approved" and ask.extends is None}
        assert given == set(self.open)

    @invariant()
    def the_journal_tells_the_same(self) -> None:
        """Folded by itself, the journal says of each request how it was decided, and by enough people."""

        async def body(tx: Tx) -> list[Any]:
            return list(await since(tx, 0, 10_000))

        told: dict[str, str] = {}
        said: dict[str, set[str]] = {}
        for entry in self.door.run(self.door.house.store.read(body)):
            id, detail = entry.target.removeprefix("exemption:"), entry.body["detail"]
            if entry.kind == "user:request:made":
                told[id] = "open"
            elif entry.kind == "user:request:decided" and detail["approved"]:
                said.setdefault(id, set()).add(entry.actor)
            elif entry.kind in _TOLD:
                told[id] = _TOLD[entry.kind]
            elif entry.kind == "user:request:decided":
                told[id] = "denied"
        assert told == {ask.id: ask.phase for ask in self.asks}
        for id, phase in told.items():
            assert phase != "approved" or len(said[id]) >= self.needed


_OVER = ("expired", "released", "revoked", "killed", "lapsed")
_TOLD = {
    "user:request:approved": "approved",
    "user:request:withdrawn": "withdrawn",
    "admin:request:killed": "killed",
}

TestRequests = Machine.TestCase
TestRequests.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
