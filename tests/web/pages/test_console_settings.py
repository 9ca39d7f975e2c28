"""The console's settings: all of it is shown but secrets, and what is done about findings is changed there."""

import re
from dataclasses import replace
from ipaddress import ip_network

import pytest

from ostiary.core.detections.finding import Severity
from ostiary.core.detections.response import DEFAULT, Response, ResponsePolicy
from ostiary.core.directory.people import Role
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.upstream import Provider
from ostiary.core.words.instants import days, minutes
from ostiary.core.words.outcome import Refused
from ostiary.services.detections.triage import change_responses, look_at_responses
from ostiary.services.directory.provisioners import NewToken, add_provisioner
from ostiary.services.house import Proxy
from ostiary.services.logs.sinks import add_sink
from ostiary.services.notices.channels import add_channel
from ostiary.services.tokens.rotation import ensure_keys
from tests.web.pages.site import ALICE, BOB, Site, actions, hidden
from tests.web.pages.test_console import entered
from tests.web.pages.test_console_findings import text

PAGE = "/console/settings"
SECRET = "0penSesame"
WHY = "we look at these by hand"


def furnish(site: Site) -> list[str]:
    """Everything that there is to show, each with a secret in it; the secrets."""
    house, visit = site.house, site.admin()
    settings = replace(
        house.settings, ticket_host="tickets.example.com", ticket_token=f"{SECRET}-ticket", journal_kept=days(400),
        proxy=Proxy("x-forwarded-for", 2, networks=(ip_network("10.1.0.0/16"),), secret_header="x-secret",
                    secret=f"{SECRET}-proxy".encode()),
    )  # fmt: skip
    object.__setattr__(house, "settings", settings)
    house.outside.upstream.providers = {"work": Provider("work", "Example Ltd", "https://work.test", "ostiary")}
    site.run(ensure_keys(house, visit))
    hook = f"https://siem.example.com/in?token={SECRET}-sink"
    sink = site.run(add_sink(house, visit, {"name": "SIEM", "form": "webhook", "address": hook}, WHY))
    assert not isinstance(sink, Refused), sink
    chat = f"https://chat.example.com/{SECRET}-chat"
    channel = site.run(add_channel(house, visit, {"name": "Watch", "form": "webhook", "address": chat}, WHY, own=False))
    assert not isinstance(channel, Refused), channel
    made = site.run(add_provisioner(house, visit, "HR system", [], None, WHY))
    assert isinstance(made, NewToken), made
    return [SECRET, sink.secret, channel.secret, made.token]


def test_all_that_is_set_is_shown_and_no_secret(site: Site) -> None:
    """To an administrator and an auditor alike: addresses by their host alone, no token, no key's private half."""
    secrets = furnish(site)
    browser = entered(site, BOB, Role.AUDITOR)
    page, told = browser.get(PAGE), text(browser, PAGE)
    for says in (
        "tickets.example.com", "x-forwarded-for 10.1.0.0/16 2 hops", "Example Ltd", "https://work.test", "SIEM",
        "siem.example.com", "Watch", "chat.example.com", "HR system", "never used", "The journal is kept 400 days",
        "Sign-ins are kept for good", "signs", "of all: 100000", "Checkpoints go to no file.",
        "the exemption behind it ends",
    ):  # fmt: skip
        assert says in told, says
    assert all(secret and secret not in page.text for secret in secrets)
    assert not re.search(r"x-secret|PRIVATE|whsec", page.text)
    assert page.text.count("<form") == 1  # signing out
    admin = entered(site, ALICE, Role.ADMINISTRATOR).get(PAGE).text
    assert all(secret not in admin for secret in secrets)


def policy(site: Site) -> ResponsePolicy:
    """What is done now."""
    found = site.run(look_at_responses(site.house, site.admin()))
    assert isinstance(found, ResponsePolicy)
    return found


def test_an_administrator_changes_what_is_done_about_findings(site: Site) -> None:
    """
    Boxes that are ticked, and nothing else; a reason is needed, what was ticked stays where it is refused and on the
    way to fresh proof (R3); what rules have of their own stays as it is.
    """
    own = site.run(change_responses(site.house, site.admin(), {"rules": {"reported": ["note"]}}, WHY))
    assert not isinstance(own, Refused)
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    boxes = {"high.alert": "1", "high.blockSource": "1", "block": "90"}
    page = browser.get(PAGE)
    seen = hidden(page, PAGE)["version"]
    assert 'name="high.endExemption" value="1" checked' in page.text
    short = browser.submit(page, PAGE, **boxes, reason="")
    assert short.status_code == 400
    assert 'name="high.blockSource" value="1" checked' in short.text
    assert 'name="high.endExemption" value="1">' in short.text
    assert browser.submit(page, PAGE, **boxes | {"block": "0"}, reason=WHY).status_code == 400
    assert policy(site) == own
    site.clock.move(minutes(6))
    old = browser.submit(browser.get(PAGE), PAGE, **boxes, reason=WHY)
    assert old.headers["location"].startswith("/signin/again")
    kept = browser.get(PAGE).text
    assert ('name="high.blockSource" value="1" checked' in kept, WHY in kept) == (True, True)
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    assert browser.submit(browser.get(PAGE), PAGE, **boxes, reason=WHY).status_code == 303
    new = policy(site)
    assert new.severities[Severity.HIGH] == (Response.ALERT, Response.BLOCK_SOURCE)
    assert new.severities[Severity.MEDIUM] == new.confirmed == (Response.NOTE,)
    assert (new.rules, new.block) == ({"reported": (Response.NOTE,)}, minutes(90))
    lost = browser.post(PAGE, **hidden(browser.get(PAGE), PAGE) | boxes | {"version": seen, "reason": WHY})
    assert lost.status_code == 409
    assert "Somebody changed it meanwhile" in lost.text


def test_what_somebody_else_changed_meanwhile_is_not_overwritten_by_the_second_try(site: Site) -> None:
    """
    What was ticked is for the policy that stood there then, after a step-up and after any other refusal too; once the
    conflict was told, for the one of now.
    """
    browser = entered(site, ALICE, Role.ADMINISTRATOR)
    boxes = {"high.alert": "1", "block": "90", "reason": WHY}
    page = browser.get(PAGE)
    other = site.run(change_responses(site.house, site.admin(), {"blockLength": "PT2H"}, WHY))
    assert isinstance(other, ResponsePolicy)
    short = browser.submit(page, PAGE, **boxes | {"reason": ""})
    assert short.status_code == 400
    assert browser.submit(short, PAGE, **boxes).status_code == 409
    site.clock.move(minutes(6))
    again = browser.follow(browser.submit(short, PAGE, **boxes))
    back = browser.follow(browser.submit(again, "/signin/again", totp=site.totp(ALICE)))
    assert hidden(back, PAGE)["version"] == hidden(page, PAGE)["version"]
    lost = browser.submit(back, PAGE, **boxes)
    assert (lost.status_code, policy(site)) == (409, other)
    assert "Somebody changed it meanwhile" in lost.text
    assert 'name="high.endExemption" value="1">' in lost.text
    assert browser.submit(lost, PAGE, **boxes).status_code == 303
    assert policy(site).block == minutes(90)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.APPROVER, None])
def test_who_is_no_administrator_changes_no_setting(site: Site, role: Role | None) -> None:
    """An auditor reads it without a form, all others do not see it; a form that was sent all the same is refused."""
    browser = entered(site, BOB, *([role] if role else []))
    page = browser.get(PAGE)
    assert (page.status_code, actions(page)) == (200 if role is Role.AUDITOR else 403, ["/signout"])
    token = hidden(browser.get("/account"), "/signout")
    before = len(site.entries(Kind.ADMIN_REFUSED))
    assert browser.post(PAGE, **token, block="60", reason=WHY, version="").status_code == 403
    assert len(site.entries(Kind.ADMIN_REFUSED)) == before + 1
    assert policy(site) == DEFAULT
