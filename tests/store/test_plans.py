"""What anybody can make the service look up is found by an index, whatever the size of the table."""

import sqlite3
from pathlib import Path

import pytest

from ostiary.store import (
    credentials,
    detections,
    directory,
    habits,
    logs,
    moments,
    notices,
    policies,
    requests,
    responses,
    risk,
    sign_in_pages,
    signins,
    stories,
)
from ostiary.store.migrate import migrate
from ostiary.store.sql import Sql

ASKED = {
    "administrators, by everybody who opens /setup": directory._ADMINISTRATORS,
    "open codes, by everybody who opens /setup": credentials._OPEN_INVITATIONS,
    "links of one person": credentials._VOID,
    "wrong tries": credentials._TRY,
    "links that ran out": credentials._FORGET_INVITATIONS,
    "what a person should be told": directory._TOLD,
    "when a person signed in last": directory._LAST,
    "which entries become notices, twice a second": notices._WATCHED,
    "how far a reader looks": logs._REACH,
    "what detections remember, for each batch": detections._TRACKS(256),
    "what detections forget": detections._TIDY,
    "findings older than the journal": detections._FORGET,
    "what was done about them": detections._FORGET_RESPONSES,
    "what was done in an hour because of one person": responses._LATELY_OF,
    "what was done about a finding": responses._ANSWERS,
    "sign-ins that a finding came for": detections._STORIES_OF,
    "what was found about a sign-in": detections._OF_STORY,
    "how risky a person is": risk._RISKY_ONE,
    "what makes a person risky": risk._COUNTING,
    "as what somebody saw it": risk._VERSIONS,
    "which notices are due, twice a second": notices._DUE_CHANNELS,
    "the next notice of a channel": notices._NEXT,
    "whom the kill switch stopped": notices._OF_STOPPED,
    "what ends soon": moments._ENDING,
    "what waits for a decision, every five seconds": moments._WAITING,
    "what owes a review": moments._OWED,
    "which moments were told": moments._TOLD,
    "what was said of requests": requests._DECISIONS_OF,
    "how a policy changed, the latest first": policies._LATEST,
    "what changed a policy after a day": policies._EARLIEST,
    "what a person asked for before": habits.REQUESTS,
    "from where a person signed in before": habits.SIGN_INS,
    "the sign-ins of a page": sign_in_pages._STORIES(256),
    "what became of the sessions of a page": stories._LIVES(256),
    "who the people of a page are": stories._NAMES(256),
    "when a person used an exemption last": habits.USE,
}


def _plan(path: Path, statement: Sql) -> list[str]:
    """How SQLite would go about *statement* on a new database at *path*."""
    migrate(path)
    asked = {**dict.fromkeys(statement.names), **statement.constants}
    with sqlite3.connect(path) as db:
        return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", asked)]


@pytest.mark.parametrize("what", ASKED)
def test_nothing_that_anybody_asks_reads_a_whole_table(tmp_path: Path, what: str) -> None:
    """SQLite says how it would go about it; a scan would be slower with every account."""
    steps = _plan(tmp_path / "t.db", ASKED[what])
    assert steps
    assert not [step for step in steps if step.startswith("SCAN")], steps


def test_what_a_claim_looks_at_stands_in_its_index(tmp_path: Path) -> None:
    """The person's last sign-ins are read from the index alone: 200 look-ups of rows would be a tenth of a sign-in."""
    steps = _plan(tmp_path / "t.db", signins._BEFORE)
    assert [step for step in steps if "USING COVERING INDEX signins_user" in step], steps


@pytest.mark.parametrize("statement", [responses._PEOPLE, responses._PEOPLE_OF])
def test_what_is_asked_before_a_response_stands_in_its_index(tmp_path: Path, statement: Sql) -> None:
    """It is asked for each response to each finding: looked up in rows, the findings of a busy day held up sign-ins."""
    steps = _plan(tmp_path / "t.db", statement)
    assert [step for step in steps if "USING COVERING INDEX findings_people (severity=? AND at>?)" in step], steps
