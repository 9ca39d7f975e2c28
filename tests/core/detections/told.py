"""
Journal entries for tests of detections, as the service writes them: who, where, what; everything else is left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ostiary.core.access.facts import UNKNOWN, Place
from ostiary.core.detections.event import Where, Whereabouts, nowhere
from ostiary.core.detections.finding import Finding
from ostiary.core.detections.fold import Folded, fold, needs, watching
from ostiary.core.detections.memory import Past, Track
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.rules import RULES
from ostiary.core.detections.story import Begun, from_document, stories_of, tell, to_document
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, seconds

NOW = Instant(1_790_000_000_000_000)
ALICE, BOB, CAROL, DAVE = "a11ce", "b0b", "ca201", "da7e"
LAPTOP, OFFICE, FARAWAY, RENTED, NEARBY = "192.0.2.10", "192.0.2.20", "198.51.100.7", "203.0.113.9", "192.0.3.30"
APP, OTHER_APP = "app-one", "app-two"

_KNOWN = {
    LAPTOP: Where(Place(LAPTOP, "NO", 64500, (599_000, 107_000)), "Home Broadband"),
    OFFICE: Where(Place(OFFICE, "NO", 64500, (599_100, 107_100)), "Home Broadband"),
    NEARBY: Where(Place(NEARBY, "NO", 64501, (598_000, 106_000)), "Mobile Carrier"),
    FARAWAY: Where(Place(FARAWAY, "BR", 64510, (-235_000, -466_000)), "Distant Telecom"),
    RENTED: Where(Place(RENTED, "NL", 64520, (523_000, 49_000)), "Cheap Cloud Hosting"),
}


def atlas(address: str) -> Where:
    """Where the addresses above are; any other is known by nothing but itself."""
    return _KNOWN.get(address, Where(Place(address or UNKNOWN)))


class Journal:
    """Entries in the making, a second apart unless `wait` says otherwise."""

    def __init__(self, at: Instant = NOW) -> None:
        self.entries: list[Recorded] = []
        self.at = at
        self._stories = 0

    def wait(self, span: int) -> "Journal":
        """Let *span* pass."""
        self.at = Instant(self.at + span)
        return self

    def add(
        self, kind: Kind, *, story: str = "", actor: str = "nobody", target: str = "", address: str = "",
        agent: str = "program/1.0", **detail: Any,
    ) -> "Journal":  # fmt: skip
        """One entry."""
        number = len(self.entries) + 1
        body = {"address": address, "agent": agent, "detail": detail, "actor_name": "", "origin": ""}
        self.entries.append(
            Recorded(number, "n1", number, kind.value, self.at, story or f"v{number}", actor, target, body)
        )
        return self.wait(seconds(1))

    def start(self, machine: str = LAPTOP, client: str = APP, **more: Any) -> str:
        """A code is issued to *machine*; the sign-in's id."""
        self._stories += 1
        story = f"s{self._stories}"
        detail = {"client": client, "client_name": client.title(), "resource": "api", "scopes": ["read"], **more}
        agent = detail.pop("agent", "program/1.0")
        self.add(Kind.STARTED, story=story, target=f"application:{client}", address=machine, agent=agent, **detail)
        return story

    def by(self, user: str, kind: Kind, story: str, at: str = LAPTOP, **more: Any) -> "Journal":
        """What *user* does at the page, from *at*."""
        return self.add(
            kind, story=story, actor=f"user:{user}", target=f"user:{user}", address=at, agent="Browser/1", user=user,
            user_name=f"{user}@example.com", **more,
        )  # fmt: skip

    def redeem(self, story: str, user: str, machine: str = LAPTOP, exemption: str = "ex1", **more: Any) -> "Journal":
        """Tokens are given."""
        detail = {"user": user, "user_name": f"{user}@example.com", "session": f"session-{story}", **more}
        client = detail.pop("client", APP)
        agent = detail.pop("agent", "program/1.0")
        return self.add(
            Kind.REDEEMED, story=story, target=f"session:session-{story}", address=machine, agent=agent,
            exemption=exemption, client=client, **detail,
        )  # fmt: skip

    def refresh(
        self, story: str, user: str, machine: str = LAPTOP, kind: Kind = Kind.REFRESHED, **more: Any
    ) -> "Journal":
        """The session of *story* is used from *machine*."""
        agent = more.pop("agent", "program/1.0")
        return self.add(
            kind, story=story, target=f"session:session-{story}", address=machine, agent=agent, user=user,
            session=f"session-{story}", client=APP, **more,
        )  # fmt: skip

    def sign_in(self, user: str = ALICE, machine: str = LAPTOP, person: str = LAPTOP, **more: Any) -> str:
        """A whole device sign-in; its id."""
        client, oddities = more.pop("client", APP), more.pop("oddities", [])
        story = self.start(machine, client, **more)
        self.by(user, Kind.CLAIMED, story, person, oddities=oddities)
        self.by(user, Kind.APPROVED, story, person, exemption="ex1", oddities=oddities)
        self.redeem(story, user, machine, client=client)
        return story


def batches(entries: Sequence[Recorded], size: int) -> Iterator[Sequence[Recorded]]:
    """*entries*, *size* at a time."""
    return (entries[place : place + size] for place in range(0, len(entries), size))


def run(
    entries: Sequence[Recorded], rules: Iterable[Rule] = RULES, *, where: Whereabouts = atlas, size: int = 1000
) -> Folded:
    """Fold *entries* in batches of *size*, with memory between them as the store keeps it."""
    watched = watching(rules)
    tracks: dict[str, Track] = {}
    stories: dict[str, Begun] = {}
    whole = Folded()
    for batch in batches(entries, size):
        known = {id: stories[id] for id in stories_of(batch) if id in stories}
        events, told = tell(batch, known, where)
        keys = needs(events, watched, whole.faults)
        past = Past(keys, {key.text: tracks[key.text] for key in keys if key.text in tracks})
        folded = fold(events, past, watched)
        whole.findings += folded.findings
        whole.faults += folded.faults
        whole.held_back += folded.held_back
        tracks |= {text: track for text, (track, _) in past.changed().items()}
        stories |= {id: from_document(to_document(begun)) for id, begun in told.items()}
    return whole


def found_by(rule: Rule, journal: Journal, *, where: Whereabouts = atlas) -> list[Finding]:
    """What *rule* alone finds in *journal*, each finding once."""
    folded = run(journal.entries, (rule,), where=where)
    assert folded.faults == []
    return list({finding.id: finding for finding in folded.findings}.values())


BLIND = nowhere
"""Where there are no geo files."""
