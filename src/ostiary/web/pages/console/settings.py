"""
Settings: how this house is set, on one page, and the one thing of it that a page changes: what is done about findings.

What an operator configured is shown as it is in force; it is changed in the configuration alone. INVARIANT: no secret
and no address that holds one is ever shown, whoever asks.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.responses import Response

from ostiary.core.detections.finding import Severity
from ostiary.core.detections.response import DEFAULT, ResponsePolicy, version_of
from ostiary.core.detections.response import Response as Done
from ostiary.core.detections.rules import BY_ID
from ostiary.core.directory.permissions import Action
from ostiary.core.graph.key import state
from ostiary.core.graph.query import Compare, Query
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.outcome import Refused
from ostiary.services.detections.triage import change_responses, look_at_responses
from ostiary.services.directory.provisioners import list_provisioners
from ostiary.services.logs.checkpoints import log_keys
from ostiary.services.logs.list import audits
from ostiary.services.logs.sinks import list_sinks
from ostiary.services.notices.channels import list_channels
from ostiary.services.tokens.rotation import held_keys
from ostiary.web.front import typed
from ostiary.web.pages.console.findings import SEVERITIES, said_of
from ostiary.web.pages.console.frame import console_page, may, proof_asked, seen, show, version_seen, version_typed
from ostiary.web.pages.console.lists import Tag
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.page import LONGEST_TEXT, Guest, go, keep, whole_minutes
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

HERE = at("/console/settings")
CONFIRMED = "confirmed"
_CHOSEN = tuple(one for one in Done if one is not Done.NOTE)
"""What can be ticked; nothing of it is `note`."""
_ROWS = (*(level.value for level in SEVERITIES), CONFIRMED)
_KEYS: Mapping[str, Tag] = {
    "waiting": Tag(marked("signs later")),
    "signing": Tag(marked("signs"), "good"),
    "published": Tag(marked("signs no more, and still counts")),
    "ended": Tag(marked("ended")),
}


class Row(NamedTuple):
    """What is done about one sort of findings: as it stands, and as boxes to tick."""

    tag: Tag
    stands: tuple[str, ...]
    boxes: tuple[tuple[str, str, bool], ...]
    """Name of the field, its label, and whether it is ticked."""


def _field(row: str, one: Done) -> str:
    return f"{row}.{one.value}"


_FIELDS = (*(_field(row, one) for row in _ROWS for one in _CHOSEN), "block", "reason", "version")


def _rows(policy: ResponsePolicy, typed_in: Mapping[str, str]) -> tuple[Row, ...]:
    """The sorts of findings, with what was typed where something was."""
    found = []
    for name in _ROWS:
        done = policy.confirmed if name == CONFIRMED else policy.severities[Severity(name)]
        tag = Tag(marked("confirmed by an administrator")) if name == CONFIRMED else SEVERITIES[Severity(name)]
        boxes = []
        for one in _CHOSEN:
            ticked = _field(name, one) in typed_in if "version" in typed_in else one in done
            boxes.append((_field(name, one), said_of((one,))[0], ticked))
        found.append(Row(tag, said_of(done), tuple(boxes)))
    return tuple(found)


async def _page(guest: Guest, refused: Refused | None = None) -> Response:
    house, visit, settings = guest.house, guest.visit, guest.house.settings
    found = await look_at_responses(house, visit)
    policy, refused = (DEFAULT, found) if isinstance(found, Refused) else (found, refused)
    own = [(BY_ID[rule].title if rule in BY_ID else rule, said_of(done)) for rule, done in policy.rules.items()]
    anchored = Query(filter=Compare("kind", "eq", Kind.LOG_ANCHORED), top=1)
    typed_in = guest.form or guest.kept
    return show(
        guest, "settings.html", HERE, refused=refused, settings=settings, limits=settings.limits, proxy=settings.proxy,
        providers=tuple(house.outside.upstream.providers.values()), log_keys=await log_keys(house),
        keys=[(key, _KEYS[state(key)]) for key in held_keys(house, visit.now)],
        anchors=[each.entry for each in seen(await audits(house, visit, anchored))],
        sinks=seen(await list_sinks(house, visit, Query())),
        channels=seen(await list_channels(house, visit, Query(), own=False)),
        provisioners=seen(await list_provisioners(house, visit, Query())),
        rows=_rows(policy, typed_in), block=policy.block, block_typed=typed_in.get("block", ""),
        own_rules=own, version=version_typed(guest, "version", version_of(policy), refused), path=HERE.path,
        may_change=may(guest, Action.TRIAGE_FINDINGS), reason=guest.typed("reason")[:LONGEST_TEXT],
        me=visit.caller.user,
    )  # fmt: skip


async def _change(guest: Guest) -> Response:
    block = whole_minutes(guest.form.get("block", ""), field="blockLength")
    if isinstance(block, Refused):
        return await _page(guest, block)
    ticked = {row: [one.value for one in _CHOSEN if _field(row, one) in guest.form] for row in _ROWS}
    changes: dict[str, Any] = {
        "severities": {row: done for row, done in ticked.items() if row != CONFIRMED},
        "confirmed": ticked[CONFIRMED],
        "blockLength": block,
    }
    reason = guest.form.get("reason", "").strip()[:LONGEST_TEXT]
    answer = await change_responses(guest.house, guest.visit, changes, reason, seen=version_seen(guest, "version"))
    if not isinstance(answer, Refused):
        return go(HERE.path, typed.forget())
    return proof_asked(answer, HERE.path, keep(guest, _ONE)) or await _page(guest, answer)


_ONE = console_page(HERE, get=_page, post=_change, keeps=_FIELDS)
ROUTES = (_ONE,)
