"""Recovery codes and temporary access passes, from the form that makes them to the sign-in that tells of them."""

import re
from dataclasses import replace

import httpx
import pytest

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Span, hours, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.outside.vault import MasterKey, Vault
from ostiary.services.directory.access_pass import AccessPass, make_pass
from ostiary.services.directory.credentials import Link, invite
from ostiary.services.logs.record import record
from ostiary.services.tokens.rewrap import rewrap
from ostiary.store import Tx
from tests.web.pages.keys import ACCOUNT, enrol, key, options, send, sign_in
from tests.web.pages.site import ALICE, BOB, CAROL, NAMES, PASSWORD, Browser, Site, actions, hidden

RECOVERY = "/signin/recovery"
PASS = "/signin/pass"
ENROL = "/signin/enrol/passkey"


@pytest.fixture
def person(site: Site) -> Browser:
    """Bob, signed in just now."""
    browser = site.browser()
    browser.sign_in(BOB)
    return browser


def codes(browser: Browser) -> list[str]:
    """Ten new recovery codes, as the page shows them."""
    page = browser.submit(browser.get(ACCOUNT), "/account/recovery")
    assert page.status_code == 200
    return re.findall(r"<li><code>([A-Z2-9-]+)</code></li>", page.text)


def recover(site: Site, code: str, user: str = BOB, address: str = "198.51.100.7") -> httpx.Response:
    """Password, then a recovery code, in a new browser."""
    browser = site.browser(address)
    browser.password(user)  # type: ignore[arg-type]
    return browser.submit(browser.get(f"{RECOVERY}?return=/account"), RECOVERY, recovery=code)


def test_ten_codes_each_count_once(site: Site, person: Browser) -> None:
    """Shown once, in any case and with any signs between; the page of the account counts what is left."""
    made = codes(person)
    assert len(set(made)) == 10
    assert all(len(code.replace("-", "")) == 10 for code in made)
    assert recover(site, made[0].lower().replace("-", " ")).status_code in (200, 303)
    assert recover(site, made[0]).status_code == 401
    assert recover(site, made[1]).status_code in (200, 303)
    assert "You have 8 left" in person.get(ACCOUNT).text
    assert not any(code in person.get(ACCOUNT).text for code in made)
    assert [each["detail"]["left"] for each in site.entries(Kind.RECOVERY_CODE_USED)] == [9, 8]


def test_the_next_sign_in_tells_that_one_was_used(site: Site, person: Browser) -> None:
    """Not the sign-in that used it, which may be a thief's, but the next one."""
    made = codes(person)
    fresh = site.browser()
    fresh.sign_in(BOB)  # is told of the new codes, once
    assert recover(site, made[0]).status_code == 303
    told = site.browser().sign_in(BOB)
    assert "A recovery code was used to sign in" in told.text
    assert site.browser().sign_in(BOB).status_code == 303


def test_no_flood_hides_what_a_person_must_be_told(site: Site, person: Browser) -> None:
    """However many other entries about them came after it."""
    codes(person)

    async def flood(tx: Tx) -> None:
        for _ in range(30):
            await record(tx, site.visit(), Entry(Kind.SIGN_IN_REFUSED, target=f"user:{BOB}"))

    site.run(site.house.store.write(flood))
    assert "recovery codes" in site.browser().sign_in(BOB).text


def test_a_new_set_ends_the_old_one(site: Site, person: Browser) -> None:
    """And codes are their owner's alone."""
    old, new = codes(person), codes(person)
    assert recover(site, old[0]).status_code == 401
    assert recover(site, new[0], CAROL).status_code == 401
    assert recover(site, new[0]).status_code in (200, 303)


def test_a_reset_takes_the_codes_too(site: Site, person: Browser) -> None:
    """Whatever stood for the lost second step is gone with it."""
    made = codes(person)
    assert isinstance(site.run(invite(site.house, site.admin(), BOB, factors=True)), Link)
    site.give(BOB)
    assert recover(site, made[0]).status_code == 401


def test_codes_cannot_be_guessed_faster_than_others(site: Site, person: Browser) -> None:
    """Counted with the codes of the authenticator; but a right one, of 50 bits, never waits for wrong ones."""
    made = codes(person)
    statuses = [recover(site, "AAAA-AAAA-AA", address="198.51.100.99").status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert len(site.entries(Kind.SIGN_IN_REFUSED)) == 5
    assert recover(site, made[0], address="198.51.100.99").status_code in (200, 303)


def test_codes_need_the_password_first(site: Site, person: Browser) -> None:
    """A code alone is nothing, and no session of somebody else takes it."""
    made = codes(person)
    nobody = site.browser()
    nobody.get("/signin")
    assert nobody.follow(nobody.get(RECOVERY)).url.path == "/signin"
    token = hidden(nobody.get("/signin"), "/signin")["form_token"]
    assert nobody.post(RECOVERY, form_token=token, recovery=made[0]).status_code == 401
    assert recover(site, made[0], ALICE).status_code == 401


def test_r17_the_store_holds_no_code(site: Site, person: Browser) -> None:
    """Neither codes nor passes are in the database's file in any form that can be searched for."""
    made = [*codes(person), issue(site).code]
    raw = b"".join(each.read_bytes() for each in site.house.settings.data.glob("ostiary.db*"))
    assert not [code for code in made for form in (code, code.replace("-", "")) if form.encode() in raw]


def test_r17_codes_outlive_another_master_key(site: Site, person: Browser) -> None:
    """Their key is sealed like a seed, so the rewrap finds it, and the old master key can go."""
    made, house = codes(person), site.house
    new = MasterKey(site.random.bytes(32))
    both = Vault(new, random=site.random, previous=tuple(house.vault._masters.values()))
    assert site.run(rewrap(replace(house, vault=both), site.visit())) is not None
    site.house = replace(house, vault=Vault(new, random=site.random))
    site.app = site.serve(site.house)
    assert recover(site, made[0]).status_code in (200, 303)


# ---- temporary access passes


def issue(site: Site, lifetime: Span | None = None, *, once: bool = True, user: str = BOB) -> AccessPass:
    """An administrator makes a pass."""
    made = site.run(make_pass(site.house, site.admin(), user, lifetime=lifetime or minutes(60), once=once))
    assert isinstance(made, AccessPass), made
    return made


def show(site: Site, code: str, user: str = BOB, address: str = "198.51.100.7") -> tuple[Browser, httpx.Response]:
    """Type a pass in a new browser."""
    browser = site.browser(address)
    page = browser.get(f"{PASS}?return=/account")
    return browser, browser.submit(page, PASS, username=NAMES[user], **{"pass": code})  # type: ignore[index]


def test_a_pass_enrols_a_passkey_and_nothing_else(site: Site) -> None:
    """No page opens by it but the one that makes a passkey; the passkey then signs in by itself."""
    browser, answer = show(site, issue(site).code)
    assert answer.status_code == 303
    page = browser.follow(answer)
    assert actions(page) == [ENROL]
    for path in ("/account", "/devicelogin", ACCOUNT):
        assert browser.get(path).headers["location"].startswith("/signin")
    token = hidden(page, ENROL)["form_token"]
    for path, fields in (
        ("/signin/second", {"totp": site.totp(BOB)}),
        ("/signin/enrol", {"totp": site.totp(BOB), "offer": "00"}),
        (RECOVERY, {"recovery": "AAAA"}),
    ):
        browser.post(path, form_token=token, **fields)
        assert "__Host-session" not in browser.cookies
    made = key(site)
    done = send(browser, page, ENROL, made.create(options(page, ENROL)), name="new phone")
    assert "A temporary access pass was used" in done.text
    assert NAMES[BOB] in browser.get("/account").text
    assert site.entries(Kind.SIGNED_IN)[-1]["detail"]["amr"] == ["hwk", "user", "mfa", "pop"]
    assert sign_in(site.browser(), made).status_code in (200, 303)


def test_a_pass_leaves_no_other_second_step(site: Site) -> None:
    """Not with a passkey of one's own either: what it opens is the making of a new one."""
    owner = site.browser()
    owner.sign_in(BOB)
    held = key(site)
    enrol(owner, held)
    browser, answer = show(site, issue(site).code)
    page = browser.follow(answer)
    again = site.browser()
    asked = again.follow(again.password(BOB))
    fields = hidden(page, ENROL) | {"credential": held.get(options(asked, "/signin/second/passkey"))}
    browser.post("/signin/second/passkey", **fields)
    assert "__Host-session" not in browser.cookies


def test_a_pass_for_once_counts_once(site: Site) -> None:
    """Another one counts until its end."""
    once, until = issue(site), None
    assert show(site, once.code)[1].status_code == 303
    assert show(site, once.code)[1].status_code == 401
    until = issue(site, minutes(10), once=False)
    assert [show(site, until.code)[1].status_code for _ in range(2)] == [303, 303]
    site.clock.move(Span(minutes(10) - seconds(1)))
    assert show(site, until.code)[1].status_code == 303
    site.clock.move(seconds(1))
    assert show(site, until.code)[1].status_code == 401


def test_a_new_pass_ends_the_earlier_one(site: Site) -> None:
    """Of either sort; and no pass is another person's, or a disabled one's."""
    first = issue(site, once=False)
    second = issue(site)
    assert show(site, first.code)[1].status_code == 401
    assert show(site, second.code, CAROL)[1].status_code == 401
    site.change(BOB, enabled=False)
    assert show(site, second.code)[1].status_code == 401


def test_a_pass_cannot_be_guessed_faster_than_a_password(site: Site) -> None:
    """The same counters, for wrong passes and passwords together; but a right pass, of 60 bits, waits for none."""
    made = issue(site)
    browser = site.browser("198.51.100.99")
    for _ in range(3):
        page = browser.get("/signin")
        assert browser.submit(page, "/signin", username=NAMES[BOB], password="wrong").status_code == 401
    for _ in range(2):
        assert show(site, "AAAA-AAAA-AAAA", address="198.51.100.99")[1].status_code == 401
    assert show(site, "AAAA-AAAA-AAAA", address="198.51.100.99")[1].status_code == 429
    assert site.browser("198.51.100.99").password(BOB).status_code == 429
    assert len(site.entries(Kind.SIGN_IN_REFUSED)) == 5
    assert show(site, made.code, address="198.51.100.99")[1].status_code == 303


def test_only_an_administrator_makes_one(site: Site) -> None:
    """With fresh proof, for ten minutes to eight hours, for an account that is enabled; refusals are written down."""
    visit = site.visit(BOB)
    for by, user, lifetime, reason in (
        (visit, BOB, minutes(60), Reason.FORBIDDEN),
        (site.admin(), BOB, minutes(9), Reason.INVALID_VALUE),
        (site.admin(), BOB, Span(hours(8) + 1), Reason.INVALID_VALUE),
        (site.admin(), "nobody", minutes(60), Reason.NOT_FOUND),
    ):
        refused = site.run(make_pass(site.house, by, user, lifetime=lifetime))
        assert isinstance(refused, Refused)
        assert refused.reason is reason
    site.change(BOB, enabled=False)
    refused = site.run(make_pass(site.house, site.admin(), BOB, lifetime=minutes(60)))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.CONFLICT
    assert len(site.entries(Kind.ADMIN_REFUSED)) == 5
    assert site.entries(Kind.ACCESS_PASS_MADE) == []


def test_the_person_is_told_of_a_pass(site: Site) -> None:
    """By whom and when, at the next sign-in; the audit has it with its end."""
    issue(site)
    assert "A temporary access pass was made for you" in site.browser().sign_in(BOB).text
    (entry,) = site.entries(Kind.ACCESS_PASS_MADE)
    assert entry["detail"]["once"] is True
    assert entry["detail"]["ends"] == entry["at"] + minutes(60)


def test_a_new_password_ends_a_pass(site: Site, person: Browser) -> None:
    """Whoever secures the account by changing the password leaves no other way in behind."""
    made = issue(site)
    page = person.get("/account/password")
    new = "a wholly different sentence"
    person.submit(page, "/account/password", old=PASSWORD, password=new, repeat=new)
    assert show(site, made.code)[1].status_code == 401
