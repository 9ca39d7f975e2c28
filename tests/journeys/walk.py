"""
Every page of the house, one after another, in the browser of somebody who meets them all.

`walk` yields the name of each page while it stands in the browser, so that whoever looks (axe, a camera) sees what a
person sees. It ends with a house without administrators: give it a server of its own.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pyotp
from playwright.sync_api import Page
from sqlalchemy import delete, null, select, update

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.detections.response import ResponsePolicy
from ostiary.core.directory.applications import to_document
from ostiary.core.directory.people import FEDERATED
from ostiary.core.tokens.upstream import Provider
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import after, days, minutes, to_seconds
from ostiary.core.words.outcome import Refused
from ostiary.outside.outgoing import Unanswered
from ostiary.outside.upstream import Metadata
from ostiary.services.access.desk import touch
from ostiary.services.detections.triage import change_responses
from ostiary.services.devices.inventory import register_device
from ostiary.services.directory.access_pass import make_pass
from ostiary.services.directory.first_admin import issue_code
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from ostiary.services.signins.complete_address import complete_address
from ostiary.services.signins.drills import Begun, start_drills
from ostiary.store import Tx, directory
from ostiary.store.schema import applications, authenticators, sessions, users
from ostiary.store.sql import sql
from ostiary.web.pages.console.navigation import PLACES
from tests.clients.test_keys import administrator
from tests.journeys.asking import Asking
from tests.journeys.browser import (
    ADD_PASSKEY,
    APPROVE,
    ASK,
    CODE,
    CONTINUE,
    DENY,
    NOT_MINE,
    PASSWORD,
    SIGN_IN,
    TOTP,
    USER_NAME,
)
from tests.server import CLIENTS, Server

_NEW = "a wholly different sentence"


def fill(page: Page, **fields: str) -> None:
    """Fill in the fields with these ids."""
    for id, text in fields.items():
        page.locator(f"#{id}").fill(text)


def press(page: Page, button: str) -> None:
    """Press the button called *button*, and wait for the page behind it."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).first.click()


def change(server: Server, *statements: Any) -> None:
    """Run *statements* in the server's store."""
    compiled = [sql(statement) for statement in statements]

    async def body(tx: Tx) -> None:
        for statement in compiled:
            await tx.run(statement)
        await touch(tx, PICTURE)

    server.run(server.house.store.write(body))


def walk(page: Page, server: Server) -> Iterator[str]:
    """All pages; the server belongs to this walk alone."""
    server.open_exemption("alice")
    kept = server.run(
        change_responses(server.house, administrator(server), {"severities": {"high": ["alert"]}}, "a walk")
    )
    assert isinstance(kept, ResponsePolicy), kept  # what Alice reports on the way would end what the next page needs
    yield from _without_session(page, server)
    yield from _elsewhere(page, server)
    yield from _signing_in(page, server)
    yield from _ticket(page, server)
    yield from _numbered(page, server)
    yield from _deciding(page, server)
    yield from _drilled(page, server)
    yield from _own_account(page, server)
    yield from _approving(page, server)
    yield from _console(page, server)
    yield from _other_ways(page, server)
    yield from _blocked(page, server)
    yield from _enrolment(page, server)
    yield from _setting_up(page, server)


def _without_session(page: Page, server: Server) -> Iterator[str]:
    for path in (
        "/about",
        "/error/53003",
        "/error/70008",
        "/nowhere",
        "/signout",
        "/setup",
        "/signin/upstream/nobody/callback",
        "/signin?a=1&a=1",
    ):
        page.goto(server.origin + path)
        yield path
    page.goto(server.origin + "/password")
    yield "password"
    fill(page, token="x" * 43, password=_NEW, repeat=_NEW)
    press(page, CONTINUE)
    yield "password refused"
    page.goto(server.origin + "/signin")
    page.context.clear_cookies()
    fill(page, username="alice", password="x")
    press(page, SIGN_IN)
    yield "stale form"


def _elsewhere(page: Page, server: Server) -> Iterator[str]:
    """On the way to a provider, which nobody ever asks anything."""
    upstream, there = server.house.outside.upstream, "https://work.test"

    async def metadata(name: str) -> Metadata | Unanswered:
        return Metadata(f"{there}/auth", f"{there}/token", f"{there}/keys", True)

    upstream.metadata = metadata  # type: ignore[method-assign]
    upstream.providers = {"work": Provider("work", "Example Ltd", there, "ostiary")}
    page.route(f"{there}/**", lambda route: route.fulfill(status=204))  # the page that leads there stays
    page.goto(server.origin + "/signin")
    yield "sign-in with a provider"
    press(page, "Sign in with Example Ltd")
    yield "leaving"
    upstream.providers = {}


def _signing_in(page: Page, server: Server) -> Iterator[str]:
    alice = server.people["alice"]
    page.goto(server.origin + "/devicelogin")
    yield "sign-in"
    page.get_by_label(USER_NAME, exact=True).fill(alice.username)
    page.get_by_label(PASSWORD, exact=True).fill("wrong")
    press(page, SIGN_IN)
    yield "sign-in refused"
    page.get_by_label(PASSWORD, exact=True).fill(alice.password)
    press(page, SIGN_IN)
    yield "second factor"
    page.get_by_label(TOTP, exact=True).fill("000000")
    press(page, CONTINUE)
    yield "second factor refused"
    page.get_by_label(TOTP, exact=True).fill(alice.totp())
    press(page, CONTINUE)
    yield "device page"
    page.goto(server.origin + "/signin/again?return=/devicelogin")
    yield "second factor again"


def _deciding(page: Page, server: Server) -> Iterator[str]:
    page.goto(server.origin + "/devicelogin")
    page.get_by_label(CODE, exact=True).fill("BBBB-BBBB")
    press(page, CONTINUE)
    yield "device page refused"
    for button, name in ((DENY, "denied"), (APPROVE, "approved"), (NOT_MINE, "reported")):
        asking = Asking(server)
        code = "".join(letter for letter in asking.user_code if letter.isalpha())
        page.goto(complete_address(server.house, code))
        if name == "denied":
            yield "device page with a code to compare"
        press(page, "Yes, it matches")
        if name == "denied":
            yield "request"
        url = page.url
        press(page, button)
        yield name
        if name == "approved":
            assert asking.outcome() == "access_token"
            page.goto(url)
            yield "request that is over"
            page.goto(server.origin + "/account")
            yield "account with a device"
            page.get_by_role("link", name="More time").click()
            yield "more time for an exemption"


def _ticket(page: Page, server: Server) -> Iterator[str]:
    page.goto(server.origin + "/ticket")
    yield "start ticket"
    for _ in range(3):
        page.goto(server.origin + "/ticket")
        press(page, "Take a ticket")
    yield "start ticket taken"
    page.goto(server.origin + "/ticket")
    press(page, "Take a ticket")
    yield "start ticket refused"


def _numbered(page: Page, server: Server) -> Iterator[str]:
    """A request that says a lot of itself, that its person must know, and that is confirmed by a number."""
    register(server, number_confirmation="required", reference_binding="required", machine_binding="required")
    said = {"machine": "build-7.example", "reason": "a reason " * 30, "reference": "INC-4412", "number": "1"}
    asking = Asking(server, **{f"ostiary_{name}": text for name, text in said.items()})
    page.goto(server.origin + "/devicelogin")
    page.get_by_label(CODE, exact=True).fill(asking.user_code)
    press(page, CONTINUE)
    yield "request that is bound"
    fill(page, reference="INC-4413", machine="build-7")
    press(page, "Check")
    yield "request that is bound, refused"
    fill(page, reference="inc 4412", machine="build-7")
    press(page, "Check")
    yield "request that says why"
    press(page, APPROVE)
    yield "number"
    assert asking.outcome() == "authorization_pending"
    register(server, number_confirmation="optional", reference_binding="optional", machine_binding="optional")


def register(server: Server, **values: Any) -> None:
    """Change the registration of our own program."""
    id = AppId(CLIENTS["ostiary-cli"])
    document = json.dumps(to_document(replace(server.house.desk.picture.applications[id], **values)))
    change(server, update(applications).where(applications.c.id == id).values(registration=document))
    server.run(server.house.desk.reload())


def _drilled(page: Page, server: Server) -> Iterator[str]:
    for button, name in ((APPROVE, "drill approved"), (DENY, "drill denied")):
        begun = server.run(
            start_drills(server.house, administrator(server), {"user": server.people["alice"].username}, "a walk")
        )
        assert isinstance(begun, Begun), begun
        page.goto(server.origin + "/devicelogin")
        page.get_by_label(CODE, exact=True).fill(begun.sent[0].code)
        press(page, CONTINUE)
        press(page, button)
        yield name


def _own_account(page: Page, server: Server) -> Iterator[str]:
    asked = {
        "client_id": CLIENTS["ostiary-cli"],
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1:9",
        "scope": f"{server.origin}/.default",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    page.goto(f"{server.origin}/common/oauth2/v2.0/authorize?{urlencode(asked)}")
    yield "go on as"
    page.goto(server.origin + "/account")
    yield "account"
    page.goto(server.origin + "/account/devices")
    yield "machines"
    page.goto(server.origin + "/account/passkeys")
    yield "passkeys without any"
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    traits = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**traits, "isUserVerified": True, "automaticPresenceSimulation": True}
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.get_by_label("Name of the passkey").fill("x" * 40)
    press(page, ADD_PASSKEY)
    yield "passkeys"
    page.get_by_role("button", name=ADD_PASSKEY, exact=True).click()
    page.locator("[data-trouble]:visible").wait_for()
    yield "passkeys refused"
    press(page, "Make ten new codes")
    yield "recovery codes"
    page.get_by_role("link", name="I have kept them").click()
    page.goto(server.origin + "/signin/again?return=/account")
    yield "second factor again, with a passkey"
    yield from _let_in_elsewhere(page, server)
    page.goto(server.origin + "/account")
    page.get_by_role("link", name="Change your password").click()
    yield "own password"
    fill(page, old="wrong", password=_NEW, repeat=_NEW)
    press(page, "Change")
    yield "own password refused"


def _approving(page: Page, server: Server) -> Iterator[str]:
    """Alice asks, Bea decides."""
    visit = administrator(server)
    wanted = Wanted(server.people["alice"].username, "runs the servers", ends=after(visit.now, days(30)))
    given = server.run(give_eligibility(server.house, visit, wanted))
    assert not isinstance(given, Refused), given
    page.goto(server.origin + "/requests")
    page.get_by_role("link", name="Ask for an exemption").click()
    yield "asking for an exemption"
    page.locator("summary").click()
    fill(page, reason="x" * 3, network="203.0.113.9/24")
    press(page, "Ask")
    yield "asking for an exemption, refused"
    fill(page, reason="restore the database, INC-4412", network="203.0.113.0/24", ticket="INC-4412")
    page.locator("#length").select_option("120")
    press(page, "Ask")
    yield "own request"
    link = page.url.replace("/requests/", "/approvals/")
    page.goto(server.origin + "/requests")
    yield "own requests"
    page.goto(link)
    yield "request that is not one's own to decide"
    become(page, server, "bea")
    page.goto(server.origin + "/approvals")
    yield "approvals"
    page.goto(link)
    yield "approval"
    fill(page, reason="x")
    press(page, DENY)
    yield "approval refused"
    fill(page, reason="known incident")
    press(page, "Approve for less")
    yield "approval given"


def _console(page: Page, server: Server) -> Iterator[str]:
    """Bea looks at everything: each list, the first thing on it, one that is empty, one that cannot be asked for."""
    machine = {"name": "build-7", "jkt": "A" * 43, "owner": server.people["alice"].username}
    admitted = server.run(register_device(server.house, administrator(server), machine, "the build farm"))
    assert not isinstance(admitted, Refused), admitted
    page.goto(server.origin + "/console")
    yield "console"
    lists = [place.path for place in PLACES if place.path != page.url.removeprefix(server.origin)]
    for path in lists:
        page.goto(server.origin + path)
        name = path.rpartition("/")[2]
        yield f"console: {name}"
        first = page.locator(".list tbody a").first
        if first.count():
            with page.expect_navigation():
                first.click()
            yield f"console: one of {name}"
    page.goto(f"{server.origin}/console/signins?way=deviceCode&result=success")
    with page.expect_navigation():
        page.locator(".list tbody a").first.click()
    yield "console: a device sign-in"
    page.goto(server.origin + "/console/findings/rules")
    yield "console: rules"
    for path, name in (
        ("locations", "named locations"),
        ("what-if", "what if"),
        (
            f"what-if?person={server.people['dana'].username}&application={CLIENTS['ostiary-cli']}",
            "what policy would say",
        ),
        ("none/day?on=yesterday", "no day"),
        ("new", "a new policy"),
        (f"{server.house.desk.picture.policies.policies[0].id}/impact?days=30", "impact of a policy"),
    ):
        page.goto(f"{server.origin}/console/policies/{path}")
        yield f"console: {name}"
    page.goto(f"{server.origin}/console/policies/{server.house.desk.picture.policies.policies[0].id}/edit")
    yield "console: editing a policy"
    document = page.locator("#document").input_value()
    press(page, "Check")
    yield "console: a policy that was checked"
    page.locator("#document").fill(document.replace('"block"', '"magic"').replace('"excludeGroups"', '"excludeCrowds"'))
    press(page, "Check")
    yield "console: a policy with mistakes"
    page.goto(server.origin + "/console/findings/people")
    yield "console: risky people"
    page.goto(server.origin + "/console/people?q=alice")
    page.locator(".list tbody a").first.click()
    with page.expect_navigation():
        page.get_by_role("link", name="What was found about this person").click()
    yield "console: one risky person"
    page.goto(server.origin + "/console/settings")
    page.locator("#change summary").click()
    yield "console: settings, about to be changed"
    page.goto(server.origin + "/console/people?q=nobody&role=auditor")
    yield "console: nothing found"
    page.goto(server.origin + "/console/signins?from=1")
    yield "console: wrong filter"


def _let_in_elsewhere(page: Page, server: Server) -> Iterator[str]:
    """The same for somebody whom a provider let in, who may confirm with it."""
    whole = sessions.c.kind == "browser"
    found = sql(select(sessions.c.amr).where(whole).limit(1))
    ((before,),) = server.run(server.house.store.read(lambda tx: tx.all(found)))
    change(
        server,
        update(users).values(vouched=server.later(600)),
        update(sessions).where(whole).values(amr=f"{FEDERATED} {before}"),
    )
    server.house.outside.upstream.providers = {"work": Provider("work", "Example Ltd", "https://work.test", "ostiary")}
    page.goto(server.origin + "/signin/again?return=/account")
    page.get_by_role("button", name="Confirm with Example Ltd").wait_for()
    yield "second factor again, with a provider"
    server.house.outside.upstream.providers = {}
    change(server, update(users).values(vouched=null()), update(sessions).where(whole).values(amr=before))


def _other_ways(page: Page, server: Server) -> Iterator[str]:
    page.context.clear_cookies()
    _password(page, server, "alice")
    yield "second factor or passkey"
    page.get_by_role("link", name="Use a recovery code").click()
    yield "recovery code"
    fill(page, recovery="AAAA-AAAA-AA")
    press(page, CONTINUE)
    yield "recovery code refused"
    page.context.clear_cookies()
    page.goto(server.origin + "/signin/pass")
    yield "access pass"
    bea = server.people["bea"].username  # an administrator, whom the local door may help in again
    fill(page, username=bea, **{"pass": "AAAA"})
    press(page, CONTINUE)
    yield "access pass refused"
    user = server.run(server.house.store.read(lambda tx: directory.find_named(tx, bea)))
    assert user is not None
    made = server.run(make_pass(server.house, server.visit(), user.id, lifetime=minutes(10)))
    assert not isinstance(made, Refused), made
    fill(page, **{"pass": made.code})
    press(page, CONTINUE)
    yield "a passkey by an access pass"


def _blocked(page: Page, server: Server) -> Iterator[str]:
    become(page, server, "dana")
    asking = Asking(server)
    page.get_by_label(CODE, exact=True).fill(asking.user_code)
    press(page, CONTINUE)
    yield "blocked"
    visit = administrator(server)
    wanted = Wanted(server.people["dana"].username, "runs the servers", ends=after(visit.now, days(30)))
    assert not isinstance(server.run(give_eligibility(server.house, visit, wanted)), Refused)
    _enter(page, server, asking)
    yield "blocked, and may ask elsewhere"
    register(server, exemption_requests=True)
    asking = Asking(server, ostiary_request="restore the database", ostiary_reference="INC-4412")
    _enter(page, server, asking)
    yield "blocked, and may ask"
    fill(page, reason="x")
    press(page, ASK)
    yield "blocked, and asked for what the rules do not allow"
    fill(page, reason="restore the database")
    press(page, ASK)
    assert asking.outcome() == "authorization_pending"
    yield "waiting for an approval"
    address = page.url
    press(page, "Take it back")
    page.goto(address)
    yield "what was asked for was taken back"
    register(server, exemption_requests=False)


def _enter(page: Page, server: Server, asking: Asking) -> None:
    page.goto(server.origin + "/devicelogin")
    page.get_by_label(CODE, exact=True).fill(asking.user_code)
    press(page, CONTINUE)


def _password(page: Page, server: Server, name: str) -> None:
    person = server.people[name]
    page.goto(server.origin + "/devicelogin")
    page.get_by_label(USER_NAME, exact=True).fill(person.username)
    page.get_by_label(PASSWORD, exact=True).fill(person.password)
    press(page, SIGN_IN)


def become(page: Page, server: Server, name: str) -> None:
    person = server.people[name]
    page.context.clear_cookies()
    _password(page, server, name)
    if page.get_by_label(TOTP, exact=True).count() and "/enrol" not in page.url:
        page.get_by_label(TOTP, exact=True).fill(person.totp())
        press(page, CONTINUE)


def _enrolment(page: Page, server: Server) -> Iterator[str]:
    change(server, delete(authenticators))
    become(page, server, "emil")
    yield "enrolment"
    page.locator("summary").click()
    page.get_by_label(TOTP, exact=True).fill("000000")
    press(page, CONTINUE)
    yield "enrolment refused"


def _setting_up(page: Page, server: Server) -> Iterator[str]:
    change(server, update(users).values(roles="[]"))
    issued = server.run(issue_code(server.house, server.visit()))
    assert not isinstance(issued, Refused), issued
    page.context.clear_cookies()
    page.goto(server.origin + "/setup")
    yield "set-up"
    page.locator("summary").click()
    key = page.locator(".key").inner_text()
    totp = pyotp.TOTP(key.replace(" ", "")).at(to_seconds(server.clock.now()))
    wishes = {"username": "root@ostiary.example", "display": "Root", "password": _NEW, "repeat": _NEW, "totp": totp}
    fill(page, code="AAAA", **wishes)
    press(page, CONTINUE)
    yield "set-up refused"
    fill(page, code=issued[0], **wishes)
    press(page, CONTINUE)
    yield "ready"
