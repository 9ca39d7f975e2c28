"""Risk where policy decides: findings block what they are about, and nothing else; detectors that are behind close."""

from typing import Any

from sqlalchemy import select, update

from ostiary.core.detections.finding import Cause, Finding, Severity, State
from ostiary.core.words.instants import days, seconds
from ostiary.core.words.outcome import Reason
from ostiary.services.detections.read import run_detections
from ostiary.services.tokens.issue import Issued
from ostiary.store import Tx, detections, responses, schema
from tests.services.door import Door
from tests.services.test_policy import BLOCK, approve, refresh, save, sign_in, why
from tests.web.oauth.site import ALICE, BOB


def found(door: Door, id: str, *, story: str = "", user: str = ALICE, cause: Cause = Cause.PERSON,
          severity: Severity = Severity.HIGH) -> None:  # fmt: skip
    """A finding of now, as the reader keeps it."""
    finding = Finding(id, "planted", severity, door.clock.now(), "Planted.", "n1.1", story, user, cause=cause)
    door.write(lambda tx: detections.add(tx, finding, door.clock.now()))


def begun(door: Door, **conditions: Any) -> tuple[Issued, str]:
    """A sign-in under a policy about risk, and its id."""
    door.open(length=days(1))
    save(door, conditions=conditions, **BLOCK)
    issued = sign_in(door)
    assert isinstance(issued, Issued)
    ((story,),) = door.rows(select(schema.signins.c.id))
    return issued, story


def read(door: Door) -> None:
    """The rules catch up."""
    door.run(run_detections(door.house, door.at_machine("")))


def test_a_finding_about_a_sign_in_blocks_its_refresh_and_no_other(door: Door) -> None:
    """`signInRiskLevels` asks what was found about this very sign-in; the journal keeps the levels decided on."""
    issued, story = begun(door, signInRiskLevels=["high"])
    found(door, "f0", story="another", user=BOB)
    again = refresh(door, issued.refresh_token)
    assert isinstance(again, Issued)
    assert door.entries("token:session:refreshed")[-1]["detail"]["facts"]["signInRisk"] == "none"
    found(door, "f1", story=story, cause=Cause.ANYBODY)
    assert why(refresh(door, again.refresh_token)) is Reason.BLOCKED
    told = door.entries("token:session:refresh_refused")[-1]["detail"]["facts"]
    assert (told["signInRisk"], told["userRisk"]) == ("high", "none")  # nobody's own act makes a person risky
    door.change(update(schema.findings).values(sign_in_risk=0))
    assert isinstance(refresh(door, again.refresh_token), Issued)


def test_a_risky_person_is_blocked_until_it_counts_no_more(door: Door) -> None:
    """`userRiskLevels` asks for the worst about the person's own acts that is young enough."""
    issued, _ = begun(door, userRiskLevels=["medium", "high"])
    found(door, "f1", user=BOB)
    found(door, "f2", cause=Cause.REPORTER)
    assert isinstance(refresh(door, issued.refresh_token), Issued)
    found(door, "f3", severity=Severity.MEDIUM)
    assert why(approve(door, door.started().user_code)) is Reason.BLOCKED  # at the start nobody is known
    door.clock.move(days(14))
    read(door)
    door.open()
    assert isinstance(sign_in(door), Issued)


def test_r4_detectors_that_are_behind_leave_no_level_known(door: Door) -> None:
    """R4: an entry that the rules have not seen for half a minute might be the one that matters: it is closed."""
    issued, _ = begun(door, signInRiskLevels=["high"])
    door.clock.move(seconds(31))
    assert why(refresh(door, issued.refresh_token)) is Reason.BLOCKED
    assert "signInRisk" not in door.entries("token:session:refresh_refused")[-1]["detail"]["facts"]
    read(door)
    assert isinstance(refresh(door, issued.refresh_token), Issued)


def test_every_sign_in_that_a_finding_is_about_has_its_risk(door: Door) -> None:
    """A relay's second victim is as risky as the first, though it is one finding; forgotten, it counts for neither."""
    issued, story = begun(door, signInRiskLevels=["high"])
    found(door, "f1", story="another", user=BOB, cause=Cause.ANYBODY)
    again = refresh(door, issued.refresh_token)
    assert isinstance(again, Issued)
    found(door, "f1", story=story, cause=Cause.ANYBODY)
    assert why(refresh(door, again.refresh_token)) is Reason.BLOCKED
    assert sorted(door.rows(select(schema.finding_stories))) == sorted([("f1", "another"), ("f1", story)])
    assert door.rows(select(schema.findings.c.seen, schema.findings.c.story)) == [(2, "another")]
    door.clock.move(seconds(1))
    door.write(lambda tx: detections.forget(tx, door.clock.now(), most=9))
    assert door.rows(select(schema.finding_stories)) == []
    read(door)
    assert isinstance(refresh(door, again.refresh_token), Issued)


def test_what_was_dismissed_is_open_again_for_another_sign_in_alone(door: Door) -> None:
    """The dismissed one stays harmless, however often it is seen."""
    issued, story = begun(door, signInRiskLevels=["high"])
    found(door, "f1", story=story, cause=Cause.ANYBODY)

    async def dismissed(tx: Tx) -> None:
        kept = await detections.find(tx, "f1")
        assert kept is not None
        assert await responses.word(tx, kept, State.DISMISSED, door.clock.now())

    door.write(dismissed)
    found(door, "f1", story=story, cause=Cause.ANYBODY)
    states = select(schema.findings.c.state, schema.findings.c.sign_in_risk)
    assert door.rows(states) == [("dismissed", 0)]
    found(door, "f1", story="another", user=BOB, cause=Cause.ANYBODY)
    assert door.rows(states) == [("open", 3)]
    assert door.rows(select(schema.finding_stories)) == [("f1", "another")]
    assert isinstance(refresh(door, issued.refresh_token), Issued)


def test_what_was_dismissed_is_open_again_where_it_is_worse(door: Door) -> None:
    """Somebody said that the milder one was harmless, not this."""
    found(door, "f1", story="s1", cause=Cause.ANYBODY)
    door.change(update(schema.findings).values(state="dismissed", sign_in_risk=0))
    found(door, "f1", story="s1", cause=Cause.HOLDER)
    columns = (schema.findings.c.state, schema.findings.c.cause, schema.findings.c.person_risk)
    assert door.rows(select(*columns)) == [("open", "holder", 3)]
