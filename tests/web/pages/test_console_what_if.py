"""What-if in the console: what every policy would say to a sign-in of a person, or of an application alone."""

from typing import Any

import pytest

from ostiary.core.access.conditions.client_applications import EVERY
from ostiary.core.directory.people import Role
from ostiary.services.access.locations import create_location
from tests.web.pages.site import ADMIN_API, BOB, TOOL, Browser, Site
from tests.web.pages.test_console import entered, table
from tests.web.pages.test_console_policies import HERE, NEW, save, words
from tests.web.pages.test_texts import GERMAN

ASKED = f"{HERE}/what-if?application={ADMIN_API}"
ALONE = f"{ASKED}&way=alone"


@pytest.fixture
def auditor(site: Site) -> Browser:
    """Bob, who only looks."""
    return entered(site, BOB, Role.AUDITOR)


def verdicts(browser: Browser, asked: str) -> dict[str, str]:
    """What each policy says to what is *asked*."""
    page = browser.get(asked)
    assert page.status_code == 200, words(page)
    return {row[0]: row[1] for row in table(page)}


def test_what_if_tells_the_decision_and_what_each_policy_says(site: Site, auditor: Browser) -> None:
    """By the same question as the admin API's; what was typed stays, what is wrong is explained."""
    save(site)
    asked = f"{HERE}/what-if?person=bob@example.com&application={ADMIN_API}&way=device"
    page = auditor.get(asked)
    assert page.status_code == 200
    assert table(page) == [
        ["Block device code flow", "says no", "It blocks."],
        ["Second factor for the tool", "report-only: would say no", "Missing: mfa"],
    ]
    assert "blocked" in words(page)
    assert 'value="bob@example.com"' in page.text
    passed = auditor.get(asked + "&exemption=yes&factor=yes")
    assert table(passed) == [
        ["Block device code flow", "does not apply", "It is not meant: Who"],
        ["Second factor for the tool", "report-only: satisfied", "–"],
    ]
    assert "Policy lets it through." in passed.text
    machine = {"controls": {"requesterDevice": ["managed"]}}
    save(site, NEW | {"displayName": "From our machines", "grantControls": None, "ostiary": machine})
    for held, verdict in (("none", "report-only: would say no"), ("managed", "report-only: satisfied")):
        rows = {row[0]: row[1] for row in table(auditor.get(f"{asked}&machine={held}"))}
        assert rows["From our machines"] == verdict
    for right, wrong, says in (
        ("person=bob@", "person=nobody@", "There is no such person."),
        ("application=0", "application=x", "Choose what the sign-in is for."),
        ("way=device", "way=pigeon", "That cannot be chosen."),
        ("way=device", "address=nowhere", "Policy says no."),
    ):
        answer = auditor.get(asked.replace(right, wrong))
        assert says in answer.text
        assert answer.status_code in (200, 400, 404)
    assert len(site.entries("admin:policy:created")) == 2


def test_a_policy_on_the_client_application_matches_with_that_client_alone(site: Site, auditor: Browser) -> None:
    """
    Graph's `clientApplications`: it is about applications that ask alone, and of these about the one that it names. The
    same application with a person in front of it is not meant.
    """
    for name, sides in (
        ("The tool", {"includeServicePrincipals": ["o1"]}),
        ("All but the tool", {"includeServicePrincipals": [EVERY], "excludeServicePrincipals": ["o1"]}),
    ):
        conditions = NEW["conditions"] | {"users": {"includeUsers": ["None"]}, "clientApplications": sides}
        block = {"operator": "OR", "builtInControls": ["block"]}
        save(site, NEW | {"displayName": name, "state": "enabled", "conditions": conditions, "grantControls": block})
    no, out = "says no", "does not apply"
    told = verdicts(auditor, f"{ALONE}&client={TOOL}")
    assert (told["The tool"], told["All but the tool"]) == (no, out)
    told = verdicts(auditor, f"{ALONE}&client={ADMIN_API}")
    assert (told["The tool"], told["All but the tool"]) == (out, no)
    told = verdicts(auditor, f"{ASKED}&person=bob@example.com&way=browser&client={TOOL}")
    assert (told["The tool"], told["All but the tool"]) == (out, out)
    page = auditor.get(f"{ALONE}&client={TOOL}")
    assert "Policy says no." in words(page)
    assert f'<option value="{TOOL}" selected>Build tool</option>' in page.text
    assert "It is not meant: Which workloads" in words(page)


def test_an_application_alone_is_where_it_asks_from(site: Site, auditor: Browser) -> None:
    """It has one address, which counts for policies on the person's place and on the machine's."""
    for name, where in (("Abroad", "conditions"), ("Machines abroad", "ostiary")):
        place: dict[str, Any] = {"locations": {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}}
        ours = {"ostiary": {"conditions": {"requesterLocations": place["locations"]}}} if where == "ostiary" else {}
        conditions = NEW["conditions"] | {"users": {"includeUsers": ["All"]}} | ({} if ours else place)
        save(site, NEW | {"displayName": name, "conditions": conditions, **ours})
    trusted = {
        "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Racks", "isTrusted": True,
        "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"}],
    }  # fmt: skip
    assert hasattr(site.run(create_location(site.house, site.admin(), trusted, "they stand there")), "id")
    for address, verdict in (
        ("203.0.113.9", "report-only: does not apply"),
        ("198.51.100.7", "report-only: would say no"),
    ):
        told = verdicts(auditor, f"{ALONE}&client={TOOL}&address={address}")
        assert (told["Abroad"], told["Machines abroad"]) == (verdict, verdict), address


def test_the_scopes_that_are_asked_for_are_held_against_a_ceiling(site: Site, auditor: Browser) -> None:
    """Names of OpenID Connect do not count, but `offline_access` does; what is not told counts at its worst."""
    ceiling = {"controls": {"scopes": ["User.Read"]}}
    save(site, NEW | {"displayName": "No more than this", "grantControls": None, "ostiary": ceiling})
    asked = f"{ASKED}&person=bob@example.com&way=device"
    for scopes, verdict in (
        ("", "would say no"), ("&scopes=User.Read+openid+profile", "satisfied"),
        ("&scopes=User.Read+offline_access", "would say no"),
    ):  # fmt: skip
        assert verdicts(auditor, asked + scopes)["No more than this"] == f"report-only: {verdict}", scopes


def test_what_does_not_go_together_is_said_in_the_reader_s_language(site: Site, auditor: Browser) -> None:
    """An application that asks alone is named, and has nothing that only people have; scopes are the resource's."""
    person = f"{ASKED}&person=bob@example.com"
    wrong = (
        (ALONE, "Wählen Sie, welche Anwendung anfragt."),
        (f"{ALONE}&client={TOOL}&person=bob@example.com", "Eine Anwendung allein hat keine Person"),
        (f"{ALONE}&client={TOOL}&exemption=yes", "Eine Anwendung allein hat keine Person"),
        (f"{ALONE}&client=unheard-of", "Das steht nicht zur Auswahl."),
        (f"{person}&client=unheard-of", "Das steht nicht zur Auswahl."),
        (f"{person}&scopes=Mail.Read", "Keine Berechtigung dieser Ressource: Mail.Read"),
        (f"{person}&scopes={'User.Read+' * 200}", "Das ist zu lang, um gelesen zu werden."),
    )
    auditor.client.headers.update(GERMAN)
    for asked, says in wrong:
        answer = auditor.get(asked)
        assert answer.status_code == 400, asked
        assert says in words(answer), asked
        assert 'id="answer"' not in answer.text
