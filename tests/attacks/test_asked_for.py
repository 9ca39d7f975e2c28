"""
A code whose machine asks for an exemption: its person has none, is eligible, and is talked into asking for one with
their yes; the approver knows no better either (R1, R5).
"""

import pytest

from ostiary.core.exemptions.deciding import Verdict
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import after, days
from ostiary.services.exemptions.decide import decide_request
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from tests.attacks.plots import Attack, Mitigation, Outcome, Stop, by_registration, cases, prove, stopped, used
from tests.attacks.stage import ABROAD, Stage, typed
from tests.attacks.test_relayed_codes import BLOCKED, COUNTRY, DEVICE, NUMBER, TICKET, guessed

NOT_ASKED = "403 access_denied: AADSTS53003"
ASKING: Mitigation = by_registration(
    "R1", "no exemptions by code", on={"exemption_requests": False}, off={"exemption_requests": True}
)


def asked_for(stage: Stage) -> Outcome:
    """Started abroad with a reason that sounds right; Alice says yes and asks, Bea approves without a look."""
    server = stage.server
    server.end_exemptions("alice")
    until = after(server.clock.now(), days(30))
    server.run(
        give_eligibility(stage.house, stage.admin(), Wanted(server.people["alice"].username, "work", ends=until))
    )
    machine, victim = stage.machine(ABROAD, key=True), stage.person("alice")
    begun = machine.start(ostiary_request="fix INC-4412", ostiary_number="1")
    if begun.status_code != 200:
        return stopped(begun)
    device_code = begun.json()["device_code"]
    claimed = typed(victim, begun.json()["user_code"])
    if claimed.status_code != 303:
        return stopped(claimed)
    path = claimed.headers["location"]
    answer = victim.submit(victim.get(path), path, reason="fix INC-4412", length="60", ticket="")
    page = victim.get(path) if answer.status_code == 303 else answer
    told = machine.poll(device_code)
    if told.json().get("ostiary_confirm") == "number":
        machine.post("confirm", {"device_code": device_code, "number": guessed(page.text)})
        told = machine.poll(device_code)
    request = told.json().get("ostiary_request")
    if request is None or told.json()["error"] != "authorization_pending":
        return stopped(told if told.json()["error"] != "authorization_pending" else page)
    bea = stage.judge()
    server.run(decide_request(stage.house, bea, ExemptionId(request), Verdict(True, "fine")))
    return used(machine, machine.poll(device_code))


ATTACKS = (
    Attack(
        "a relayed code that asks for an exemption",
        asked_for,
        (
            Stop(ASKING, NOT_ASKED),
            Stop(COUNTRY, BLOCKED),
            Stop(DEVICE, "403 access_denied: AADSTS50097: Policy asks for a machine that the organisation knows"),
            Stop(TICKET, "starts with a ticket that the person takes"),
            Stop(NUMBER, "The request was withdrawn."),
        ),
    ),
)


@pytest.mark.parametrize(("attack", "only"), cases(ATTACKS))
def test_each_mitigation_stops_asking_for_somebody_elses_machine(
    stage: Stage, attack: Attack, only: Stop | None
) -> None:
    """R1, M1, M7, M15, M16: each alone; none of them, and the attacker is Alice."""
    prove(stage, attack, only)
