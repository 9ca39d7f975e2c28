"""
The pen: writes the entries of one stream of a made-up journal, with the kinds and details that the service's deeds
write (a test plays the same stories through the deeds and compares).

What a person signed in with before is remembered, so that the oddities are those of the page.
"""

from typing import Any

from ostiary.core.access.facts import UNKNOWN, DeviceFacts, Facts
from ostiary.core.access.remembered import facts_document
from ostiary.core.detections.scenario.dice import Dice
from ostiary.core.detections.scenario.geography import where
from ostiary.core.detections.scenario.going_on import Habits, SignIn, Window
from ostiary.core.detections.scenario.people import App, Person
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.oddities import Before, Seen, oddities
from ostiary.core.words.ids import AppId, GroupId, UserId
from ostiary.core.words.instants import Instant, Span, after, between, hours, minutes, to_seconds

__all__ = ["Pen"]

GROUP = GroupId("0e000000-0000-4000-8000-000000000001")
AMR = ("pwd", "otp", "mfa")
SCOPES = ("Read", "openid", "offline_access")
CODE, TOKEN, START_WINDOW = minutes(5), minutes(10), hours(8)
BLOCK = {
    "id": "block", "displayName": "Block device code flow", "result": "failure", "enforcedGrantControls": ["block"],
    "enforcedSessionControls": [],
}  # fmt: skip


class Pen:
    """Entries of one stream, in any order until they are `written`."""

    def __init__(self, stream: str, seed: object, habits: dict[str, Habits] | None = None) -> None:
        """One that names its entries ``stream.number``; *habits* are shared with other pens of one story."""
        self.stream = stream
        self.habits: dict[str, Habits] = {} if habits is None else habits
        self._dice = Dice("pen", stream, seed)
        self._drafts: list[Recorded] = []

    def written(self) -> list[Recorded]:
        """All entries, in the order of their times."""
        ordered = sorted(self._drafts, key=lambda draft: draft.at)
        return [
            Recorded(number, self.stream, number, each.kind, each.at, each.story, each.actor, each.target, each.body)
            for number, each in enumerate(ordered, 1)
        ]

    def _add(
        self, kind: Kind, at: Instant, *, story: str = "", by: Person | None = None, target: str, address: str,
        agent: str, detail: dict[str, Any],
    ) -> None:  # fmt: skip
        actor, name, origin = ("nobody", "", "") if by is None else (f"user:{by.id}", by.name, "browser")
        body = {"actor_name": name, "address": address, "agent": agent, "detail": detail, "origin": origin}
        story = story or self._dice.guid()
        self._drafts.append(Recorded(0, self.stream, len(self._drafts), kind.value, at, story, actor, target, body))

    # ---- what the machine does

    def start(
        self, at: Instant, machine: str, app: App, *, agent: str = "", device: str = "", key: str = "",
        reason: str = "", asks: bool = False,
    ) -> SignIn:  # fmt: skip
        """A code is issued."""
        made = SignIn(self._dice.guid(), app, machine, agent or app.agent, at, device, key)
        detail = {
            "client": app.id, "client_name": app.name, "resource": app.resource, "scopes": list(SCOPES),
            "ends": after(at, CODE), "named": "", "key": key, "certificate": "", "machine": "", "reason": reason,
            "reference": "", "ticket": False, "device": device, "asks": asks,
        }  # fmt: skip
        self._add(
            Kind.STARTED, at, story=made.id, target=f"application:{app.id}", address=machine, agent=made.agent,
            detail=detail,
        )  # fmt: skip
        return made

    def start_refused(self, at: Instant, machine: str, app: App) -> None:
        """No exemption of anybody could let it in (R1)."""
        detail = {"client": app.id, "reason": "no_exemption", "rules": []}
        self._add(
            Kind.START_REFUSED, at, target=f"application:{app.id}", address=machine, agent=app.agent, detail=detail
        )  # fmt: skip

    def redeem(self, at: Instant, signin: SignIn) -> None:
        """Tokens are given; its exemption's clock starts."""
        window, person = _open(signin)
        if not window.begun:
            self._begin(at, signin, window)
        signin.session, signin.proved = self._dice.guid(), signin.proved or at
        habits = self.habits.setdefault(person.id, Habits())
        country = where(signin.machine).place.country
        habits.apps.add(signin.app.id)
        habits.addresses.add(signin.machine)
        habits.countries.add(country if isinstance(country, str) else "")
        detail = {
            "user": person.id, "user_name": person.name, "client": signin.app.id, "session": signin.session,
            "exemption": window.id, "scopes": list(SCOPES), "jti": self._dice.guid(), "ends": after(at, TOKEN),
            **self._judged(signin, at),
        }  # fmt: skip
        self._add(
            Kind.REDEEMED, at, story=signin.id, target=f"session:{signin.session}", address=signin.machine,
            agent=signin.agent, detail=detail,
        )  # fmt: skip

    def _begin(self, at: Instant, signin: SignIn, window: Window) -> None:
        window.begun, window.ends = True, after(at, window.length)
        detail = {"user": window.person.id, "starts": at, "ends": window.ends, "signin": signin.id}
        self._add(
            Kind.EXEMPTION_BEGUN, at, target=f"exemption:{window.id}", address=signin.machine, agent=signin.agent,
            detail=detail,
        )  # fmt: skip

    def refresh(self, at: Instant, signin: SignIn, address: str = "", agent: str = "") -> None:
        """A new access token."""
        _, person = _open(signin)
        signin.refreshes += 1
        detail = {
            "session": signin.session, "n": signin.refreshes, "user": person.id, "client": signin.app.id,
            "jti": self._dice.guid(), "ends": after(at, TOKEN), **self._judged(signin, at, confirmed=False),
        }  # fmt: skip
        self._session(Kind.REFRESHED, at, signin, address, agent, detail)

    def refresh_refused(self, at: Instant, signin: SignIn, address: str) -> None:
        """The window is over."""
        _, person = _open(signin)
        detail = {"reason": "exemption_ended", "rules": [], "user": person.id, "session": signin.session}
        self._session(Kind.REFRESH_REFUSED, at, signin, address, "", detail)

    def reused(self, at: Instant, signin: SignIn, address: str) -> None:
        """An old refresh token came; the session is over (R6)."""
        _, person = _open(signin)
        detail = {"session": signin.session, "n": signin.refreshes - 1, "head": signin.refreshes, "user": person.id}
        self._session(Kind.REUSED, at, signin, address, "", detail)

    def wrong_key(self, at: Instant, signin: SignIn, address: str, agent: str) -> None:
        """Bound, and asked for without its key (R12)."""
        detail = {"reason": "wrong_key", "client": signin.app.id, "key": "", "certificate": ""}
        self._add(
            Kind.WRONG_KEY, at, story=signin.id, target=f"application:{signin.app.id}", address=address, agent=agent,
            detail=detail,
        )  # fmt: skip

    def _session(
        self, kind: Kind, at: Instant, signin: SignIn, address: str, agent: str, detail: dict[str, Any]
    ) -> None:
        self._add(
            kind, at, story=signin.id, target=f"session:{signin.session}", address=address or signin.machine,
            agent=agent or signin.agent, detail=detail,
        )  # fmt: skip

    # ---- what a person does

    def signed_in(self, at: Instant, person: Person, address: str) -> None:
        """A browser session begins."""
        detail = {"user_name": person.name, "session": self._dice.guid(), "amr": list(AMR)}
        self._browser(Kind.SIGNED_IN, at, person, address, detail)

    def sign_in_refused(self, at: Instant, person: Person, address: str) -> None:
        """A wrong password."""
        detail = {"reason": "bad_credentials", "locked": False, "user_name": person.name}
        self._add(
            Kind.SIGN_IN_REFUSED, at, target=f"user:{person.id}", address=address, agent=person.agent, detail=detail
        )  # fmt: skip

    def claim(self, at: Instant, signin: SignIn, person: Person, place: str, window: Window | None = None) -> None:
        """The person types the code; *window*: their exemption that is open."""
        signin.person, signin.place, signin.proved = person, place, at
        signin.oddities = self._odd(at, signin)
        outcome: dict[str, Any] = self._judged(signin, at, groups=window is not None)
        detail = {"user": person.id, "user_name": person.name, **outcome, "oddities": signin.oddities}
        self._decides(Kind.CLAIMED, at, signin, person, detail)

    def approve(self, at: Instant, signin: SignIn, window: Window) -> None:
        """The person says yes, on *window*."""
        signin.window = window
        person = _open(signin)[1]
        detail = {
            "user": person.id, "user_name": person.name, "exemption": window.id, **self._judged(signin, at),
            "amr": list(AMR), "oddities": signin.oddities, "number": False,
        }  # fmt: skip
        self._decides(Kind.APPROVED, at, signin, person, detail)

    def ask_with_consent(self, at: Instant, signin: SignIn, reason: str, length: Span) -> Window:
        """The person says yes, and asks for the exemption that it needs."""
        assert signin.person is not None
        person = signin.person
        window = self.request(
            at, person, signin.place, reason=reason, length=length, story=signin.id, app=signin.app.id
        )  # fmt: skip
        signin.window = window
        detail = {
            "user": person.id, "user_name": person.name, "exemption": window.id, "ends": after(at, CODE),
            **self._judged(signin, at), "amr": list(AMR), "oddities": signin.oddities, "number": False,
        }  # fmt: skip
        self._decides(Kind.EXEMPTION_AWAITED, at, signin, person, detail)
        return window

    def deny(self, at: Instant, signin: SignIn, person: Person) -> None:
        """No."""
        self._decides(Kind.DENIED, at, signin, person, {})

    def wrong_code(self, at: Instant, person: Person, place: str, count: int, *, locked: bool = False) -> None:
        """A code that is wrong."""
        detail = {"user": person.id, "count": count, "locked": locked}
        self._browser(Kind.CODE_WRONG, at, person, place, detail)

    def _decides(self, kind: Kind, at: Instant, signin: SignIn, person: Person, detail: dict[str, Any]) -> None:
        self._browser(kind, at, person, signin.place or person.home, detail, story=signin.id)

    def _browser(
        self, kind: Kind, at: Instant, person: Person, address: str, detail: dict[str, Any], *, story: str = "",
        target: str = "",
    ) -> None:  # fmt: skip
        self._add(
            kind, at, story=story, by=person, target=target or f"user:{person.id}", address=address,
            agent=person.agent, detail=detail,
        )  # fmt: skip

    # ---- exemptions

    def request(
        self, at: Instant, person: Person, address: str, *, reason: str, length: Span, story: str = "", app: str = "",
        break_glass: bool = False,
    ) -> Window:  # fmt: skip
        """Somebody asks."""
        made = Window(self._dice.guid(), person, length)
        detail = {
            "user": person.id, "user_name": person.name, "act": "selfActivate", "reason": reason, "length": length,
            "starts": 0, "ends": after(at, hours(24)), "limits": {"applicationId": app} if app else {}, "ticket": "",
            "break_glass": break_glass, "target": "",
        }  # fmt: skip
        self._browser(
            Kind.REQUEST_MADE, at, person, address, detail, story=story, target=f"exemption:{made.id}"
        )  # fmt: skip
        return made

    def decide(
        self, at: Instant, window: Window, approver: Person, address: str, *, yes: bool = True,
        signin: SignIn | None = None,
    ) -> None:  # fmt: skip
        """An approver's word."""
        story = "" if signin is None else signin.id
        detail: dict[str, Any] = {
            "user": window.person.id, "stage": 0, "approved": yes, "reason": "known work" if yes else "not now",
            "length": 0, "state": "approved" if yes else "denied", "oddities": [], "methods": list(AMR),
        }  # fmt: skip
        target = f"exemption:{window.id}"
        self._browser(Kind.REQUEST_DECIDED, at, approver, address, detail, story=story, target=target)
        if not yes:
            if signin is not None:
                detail = {"user": window.person.id, "exemption": window.id, "cause": "denied"}
                target = f"user:{window.person.id}"
                self._browser(
                    Kind.EXEMPTION_REFUSED, at, approver, address, detail, story=signin.id, target=target
                )  # fmt: skip
            return
        self._given(at, window, approver, address, story, [approver.id], "")
        if signin is not None:
            detail = {"user": window.person.id, "exemption": window.id, "again": False}
            target = f"user:{window.person.id}"
            self._browser(Kind.EXEMPTION_GRANTED, at, approver, address, detail, story=signin.id, target=target)

    def at_once(self, at: Instant, window: Window, address: str, auto: str) -> None:
        """Given by a rule, and its clock starts: glass was broken."""
        window.begun = True
        self._given(at, window, window.person, address, "", [], auto)

    def _given(
        self, at: Instant, window: Window, by: Person, address: str, story: str, approvers: list[str], auto: str
    ) -> None:
        window.ends = after(at, window.length if window.begun else START_WINDOW)
        detail = {
            "user": window.person.id, "auto": auto, "approvers": approvers, "length": window.length,
            "waits": not window.begun, "starts": at, "ends": window.ends,
        }  # fmt: skip
        target = f"exemption:{window.id}"
        self._browser(Kind.REQUEST_APPROVED, at, by, address, detail, story=story, target=target)

    def over(self, window: Window) -> None:
        """A job tells that its time passed."""
        kind = Kind.EXEMPTION_RAN_OUT if window.begun else Kind.EXEMPTION_UNUSED
        detail = {"user": window.person.id, "ends": window.ends}
        at = after(window.ends, minutes(1))
        self._add(kind, at, target=f"exemption:{window.id}", address="", agent="", detail=detail)

    # ---- around

    def policy_changed(
        self, at: Instant, by: Person, address: str, before: dict[str, Any], new: dict[str, Any]
    ) -> None:
        """An administrator changes a policy."""
        detail = {"display_name": new["displayName"], "before": before, "after": new, "reason": "as decided"}
        self._browser(Kind.POLICY_CHANGED, at, by, address, detail, target=f"policy:{new['id']}")

    def device_asked(self, at: Instant, owner: Person, address: str, name: str, agent: str) -> str:
        """A machine proves a key and asks to be admitted, as *owner*'s."""
        id = self._dice.guid()
        detail = {"name": name, "key": "k" * 43, "owner": owner.id, "operatingSystem": "Linux"}
        self._add(Kind.DEVICE_ASKED, at, target=f"device:{id}", address=address, agent=agent, detail=detail)
        return id

    def device_admitted(self, at: Instant, id: str, owner: Person, by: Person, address: str, name: str) -> None:
        """An administrator admits it."""
        detail = {
            "name": name, "owner": owner.id, "key": "k" * 43, "expires": after(at, hours(24 * 90)),
            "by": f"user:{by.id}", "reason": "new machine",
        }  # fmt: skip
        self._browser(Kind.DEVICE_ADMITTED, at, by, address, detail, target=f"device:{id}")

    # ---- what all of these need

    def _odd(self, at: Instant, signin: SignIn) -> list[str]:
        assert signin.person is not None
        known, there = self.habits.get(signin.person.id) or Habits(), where(signin.machine)
        before = Before(
            signin.app.id in known.apps, signin.machine in known.addresses, frozenset(known.countries - {""})
        )  # fmt: skip
        seen = Seen(where(signin.place).place, there.place, there.operator, between(signin.started, at), before)
        return [each.tag.value for each in oddities(seen)]

    def _judged(
        self, signin: SignIn, at: Instant, *, groups: bool = True, confirmed: bool | None = None
    ) -> dict[str, Any]:
        """What is kept of a decision: allowed with an exemption, blocked without."""
        assert signin.person is not None
        device = DeviceFacts(signin.device, compliant=True, managed=True, key_bound=True) if signin.device else None
        facts = Facts(
            user=UserId(signin.person.id), groups=frozenset({GROUP} if groups else ()), roles=frozenset(),
            application=AppId(signin.app.id), resource=AppId(signin.app.resource),
            scopes=frozenset({"Read", "offline_access"}), client_type="mobileAppsAndDesktopClients",
            transfer_method="deviceCodeFlow", amr=AMR, proof_age=to_seconds(between(signin.proved, at)),
            platform=UNKNOWN, person=where(signin.place).place, requester=where(signin.machine).place,
            person_device=None, requester_device=device, number_confirmed=confirmed, start_ticket=False,
            service_principal=None, reference_bound=None, machine_bound=None,
        )  # fmt: skip
        return {
            "policies": [] if groups else [BLOCK], "outcome": "allowed" if groups else "blocked",
            "facts": facts_document(facts), "policy_version": 4,
        }  # fmt: skip


def _open(signin: SignIn) -> tuple[Window, Person]:
    """Its exemption and person; a story that redeems before anybody approved is told wrongly."""
    assert signin.window is not None
    assert signin.person is not None
    return signin.window, signin.person
