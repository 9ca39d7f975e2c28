"""An auditor reads everything and changes nothing, endpoint by endpoint."""

import sqlite3
from dataclasses import replace
from pathlib import Path as Folder

from ostiary.core.directory.people import Role
from ostiary.core.directory.permissions import TABLE, Action
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import AppId
from ostiary.store.schema import metadata
from tests.clock import MovableClock
from tests.records.house import CAROL, journal, person
from tests.web.graph.api import Api, play
from tests.web.graph.test_every_route import SCOPES, address, operations

PRIVATE = {Action.READ_DRILLS}
"""What auditors do not read either: who fell for a test of people (decision 0057)."""
OWN = {
    Action.READ_SELF, Action.END_OWN, Action.CHANGE_CHANNELS, Action.ASK_EXEMPTION, Action.ASK_AT_ONCE,
    Action.DECIDE_REQUEST,
}  # fmt: skip
"""What everybody may do, an auditor as well: about oneself, or as the rules of a group name them."""
LOOKING = {Action.ASK_POLICIES, Action.EXPORT_LOGS}
"""POSTs that change nothing but the note that they happened."""


def test_an_auditor_is_let_in_wherever_something_is_read(tmp_path: Folder) -> None:
    """Every GET of the API but one subject, from a browser, by a token with the scopes, and signed in by a code."""

    async def story(api: Api, clock: MovableClock) -> None:
        auditor = person(CAROL, Role.AUDITOR, origin=Origin.BROWSER, at=clock.now())
        by_code = person(CAROL, Role.AUDITOR, origin=Origin.DEVICE_CODE, at=clock.now())
        callers = (auditor, *(replace(one, client=AppId("cli"), scopes=SCOPES) for one in (auditor, by_code)))
        seen = 0
        for path, operation in operations():
            if operation.method != "GET":
                continue
            for caller in callers:
                api.caller = caller
                answer = await api.client.get(address(path))
                private = set(operation.actions) <= PRIVATE
                assert (answer.status_code == 403) is private, (path.path, answer.text)
                assert answer.status_code not in (401, 500), path.path
                seen += not private
        assert seen > 100

    play(tmp_path, story, keys=True)


def contents(folder: Folder) -> dict[str, list[str]]:
    """Every row of every table but the journal's own and the counts beside it."""
    passing = {"journal", "streams", "cursors", "stories", "log_leaves", "checkpoints", "log_keys"}
    with sqlite3.connect(folder / "ostiary.db") as db:
        return {
            name: sorted(map(repr, db.execute(f'SELECT * FROM "{name}"')))
            for name in metadata.tables
            if name not in passing
        }


def test_an_auditor_changes_nothing(tmp_path: Folder) -> None:
    """Every write that is not about oneself is refused, whatever the body; no table is another afterwards."""

    async def story(api: Api, clock: MovableClock) -> None:
        api.caller = person(CAROL, Role.AUDITOR, origin=Origin.BROWSER, at=clock.now())
        before, written, refused = contents(tmp_path), len(await journal(api.house)), 0
        for path, operation in operations():
            if operation.method == "GET":
                continue
            actions = set(operation.actions)
            if actions & OWN:
                continue
            for body in (b"[", b"{}"):
                answer = await api.client.request(operation.method, address(path), content=body)
                if not actions & LOOKING:
                    assert answer.status_code == 403, (operation.method, path.path, answer.text)
                    refused += 1
        assert refused > 100
        assert contents(tmp_path) == before
        assert {kind for kind, _ in (await journal(api.house))[written:]} <= {
            "admin:request:refused", "admin:log:exported", "admin:log_key:changed", "user:request:refused",
        }  # fmt: skip

    play(tmp_path, story, keys=True)


def test_no_action_that_writes_is_open_to_auditors() -> None:
    """Whatever is added to the table: what its role may do beyond everybody is reading."""
    for action, grant in TABLE.items():
        if grant.roles is not None and Role.AUDITOR in grant.roles:
            assert not grant.write, action
            assert action.value.endswith((":read", ":ask", ":export")), action
        if action.value.endswith(":read"):
            assert grant.roles is None or Role.AUDITOR in grant.roles or action in PRIVATE, action
