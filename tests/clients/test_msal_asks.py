"""msal, unmodified, for somebody who is only eligible: the page asks, the call ends, and the same call again passes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

from sqlalchemy import update

from ostiary.core.directory.applications import to_document
from ostiary.core.exemptions.deciding import Verdict
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import AppId, ExemptionId
from ostiary.core.words.instants import after, days
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.decide import decide_request
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from ostiary.store.exemptions import person as account
from ostiary.store.schema import applications
from tests.clients.needs import Server as Needed
from tests.clients.programs import msal_authority
from tests.clients.test_keys import administrator
from tests.clients.test_unmodified_clients import approve
from tests.journeys.browser import ASK, Desk
from tests.journeys.walk import change
from tests.server import CLIENTS, Server


def bea(server: Server) -> Visit:
    """An approver at her browser, freshly proved."""
    found = server.run(server.house.store.read(lambda tx: account(tx, server.people["bea"].username)))
    assert found is not None
    caller = Caller(
        CallerKind.USER, found.id, found.display_name, Origin.BROWSER, amr=("pwd", "otp", "mfa"),
        authenticated_at=server.clock.now(),
    )  # fmt: skip
    return Visit(server.clock.now(), server.house.random.guid(), caller=caller)


def test_r5_the_call_ends_with_the_address_and_the_same_call_passes_after_the_approval(
    server: Server, chromium: Desk, tmp_path: Path
) -> None:
    """R5, R9: 53003 with where the request is; nothing that msal keeps of the refusal is in the way of its retry."""
    id = AppId(CLIENTS["azure-cli"])
    document = to_document(replace(server.house.desk.picture.applications[id], exemption_requests=True))
    change(server, update(applications).where(applications.c.id == id).values(registration=json.dumps(document)))
    visit, alice = administrator(server), server.people["alice"]
    wanted = Wanted(alice.username, "runs the servers", ends=after(visit.now, days(30)))
    assert not isinstance(server.run(give_eligibility(server.house, visit, wanted)), Refused)
    server.open_exemption("dana")  # so that codes exist at all: msal cannot ask at the start
    with msal_authority(cast(Needed, server), tmp_path) as client, chromium.person(server.origin) as person:
        client.start()
        code = client.code()
        assert code is not None
        person.sign_in(alice.username, alice.password, alice.totp())
        person.enter_code(code)
        assert "cannot wait for that" in person.says()
        person.look(lambda page: page.get_by_label("Why", exact=True).fill("fix INC-4412"))
        person.look(lambda page: page.get_by_role("button", name=ASK, exact=True).click())
        person.look(lambda page: page.get_by_role("heading", name="Asked", exact=True).wait_for())
        ended = client.outcome()
        assert (ended.signed_in, ended.error) == (False, "invalid_grant")
        assert "AADSTS53003" in ended.description
        address = next(word for word in ended.description.split() if "/requests/" in word).strip("():")
        request = ExemptionId(address.rpartition("/")[2])
        said = server.run(decide_request(server.house, bea(server), request, Verdict(True, "known incident")))
        assert not isinstance(said, Refused), said
        client.start()
        approve(person, client.code())
        assert client.outcome().signed_in
