"""
What rules remember, and what they found. A batch costs one select of tracks for each `PIECE` keys, and a write for each
track that changed. Between the two nothing is held: what is written names what it was made from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson
from sqlalchemy import and_, bindparam, delete, exists, func, insert, null, select, update

from ostiary.core.detections.finding import Cause, Finding, Kept, Severity, State
from ostiary.core.detections.memory import Mark, Track
from ostiary.core.detections.risk import Ranks, ranks, risen
from ostiary.core.detections.story import Begun, from_document, to_document
from ostiary.core.words.errors import Stale
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.keyed import keyed, rows_of
from ostiary.store.schema import detection_tracks as tracks
from ostiary.store.schema import finding_responses, finding_stories, findings
from ostiary.store.schema import findings_held_back as held_back
from ostiary.store.sql import sql
from ostiary.store.stories import FINDING, Place, Where, finding_rows

__all__ = [
    "COUNTED", "Changes", "add", "as_stories", "as_tracks", "changes", "find", "forget", "found_since", "held",
    "hold_back", "load", "of_story", "open_by_severity", "page", "save", "stories_of", "story_keys", "tidy",
]  # fmt: skip

STORY = "story:"
COUNTED = 10_000
"""Findings that one count looks at; there may be more."""
_VALUES: dict[str, Any] = {name: bindparam(name) for name in ("key", "value", "expires")}
_ADD_TRACK = sql(insert(tracks).values(_VALUES))
_AS_LOADED = and_(tracks.c.key == bindparam("key_"), tracks.c.value == bindparam("old"))
_SET_TRACK = sql(update(tracks).where(_AS_LOADED).values(value=bindparam("value"), expires=bindparam("expires")))
_DROP_TRACK = sql(delete(tracks).where(_AS_LOADED))
_EXPIRED = select(tracks.c.key).where(tracks.c.expires <= bindparam("now")).order_by(tracks.c.expires)
_TIDY = sql(delete(tracks).where(tracks.c.key.in_(_EXPIRED.limit(bindparam("most")).scalar_subquery())))
_COUNT = sql(select(func.count()).select_from(tracks))
_NEXT_TO_GO = select(tracks.c.key).order_by(tracks.c.expires).limit(bindparam("most")).scalar_subquery()
_SHED = sql(delete(tracks).where(tracks.c.key.in_(_NEXT_TO_GO)))

_RISING = (
    "severity", "state", "at", "last", "changed", "entry", "story", "user", "client", "session", "exemption", "source",
    "country", "sentence", "evidence", "cause", "sign_in_risk", "person_risk",
)  # fmt: skip
"""What a finding has from what came last, where that made it count for more."""
_ADD = sql(insert(findings).values({name: bindparam(name) for name in FINDING}))
_FIND = sql(select(*(findings.c[name] for name in FINDING)).where(findings.c.id == bindparam("id")))
_BEFORE = sql(
    select(
        findings.c.state,
        findings.c.severity,
        findings.c.cause,
        findings.c.sign_in_risk,
        findings.c.person_risk,
        exists().where(finding_stories.c.finding == bindparam("id"), finding_stories.c.story == bindparam("story")),
    ).where(findings.c.id == bindparam("id"))
)
_ROSE = sql(
    update(findings)
    .where(findings.c.id == bindparam("id_"))
    .values({name: bindparam(f"{name}_") for name in _RISING} | {"answered": null(), "seen": findings.c.seen + 1})
)
_ADD_STORY = sql(insert(finding_stories).values(finding=bindparam("finding"), story=bindparam("story")))
_DROP_STORIES = sql(delete(finding_stories).where(finding_stories.c.finding == bindparam("id")))
_AGAIN = sql(
    update(findings)
    .where(findings.c.id == bindparam("id_"))
    .values(seen=findings.c.seen + 1, last=bindparam("at_"), changed=bindparam("now"))
)
_OLD = select(findings.c.id).where(findings.c.at < bindparam("before")).order_by(findings.c.at, findings.c.id)
_GOING = _OLD.limit(bindparam("most")).scalar_subquery()
_FORGET_STORIES = sql(delete(finding_stories).where(finding_stories.c.finding.in_(_GOING)))
_FORGET_RESPONSES = sql(delete(finding_responses).where(finding_responses.c.finding.in_(_GOING)))
_FORGET = sql(delete(findings).where(findings.c.id.in_(_GOING)))
_FORGET_HELD = sql(delete(held_back).where(held_back.c.hour < bindparam("before")))
_HOLD_BACK = sql(
    update(held_back)
    .where(held_back.c.rule == bindparam("rule_"), held_back.c.hour == bindparam("hour_"))
    .values(count=held_back.c.count + bindparam("more"))
)
_FIRST_HELD = sql(insert(held_back).values({name: bindparam(name) for name in ("rule", "hour", "count")}))
_HELD = sql(
    select(held_back.c.rule, func.sum(held_back.c.count))
    .where(held_back.c.hour >= bindparam("since"))
    .group_by(held_back.c.rule)
)
_STORIES_OF = sql(
    select(finding_stories.c.story)
    .where(finding_stories.c.finding == bindparam("finding"))
    .order_by(finding_stories.c.story)
    .limit(bindparam("most"))
)
_OF_STORY = sql(
    select(*(findings.c[name] for name in FINDING))
    .join(finding_stories, finding_stories.c.finding == findings.c.id)
    .where(finding_stories.c.story == bindparam("story"))
    .order_by(findings.c.at.desc(), findings.c.id)
    .limit(bindparam("most"))
)
_LATEST_OPEN = (
    select(findings.c.severity)
    .where(findings.c.state == State.OPEN.value)
    .order_by(findings.c.at.desc(), findings.c.id.desc())
    .limit(COUNTED)
    .subquery()
)
_OPEN = sql(select(_LATEST_OPEN.c.severity, func.count()).group_by(_LATEST_OPEN.c.severity))
_OF_RULE = (
    select(findings.c.id)
    .where(findings.c.rule == bindparam("rule"), findings.c.at >= bindparam("since"))
    .limit(COUNTED)
    .subquery()
)
_FOUND = sql(select(func.count()).select_from(_OF_RULE))


# ---- what rules remember


_TRACKS = keyed(select(tracks.c.key, tracks.c.value))


async def load(tx: Tx, keys: Iterable[str]) -> dict[str, str]:
    """The tracks that there are of *keys*, as they are stored: for `as_tracks` and `as_stories`."""
    return dict((await rows_of(tx, _TRACKS, keys)).values())


def as_tracks(texts: Mapping[str, str]) -> dict[str, Track]:
    """What rules remember, of what `load` brought."""
    return {
        key: tuple([Mark(Instant(at), tuple(value)) for at, *value in orjson.loads(text)])
        for key, text in texts.items()
    }  # fmt: skip


def as_stories(texts: Mapping[str, str]) -> dict[str, Begun]:
    """What sign-ins told so far, by their ids, of what `load` brought for `story_keys`."""
    return {key.removeprefix(STORY): from_document(orjson.loads(text)) for key, text in texts.items()}


def story_keys(ids: Iterable[str]) -> list[str]:
    """Where it is kept what those sign-ins told."""
    return [STORY + id for id in ids]


class Changes(NamedTuple):
    """What is to be different: rows of parameters, each with the text that it was made from."""

    added: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    dropped: list[dict[str, Any]]


def changes(
    loaded: Mapping[str, str], tracks_: Mapping[str, tuple[Track, Instant]], stories: Mapping[str, Begun]
) -> Changes:
    """What `Past.changed` and *stories* make different, where *loaded* was there."""
    told: dict[str, tuple[Any, Instant]] = {
        key: ([(mark.at, *mark.value) for mark in track], until) for key, (track, until) in tracks_.items()
    }
    told |= {STORY + id: (to_document(begun), begun.expires) for id, begun in stories.items()}
    found = Changes([], [], [])
    for key, (value, expires) in told.items():
        old, new = loaded.get(key), orjson.dumps(value).decode()
        if old is None and value:
            found.added.append({"key": key, "value": new, "expires": expires})
        elif old is not None and value:
            found.changed.append({"key_": key, "old": old, "value": new, "expires": expires})
        elif old is not None:
            found.dropped.append({"key_": key, "old": old})
    return found


async def save(tx: Tx, new: Changes) -> None:
    """Write *new*. Raises Stale, or Clash, where something is not there as it was when it was loaded."""
    await tx.many(_ADD_TRACK, new.added)
    changed, dropped = await tx.many(_SET_TRACK, new.changed), await tx.many(_DROP_TRACK, new.dropped)
    if changed != len(new.changed) or dropped != len(new.dropped):
        raise Stale


async def tidy(tx: Tx, now: Instant, *, most: int, keep: int) -> int:
    """Remove up to *most* tracks that count for nothing, and those nearest to it beyond *keep* of them; how many."""
    gone = await tx.run(_TIDY, now=now, most=most)
    row = await tx.one(_COUNT)
    beyond = (row[0] if row else 0) - keep
    return gone + (await tx.run(_SHED, most=min(most, beyond)) if beyond > 0 else 0)


# ---- findings


def _kept(row: Row) -> Kept:
    of = dict(zip(FINDING, row, strict=True))
    finding = Finding(
        id=of["id"], rule=of["rule"], severity=Severity(of["severity"]), at=Instant(of["at"]),
        sentence=of["sentence"], entry=of["entry"], story=of["story"], user=of["user"] or "",
        client=of["client"] or "", session=of["session"] or "", exemption=of["exemption"] or "",
        source=of["source"] or "", country=of["country"] or "", evidence=orjson.loads(of["evidence"]),
        cause=Cause(of["cause"]),
    )  # fmt: skip
    return Kept(
        finding, State(of["state"]), Instant(of["detected"]), Instant(of["changed"]), of["seen"], Instant(of["last"])
    )


async def find(tx: Tx, id: str) -> Kept | None:
    """The finding of that id."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else _kept(row)


async def add(tx: Tx, finding: Finding, now: Instant) -> bool:
    """
    Keep *finding*; False where it is there already, and then it was seen once more, with its sign-in among those that
    it is about. One that counts for more than before (`risen`) is as it came last, and waits for its answer again; so
    does one that was dismissed, where it comes for another sign-in or rose: what was dismissed with it stays so.
    """
    row = await tx.one(_BEFORE, id=finding.id, story=finding.story)
    if row is None:
        values = _values(finding, now, ranks(finding))
        plain = {name: getattr(finding, name, None) or None for name in FINDING}
        await tx.run(_ADD, **plain | values | {"detected": now, "seen": 1})
        await tx.run(_DROP_STORIES, id=finding.id)  # of one of that id that is gone
        await _about(tx, finding)
        return True
    state, told = State(row[0]), bool(row[5]) or not finding.story
    if (counts := _counts_for(state, row, finding, told=told)) is None:
        await tx.run(_AGAIN, id_=finding.id, at_=finding.at, now=now)
    else:
        await tx.run(_ROSE, id_=finding.id, **{f"{n}_": value for n, value in _values(finding, now, counts).items()})
    if state is State.DISMISSED and counts is not None:
        await tx.run(_DROP_STORIES, id=finding.id)
        told = False
    if not told:
        await _about(tx, finding)
    return counts is not None


def _counts_for(state: State, row: Row, finding: Finding, *, told: bool) -> Ranks | None:
    """What it counts for from now on, where that is news. What an administrator confirmed is as high as can be."""
    if state is State.OPEN:
        return risen(Ranks(row[3], row[4]), finding)
    if state is State.CONFIRMED:
        return None
    dismissed = ranks(replace(finding, severity=Severity(row[1]), cause=Cause(row[2])))
    return ranks(finding) if not told or risen(dismissed, finding) is not None else None


async def _about(tx: Tx, finding: Finding) -> None:
    if finding.story:
        await tx.run(_ADD_STORY, finding=finding.id, story=finding.story)


def _values(finding: Finding, now: Instant, counts: Ranks) -> dict[str, Any]:
    """The columns of `_RISING`."""
    plain = {name: getattr(finding, name, None) or None for name in _RISING}
    return plain | {
        "severity": finding.severity.value, "state": State.OPEN.value, "changed": now, "at": finding.at,
        "last": finding.at, "story": finding.story, "cause": finding.cause.value, "sign_in_risk": counts.sign_in,
        "person_risk": counts.person,
        "evidence": orjson.dumps(dict(finding.evidence), option=orjson.OPT_SORT_KEYS).decode(),
    }  # fmt: skip


async def page(tx: Tx, wheres: Sequence[Where], *, after: Place | None, most: int, rising: bool = False) -> list[Kept]:
    """Up to *most* findings beyond *after*, by their time."""
    return [_kept(row) for row in await finding_rows(tx, wheres, after=after, most=most, rising=rising)]


async def forget(tx: Tx, before: Instant, *, most: int) -> int:
    """
    Remove up to *most* findings of what happened before *before*, with what was done about them, and all such counts;
    how many.
    """
    await tx.run(_FORGET_STORIES, before=before, most=most)
    await tx.run(_FORGET_RESPONSES, before=before, most=most)
    return await tx.run(_FORGET, before=before, most=most) + await tx.run(_FORGET_HELD, before=before)


async def hold_back(tx: Tx, rule: str, hour: Instant, count: int) -> None:
    """Count *count* findings of *rule* in that hour that were not kept."""
    if not await tx.run(_HOLD_BACK, rule_=rule, hour_=hour, more=count):
        await tx.run(_FIRST_HELD, rule=rule, hour=hour, count=count)


async def held(tx: Tx, since: Instant) -> dict[str, int]:
    """How many findings were not kept since then, by rule."""
    return {rule: int(count) for rule, count in await tx.all(_HELD, since=since)}


async def stories_of(tx: Tx, finding: str, most: int) -> list[str]:
    """Up to *most* sign-ins that a finding came for."""
    return [str(row[0]) for row in await tx.all(_STORIES_OF, finding=finding, most=most)]


async def of_story(tx: Tx, story: str, most: int) -> list[Kept]:
    """Up to *most* findings that came for a sign-in, the latest first."""
    return [_kept(row) for row in await tx.all(_OF_STORY, story=story, most=most)]


async def open_by_severity(tx: Tx) -> dict[str, int]:
    """How many findings nobody has said anything of, by severity: of the latest `COUNTED` of them."""
    return {str(severity): int(count) for severity, count in await tx.all(_OPEN)}


async def found_since(tx: Tx, rule: str, since: Instant) -> int:
    """How many findings of *rule* are about what happened since then, up to `COUNTED`."""
    row = await tx.one(_FOUND, rule=rule, since=since)
    return int(row[0]) if row else 0
