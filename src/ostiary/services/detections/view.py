"""
One finding with all that is known of it, and how many are open: what the console shows, where lists do not say it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.core.detections.finding import Kept, Severity, State
from ostiary.core.detections.response import ResponsePolicy
from ostiary.core.graph.audit import Audit
from ostiary.core.graph.finding import ShownFinding
from ostiary.core.graph.query import Compare, Query
from ostiary.core.graph.signin_story import Whole
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import SurveyTimeout
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.detections.list import find_finding
from ostiary.services.house import House
from ostiary.services.logs.list import audits
from ostiary.services.logs.sign_ins import signin_story
from ostiary.store import Tx, detections, responses
from ostiary.store.responses import Answered
from ostiary.store.stories import Where

__all__ = ["FindingFile", "OpenFindings", "findings_of", "open_findings", "view_finding"]

MOST_SIGN_INS, MOST_ANSWERS, MOST_WORDS = 20, 50, 20
"""Of each so many are shown of one finding, the latest of its history and the first of all else."""

MOST_OF_STORY = 20


@dataclass(frozen=True, slots=True)
class FindingFile:
    """A finding, and what came of it."""

    shown: ShownFinding
    story: Whole | None
    """Its sign-in, where it is about one that the log still holds."""
    others: tuple[str, ...]
    """Further sign-ins that it came for, by their ids."""
    answers: tuple[Answered, ...]
    """What was done about it, or held back and why."""
    history: tuple[Audit, ...]
    """When it was found, and what administrators said of it, the latest first."""
    policy: ResponsePolicy
    """What a confirmation would do."""


async def view_finding(house: House, visit: Visit, id: str) -> FindingFile | Refused:
    """Everything about the finding *id*. Refused: NOT_FOUND."""
    shown = await find_finding(house, visit, id)
    if isinstance(shown, Refused):
        return shown
    finding = shown.kept.finding
    story = await signin_story(house, visit, finding.story) if finding.story else None
    about = Query(filter=Compare("target", "eq", f"finding:{finding.id}"), top=MOST_WORDS)
    history = await audits(house, visit, about)

    async def body(tx: Tx) -> FindingFile:
        found = await detections.stories_of(tx, finding.id, MOST_SIGN_INS + 1)
        return FindingFile(
            shown,
            None if isinstance(story, Refused) else story,
            tuple(each for each in found if each != finding.story)[:MOST_SIGN_INS],
            tuple(await responses.answers(tx, finding.id, MOST_ANSWERS)),
            () if isinstance(history, Refused) else tuple(one for one in history.items if one.entry.kind in _WORDS),
            await responses.policy(tx),
        )

    return await house.store.survey(body)


_WORDS = frozenset({Kind.FINDING_RAISED, Kind.FINDING_CONFIRMED, Kind.FINDING_DISMISSED})


async def findings_of(house: House, story: str) -> tuple[Kept, ...]:
    """What was found about the sign-in *story*, the latest first, up to `MOST_OF_STORY`."""

    async def body(tx: Tx) -> list[Kept]:
        return await detections.of_story(tx, story, MOST_OF_STORY)

    return tuple(await house.store.read(body))


@dataclass(frozen=True, slots=True)
class OpenFindings:
    """What waits for an administrator's word."""

    counts: Mapping[Severity, int]
    """By severity, the worst first; of many, those of the latest 10,000."""
    worst: tuple[Kept, ...]
    """The latest of the worst severity that there is."""


async def open_findings(house: House, most: int) -> OpenFindings | None:
    """How many findings are open, and up to *most* of the worst; None where that took too long."""

    async def body(tx: Tx) -> OpenFindings:
        found = await detections.open_by_severity(tx)
        counts = {level: found.get(level.value, 0) for level in reversed(Severity)}
        worst = next((level for level, count in counts.items() if count), None)
        if worst is None:
            return OpenFindings(counts, ())
        asked = [Where("state", "eq", State.OPEN.value), Where("severity", "eq", worst.value)]
        return OpenFindings(counts, tuple(await detections.page(tx, asked, after=None, most=most)))

    try:
        return await house.store.survey(body)
    except SurveyTimeout:
        return None
