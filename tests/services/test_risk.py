"""Risk where policy decides: findings block what they are about, and nothing else; detectors that are behind close."""

from typing import Any

from sqlalchemy import select, update

from ostiary.core.detections.finding import Cause, Finding, Severity
from ostiary.core.words.instants import days, seconds
from ostiary.core.words.outcome import Reason
from ostiary.services.detections.read import run_detections
from ostiary.services.tokens.issue import Issued
from ostiary.store import detections, schema
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
