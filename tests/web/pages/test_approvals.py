"""Approving on a page: what it shows, that only a form of ours decides, once, and that nobody else learns anything."""

import re
from base64 import urlsafe_b64decode
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.access.strengths import Strength
from ostiary.core.directory.people import Role
from ostiary.core.exemptions.asking import Wish
from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.request import State, Ticket
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import after, days, hours, minutes
from ostiary.core.words.outcome import Refused
from ostiary.outside.geo import GeoFiles, GeoPaths
from ostiary.services.access.desk import touch
from ostiary.services.access.kill_switch import turn_on
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.decide import withdraw_request
from ostiary.services.exemptions.rules import ShownRules, change_rule
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, requests
from ostiary.store.requests import Asked
from tests import mmdb
from tests.web.pages.approving import ask, asked, at_a_sign_in, press, settled, signed_in, state
from tests.web.pages.site import ALICE, BOB, CAROL, GROUP, TOOL, Site, hidden

__all__ = ["settled"]

NOWHERE = "/approvals/a11ce000-0000-4000-8000-0000000000ff"
SAYS_NOTHING = "There is nothing for you to decide here."


def test_the_page_says_who_what_from_where_how_long_why_and_what_is_odd(settled: Site) -> None:
    """Oddities first, then the facts; what nobody knows is said to be unknown."""
    limits = Limits(application=TOOL, sign_ins=2)
    address = ask(settled, limits=limits, ticket=Ticket("INC-4412", "desk"))
    page = signed_in(settled, CAROL).get(address)
    assert page.status_code == 200
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
    for said in (
        "Bob ( bob@example.com )", "fix INC-4412", "2 h", "Build tool", "desk INC-4412 not checked", "203.0.113.77",
        "country: not known", "Last used never", "0 of 1", "first request that is known of this person",
        "They were made eligible", "Nobody checked that the ticket exists", "Longer than usual", "Sign-ins 2",
        "from where this person usually signs in", "whether it was night there",
    ):  # fmt: skip
        assert said in text, said
    assert page.text.index("What is unusual about it") < page.text.index('class="facts"')


def test_the_past_of_a_person_comes_from_the_sign_in_log_and_their_requests(settled: Site) -> None:
    """Where and when they signed in, what was denied, how often they asked: each told as it is remembered."""
    carol = signed_in(settled, CAROL)
    first = ask(settled)
    press(carol, carol.get(first), "deny", reason="not from there")
    for _ in range(5):  # at ten o'clock, from where he usually is
        settled.browser("198.51.100.7").sign_in(BOB)
        settled.clock.move(days(1))
    settled.clock.move(hours(30))
    settled.run(catch_up(settled.house, settled.visit()))
    for _ in range(3):
        settled.clock.move(minutes(1))
        address = ask(settled, length=hours(3))
    text = signed_in(settled, CAROL).get(address).text
    for said in (
        "Asked from an address that they never signed in from.", "Asked outside the hours at which they signed in",
        "A request of theirs was denied 6 days before.", "It is their request number 3 within 24 hours.",
        "They asked before and never used what they got.", "Longer than usual: 3 h, where 1 h is usual.",
    ):  # fmt: skip
        assert said in text, said
    for unsaid in ("from where this person usually signs in", "at which hours this person usually works"):
        assert unsaid not in text


def test_places_come_from_the_operators_files(settled: Site, tmp_path: Path) -> None:
    """With geo files country and network are named, and a network that rents out machines is odd."""
    with_files(settled, tmp_path)
    settled.browser("198.51.100.7").sign_in(BOB)
    settled.clock.move(days(2))
    settled.run(catch_up(settled.house, settled.visit()))
    text = signed_in(settled, CAROL).get(ask(settled)).text
    for said in (
        "country: DE", "AS64501 Example Hosting", "a country that they never signed in from (DE; known: NO)",
        "a network that rents out computers to anybody (Example Hosting)",
    ):  # fmt: skip
        assert said in text, said
    assert "in which country that address is" not in text


def with_files(site: Site, folder: Path) -> None:
    """The operator names geo files: people are in Norway, machines are rented in Germany."""
    oslo, berlin = (
        {"country": {"iso_code": code}, "location": {"latitude": north, "longitude": east}}
        for code, north, east in (("NO", 59.9, 10.7), ("DE", 52.5, 13.4))
    )
    mmdb.write(folder / "city", {"198.51.100.0/24": oslo, "203.0.113.0/24": berlin})
    named = {"autonomous_system_number": 64501, "autonomous_system_organization": "Example Hosting"}
    mmdb.write(folder / "asn", {"203.0.113.0/24": named})
    site.house.desk._look = GeoFiles(GeoPaths(network=folder / "asn", city=folder / "city"))
    site.run(site.house.store.write(lambda tx: touch(tx, PICTURE)))  # the desk takes a new picture
    site.run(site.house.desk.reload())


def test_the_machine_that_waits_is_shown_with_how_far_it_is(settled: Site, tmp_path: Path) -> None:
    """Where, whose network, what it says of itself, what it would be allowed; far away and rented is odd, and first."""
    with_files(settled, tmp_path)
    address = at_a_sign_in(settled, said="<b>build-7</b>")
    page = signed_in(settled, CAROL).get(address)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
    for said in (
        "Build tool on a machine at 203.0.113.77", "country: DE, network: AS64501 Example Hosting",
        "from the person: about 840 km", "“ &lt;b&gt;build-7&lt;/b&gt; ” not checked",
        "Read your own profile: name and user name",
        "The machine that waits is in another country (DE) than the person who asks (NO).",
        "The machine that waits is far from the person who asks: about 840 km.",
        "The machine that waits is in a network that rents out computers to anybody (Example Hosting).",
    ):  # fmt: skip
        assert said in text, said
    browser = signed_in(settled, CAROL)
    assert press(browser, browser.get(address), "deny", reason="not our machine").status_code == 303
    assert "it has given up" in browser.get(address).text


def test_where_approvers_need_a_passkey_the_page_says_so_before_and_after(settled: Site) -> None:
    """No circle through the code: the rule is named, with the way to a passkey, and nothing is decided."""
    rules = change_rule(
        settled.house, settled.admin(), f"Group_{GROUP}_member", "Approval_EndUser_Assignment",
        {"ostiary": {"authenticationStrength": Strength.PASSWORDLESS.value}}, "passkeys are out",
    )  # fmt: skip
    changed = settled.run(rules)
    assert isinstance(changed, ShownRules), changed
    browser, address = signed_in(settled, CAROL), ask(settled)
    page = browser.get(address)
    assert f'<a href="/signin/again?return={address}">Confirm with a passkey</a>' in page.text
    refused = press(browser, page, "approve", reason="known incident")
    assert refused.status_code == 400
    assert "a stronger way of signing in" in refused.text
    assert ">known incident</textarea>" in refused.text
    assert state(settled, address) is State.REQUESTED


def test_deny_comes_first_then_less_then_approve(settled: Site) -> None:
    """Whoever presses Enter without reading has let nobody in (RFC 10027)."""
    page = signed_in(settled, CAROL).get(ask(settled))
    assert re.findall(r'name="verdict" value="([a-z]+)"', page.text) == ["deny", "less", "approve"]
    assert re.findall(r'<option value="(\d+)"', page.text) == ["30", "45", "60", "90"]


def test_approving_redirects_and_a_reload_shows_who_decided(settled: Site) -> None:
    """303 to the same page; what is shown there is the state, and the button that ends it again."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    answer = press(browser, browser.get(address), "approve", reason="known incident")
    assert answer.headers["location"] == address
    assert state(settled, address) is State.APPROVED
    after = browser.follow(answer)
    assert "carol@example.com" in after.text
    assert "known incident" in after.text
    assert re.findall(r'name="verdict" value="([a-z]+)"', after.text) == ["end"]


def test_denying_needs_a_reason_and_the_text_is_still_there(settled: Site) -> None:
    """The rule of the deed is told beside the field, and nothing happened."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    refused = press(browser, browser.get(address), "deny", reason="x")
    assert refused.status_code == 400
    assert "A reason of 3 to 512 printable characters" in refused.text
    assert ">x</textarea>" in refused.text
    assert state(settled, address) is State.REQUESTED
    assert press(browser, refused, "deny", reason="not from there").status_code == 303
    assert state(settled, address) is State.DENIED


@pytest.mark.parametrize(
    ("fields", "minutes_"),
    [({"length": "45"}, 45), ({"length": "45", "minutes": "50"}, 50), ({"length": "", "minutes": "120"}, 120)],
)
def test_less_is_what_was_chosen_or_typed(settled: Site, fields: dict[str, str], minutes_: int) -> None:
    """The field wins over the list; all that was asked for is the most."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    assert press(browser, browser.get(address), "less", reason="known incident", **fields).status_code == 303
    exemption = asked(settled, address).exemption
    assert exemption is not None
    assert exemption.waits == minutes(minutes_)


def test_all_of_it_is_not_given_to_who_typed_less(settled: Site) -> None:
    """The wrong button of two with minutes in the field: nothing is decided, and what is emptied stays empty."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    refused = press(browser, browser.get(address), "approve", reason="known incident", minutes="50")
    assert refused.status_code == 400
    assert "press “Approve for less”" in refused.text
    assert state(settled, address) is State.REQUESTED
    settled.clock.move(minutes(6))
    browser.submit(browser.follow(press(browser, refused, "less", reason="x", minutes="50")), "/signin/again",
                   totp=settled.totp(CAROL))  # fmt: skip
    back = browser.get(address)
    assert 'value="50"' in back.text
    emptied = press(browser, back, "less", reason="x", length="45")
    assert (emptied.status_code, 'value="50"' in emptied.text) == (400, False)


@pytest.mark.parametrize("typed", ["5", "121", "0", "one", "-30", "9" * 40, "٤٥", "000045999", "4.5"])
def test_less_is_never_more_nor_under_the_shortest(settled: Site, typed: str) -> None:
    """From the rules' minimum to what was asked for; anything else decides nothing."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    assert press(browser, browser.get(address), "less", reason="known incident", minutes=typed).status_code == 400
    assert state(settled, address) is State.REQUESTED


def test_r3_old_proof_is_renewed_and_what_was_typed_comes_back(settled: Site) -> None:
    """Step-up with a code, back to the same page; reason and length are there, no address ever held them."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    settled.clock.move(minutes(6))
    page = browser.get(address)
    assert "You will be asked for your passkey or code again" in page.text
    answer = press(browser, page, "less", reason="known incident", length="45", minutes="50")
    assert answer.headers["location"] == f"/signin/again?return={address.replace('/', '%2F')}"
    assert "incident" not in "".join(value for name, value in answer.headers.items() if name != "set-cookie")
    assert "incident" not in answer.headers["set-cookie"]
    assert state(settled, address) is State.REQUESTED
    again = browser.submit(browser.follow(answer), "/signin/again", totp=settled.totp(CAROL))
    assert again.headers["location"] == address
    back = browser.follow(again)
    assert ">known incident</textarea>" in back.text
    assert 'value="50"' in back.text
    assert '<option value="45" selected>' in back.text
    assert press(browser, back, "less", reason="known incident", minutes="50").status_code == 303
    assert state(settled, address) is State.APPROVED
    assert "__Host-typed" not in browser.cookies


def test_a_session_that_ended_meanwhile_decides_nothing_and_loses_nothing(settled: Site) -> None:
    """The form goes to the sign-in and back; the text is there, for the one who typed it alone."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    page = browser.get(address)
    settled.clock.move(minutes(31))  # idle for too long
    answer = press(browser, page, "approve", reason="known incident")
    assert answer.headers["location"] == f"/signin?return={address.replace('/', '%2F')}"
    assert state(settled, address) is State.REQUESTED
    settled.change(ALICE, roles=frozenset({Role.ADMINISTRATOR, Role.APPROVER}))
    assert browser.follow(browser.sign_in(ALICE, back=address)).text.count("known incident") == 0
    answer = browser.sign_in(CAROL, back=address)
    assert ">known incident</textarea>" in browser.follow(answer).text
    settled.clock.move(minutes(16))
    assert "known incident" not in browser.get(address).text


def test_a_form_of_a_session_that_changed_in_another_tab_keeps_its_text(settled: Site) -> None:
    """R16: its token is worth nothing any more, so nothing is decided; a page of another site plants nothing."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    page = browser.get(address)
    browser.submit(browser.get(f"/signin/again?return={address}"), "/signin/again", totp=settled.totp(CAROL))
    stale = press(browser, page, "approve", reason="known incident")
    assert stale.status_code == 403
    assert f'href="{address}"' in stale.text
    assert ">known incident</textarea>" in browser.get(address).text
    assert state(settled, address) is State.REQUESTED
    other = signed_in(settled, CAROL)
    headers = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    forged = settled.run(other.client.post(address, data={"verdict": "approve", "reason": "planted"}, headers=headers))
    assert forged.status_code == 403
    assert "planted" not in other.get(address).text
    assert state(settled, address) is State.REQUESTED


def test_what_was_kept_fills_in_its_own_page_alone(settled: Site) -> None:
    """For another request, or with a letter changed, the cookie is worth nothing; nobody can read it."""
    browser, address, other = signed_in(settled, CAROL), ask(settled), ask(settled)
    settled.clock.move(minutes(6))
    press(browser, browser.get(address), "deny", reason="not from there")
    value = browser.cookies["__Host-typed"]
    assert "not from there" not in urlsafe_b64decode(value + "==").decode("latin-1")
    assert "not from there" not in browser.get(other).text
    assert ">not from there</textarea>" in browser.get(address).text
    session = browser.cookies["__Host-session"]
    changed = value[:-2] + ("AA" if value[-2:] != "AA" else "BB")
    for cookie in (value, changed, value[:40], "x", "not base64!", "x" * 4000):
        sent = {"cookie": f"__Host-session={session}; __Host-typed={cookie}"}
        page = settled.run(settled.browser().client.get(address, headers=sent))  # a jar with nothing in it
        assert (page.status_code, "not from there" in page.text) == (200, cookie == value)


@pytest.mark.parametrize("spoilt", ["token", "site", "origin", "none"])
def test_r16_only_our_own_form_decides(settled: Site, spoilt: str) -> None:
    """A wrong token, another site, no header at all: 403, and nothing is decided."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    fields = {**hidden(browser.get(address), address), "verdict": "approve", "reason": "known incident"}
    headers = {"sec-fetch-site": "same-origin", "origin": settled.origin}
    if spoilt == "token":
        fields["form_token"] = "0" * 64
    elif spoilt == "site":
        headers["sec-fetch-site"] = "cross-site"
    elif spoilt == "origin":
        headers["origin"] = "https://evil.example"
    else:
        headers = {}
    answer = settled.run(browser.client.post(address, data=fields, headers=headers))
    assert answer.status_code == 403
    assert state(settled, address) is State.REQUESTED


def test_looking_changes_nothing_whoever_looks_and_however(settled: Site) -> None:
    """GET, HEAD, a prefetch, parameters that look like an answer, a mail scanner without cookies."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    before = (asked(settled, address), len(settled.entries()))
    for headers in ({}, {"sec-purpose": "prefetch"}, {"purpose": "prefetch"}, {"sec-purpose": "prefetch;prerender"}):
        for method in ("GET", "HEAD"):
            for path in (address, f"{address}?verdict=approve&reason=known+incident", "/approvals"):
                answer = settled.run(browser.client.request(method, path, headers=headers))
                assert answer.status_code == 200, (method, path)
    scanner = settled.browser("192.0.2.50")
    for method in ("GET", "HEAD"):
        answer = settled.run(scanner.client.request(method, address))
        assert answer.headers["location"] == f"/signin?return={address.replace('/', '%2F')}"
    assert settled.run(scanner.client.post(address, data={"verdict": "approve"})).status_code == 403
    assert (asked(settled, address), len(settled.entries())) == before


@pytest.mark.parametrize("header", ["sec-purpose", "purpose", "x-moz"])
def test_a_post_that_was_sent_ahead_of_anybody_is_nobodys(settled: Site, header: str) -> None:
    """What a browser fetches before it was asked for decides nothing, be the form as genuine as it may."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    fields = {**hidden(browser.get(address), address), "verdict": "approve", "reason": "known incident"}
    headers = {"sec-fetch-site": "same-origin", "origin": settled.origin, header: "prefetch"}
    assert settled.run(browser.client.post(address, data=fields, headers=headers)).status_code == 403
    assert state(settled, address) is State.REQUESTED


def test_the_second_tap_says_who_was_first(settled: Site) -> None:
    """The same form again, and another approver's: 409 with the name, and one decision."""
    settled.change(ALICE, roles=frozenset({Role.ADMINISTRATOR, Role.APPROVER}))
    one, two, address = signed_in(settled, CAROL), signed_in(settled, ALICE), ask(settled)
    first, second = one.get(address), two.get(address)
    assert press(one, first, "approve", reason="known incident").status_code == 303
    for browser, page, verdict in ((one, first, "approve"), (two, second, "deny"), (two, second, "approve")):
        late = press(browser, page, verdict, reason="known incident")
        assert late.status_code == 409
        assert "It was approved already by carol@example.com." in late.text
    assert [decision.by for decision in asked(settled, address).request.decisions] == [CAROL]
    (entry,) = settled.entries(Kind.REQUEST_DECIDED)
    assert entry["detail"]["oddities"] == ["fresh-eligibility", "first-request", "longer-than-usual"]


def test_who_may_not_decide_learns_nothing(settled: Site) -> None:
    """A stranger, the person, the maker, an approver who was removed: as for an id that nobody has."""
    address = ask(settled)
    settled.change(CAROL, roles=frozenset())
    settled.change(ALICE, roles=frozenset({Role.ADMINISTRATOR, Role.APPROVER}))
    made = settled.run(
        ask_exemption(settled.house, settled.admin(), Wish(principal=BOB, reason="for Bob", length=hours(1)))
    )
    assert isinstance(made, Asked), made
    by_alice = f"/approvals/{made.request.id}"
    for user, path in ((CAROL, address), (BOB, address), (BOB, by_alice), (ALICE, by_alice)):
        browser = signed_in(settled, user)
        shown, unknown = browser.get(path), browser.get(NOWHERE)
        assert (shown.status_code, unknown.status_code) == (404, 404)
        assert SAYS_NOTHING in shown.text
        assert _plain(shown) == _plain(unknown)
        token = hidden(browser.get("/approvals"), "/signout")["form_token"]
        for verdict in ("approve", "deny", "end", "review"):
            fields = {"form_token": token, "verdict": verdict, "reason": "known incident"}
            posted, nowhere = browser.post(path, **fields), browser.post(NOWHERE, **fields)
            assert posted.status_code == nowhere.status_code == 404
            assert _plain(posted) == _plain(nowhere) == _plain(shown)
    assert state(settled, address) is state(settled, by_alice) is State.REQUESTED


def _plain(page: httpx.Response) -> str:
    """The page without what differs from request to request."""
    return re.sub(r"[0-9a-f]{64}|[0-9a-f]{8}-[0-9a-f-]{27}", "", page.text)


def test_an_approver_who_is_removed_between_looking_and_pressing_is_refused(settled: Site) -> None:
    """The rules and roles of the moment count; the refusal stands in the journal."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    page = browser.get(address)
    settled.change(CAROL, roles=frozenset())
    refused = press(browser, page, "approve", reason="known incident")
    assert (refused.status_code, SAYS_NOTHING in refused.text) == (404, True)
    assert state(settled, address) is State.REQUESTED
    assert settled.entries()[-1]["detail"]["what"] == "exemptions:decide"


def test_what_was_withdrawn_lapsed_or_killed_cannot_be_decided(settled: Site) -> None:
    """Each says what it is, with 409, and the page has no buttons any more."""
    browser = signed_in(settled, CAROL)
    for end in ("withdraw", "kill", "lapse"):
        address = ask(settled)
        page = browser.get(address)
        if end == "withdraw":
            id = ExemptionId(address.rpartition("/")[2])
            assert not isinstance(settled.run(withdraw_request(settled.house, settled.visit(BOB), id)), Refused)
        elif end == "lapse":
            settled.clock.move(hours(25))
            browser.sign_in(CAROL)
            page = browser.get(address)
            assert 'name="verdict"' not in page.text
            token = hidden(page, "/signout")["form_token"]
            late = browser.post(address, form_token=token, verdict="approve", reason="known incident")
        else:
            assert not isinstance(settled.run(turn_on(settled.house, settled.admin(), "phishing wave")), Refused)
            settled.run(settled.house.desk.reload())
        if end != "lapse":
            late = press(browser, page, "approve", reason="known incident")
        assert late.status_code == 409, end
        assert 'value="approve"' not in late.text
        if end == "kill":
            return


def test_an_unknown_button_does_nothing(settled: Site) -> None:
    """Neither a new word nor none."""
    browser, address = signed_in(settled, CAROL), ask(settled)
    for verdict in ("", "approve-all"):
        assert press(browser, browser.get(address), verdict).status_code == 400
    assert state(settled, address) is State.REQUESTED


MOST = 100_000  # bytes


def test_a_page_weighs_less_than_a_hundred_kilobytes_with_everything_on_it(settled: Site) -> None:
    """The whole of it as it is sent, scripts of the step-up included; and nothing on it comes from elsewhere."""
    browser = signed_in(settled, CAROL)
    address = ask(settled, reason="r" * 512, limits=Limits(application=TOOL, scopes=frozenset(map(str, range(64)))))
    for path in (address, "/approvals", f"/signin/again?return={address}"):
        page = browser.get(path)
        linked = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
        assert "/static/ostiary.css" in linked
        assert not re.findall(r'(?:src|href)="https?:', page.text)
        weight = len(page.content) + sum(len(browser.get(each).content) for each in linked)
        assert weight < MOST, (path, weight)


def test_a_long_list_stays_light_and_shows_first_what_lapses_first(settled: Site) -> None:
    """Twenty are shown, how many more there are is told, and the whole of it weighs less than a hundred kilobytes."""
    first = ask(settled)
    request = asked(settled, first).request

    async def body(tx: Tx) -> None:
        for number in range(60):
            more = replace(
                request, id=ExemptionId(f"r{number}"), reason="☃" * 512,
                created=after(request.created, minutes(number + 1)), ends=after(request.ends, minutes(number + 1)),
            )  # fmt: skip
            await requests.add(tx, more)

    settled.run(settled.house.store.write(body))
    page = signed_in(settled, CAROL).get("/approvals")
    assert "and 41 more" in page.text
    assert re.findall(r'href="(/approvals/[^"]+)"', page.text)[:2] == [first, "/approvals/r0"]
    assert len(page.content) < MOST


def test_no_script_is_on_the_page(settled: Site) -> None:
    """Nothing that would be missing without one."""
    for path in (ask(settled), "/approvals"):
        assert "<script" not in signed_in(settled, CAROL).get(path).text
