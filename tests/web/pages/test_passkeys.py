"""Passkeys through the pages, with an authenticator in software: honest ones, and every lie that must not pass."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from ostiary.core.directory.passkeys import Passkey
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import minutes, seconds
from ostiary.services.directory.credentials import Link, invite
from ostiary.services.directory.passkeys import tend_challenges
from ostiary.store import passkeys
from tests.authenticator import Authenticator
from tests.web.pages.keys import ACCOUNT, SIGN_IN, enrol, key, options, send, sign_in
from tests.web.pages.site import ALICE, BOB, NAMES, Browser, Site, actions, hidden

ENROL = "/signin/enrol/passkey"
SECOND = "/signin/second/passkey"
AGAIN = "/signin/again/passkey"


@pytest.fixture
def person(site: Site) -> Browser:
    """Bob, signed in just now with password and code."""
    browser = site.browser()
    browser.sign_in(BOB)
    return browser


@pytest.fixture
def held(site: Site, person: Browser) -> Authenticator:
    """Bob's passkey, bound to its device."""
    made = key(site)
    assert enrol(person, made).status_code == 303
    return made


def kept(site: Site, user: str = BOB) -> tuple[Passkey, ...]:
    """The passkeys of *user* as they are stored."""
    return site.run(site.house.store.read(lambda tx: passkeys.of_user(tx, user)))  # type: ignore[arg-type]


def rows(site: Site, table: str) -> int:
    """How many rows *table* has."""
    with create_engine(f"sqlite:///{site.house.settings.data / 'ostiary.db'}").connect() as db:
        return int(db.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_passkey_is_enrolled_and_signs_in_alone(site: Site, person: Browser, held: Authenticator) -> None:
    """No password: the passkey names its person, and the session says what was proved (RFC 8176)."""
    assert "blue key" in person.get(ACCOUNT).text
    fresh = site.browser()
    done = sign_in(fresh, held, "/account")
    assert done.status_code == 200  # a page that tells of the new passkey
    assert "A passkey was added to your account" in done.text
    assert NAMES[BOB] in fresh.get("/account").text
    assert site.entries(Kind.SIGNED_IN)[-1]["detail"]["amr"] == ["hwk", "user", "mfa", "pop"]
    assert sign_in(site.browser(), held, "/account").headers["location"] == "/account"


def test_all_of_it_is_kept_and_nothing_that_is_secret(site: Site, person: Browser) -> None:
    """Id, key, counter, transports, backup flags, model, name, times; each use moves counter, flag and time."""
    made = key(site, synced=True, backed_up=False, count=7, aaguid=bytes(range(16)))
    enrol(person, made, "work phone")
    (row,) = kept(site)
    assert (row.credential, row.sign_count, row.transports) == (made.credential, 7, ("internal",))
    assert (row.backup_eligible, row.backed_up, row.name) == (True, False, "work phone")
    assert row.aaguid == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert (row.created, row.used) == (site.clock.now(), None)
    site.clock.move(seconds(60))
    made.backed_up = True
    sign_in(site.browser(), made)
    (after,) = kept(site)
    assert after == replace(row, sign_count=8, backed_up=True, used=site.clock.now())
    (entry,) = site.entries(Kind.PASSKEY_ADDED)
    assert entry["detail"]["device_bound"] is False


def test_r22_a_device_bound_passkey_is_recorded_as_such(site: Site, person: Browser, held: Authenticator) -> None:
    """BE = 0 in row, entry and list; a synced one is another thing everywhere."""
    enrol(person, key(site, synced=True), "phone")
    assert {each.name: each.backup_eligible for each in kept(site)} == {"blue key": False, "phone": True}
    assert [each["detail"]["device_bound"] for each in site.entries(Kind.PASSKEY_ADDED)] == [True, False]
    page = person.get(ACCOUNT).text
    assert "this device only" in page
    assert "synced" in page


def test_r16_looking_at_the_forms_leaves_no_row(site: Site, person: Browser, held: Authenticator) -> None:
    """A challenge lives in its form; it becomes a row when it is answered rightly, and a job forgets it."""
    site.browser().get("/signin")
    person.get(ACCOUNT)
    assert rows(site, "challenges") == 1  # the enrolment of the fixture
    sign_in(site.browser(), held)
    assert rows(site, "challenges") == 2
    site.clock.move(minutes(5))
    assert site.run(tend_challenges(site.house, site.visit())) == 2
    assert rows(site, "challenges") == 0


# ---- what does not sign in

LIES: dict[str, Callable[[Authenticator], None]] = {
    "another origin": lambda a: setattr(a, "origin", "https://ostiary.example.net"),
    "our host at another port": lambda a: setattr(a, "origin", "https://localhost:8444"),
    "another relying party": lambda a: setattr(a, "party", "example.net"),
    "nobody verified": lambda a: setattr(a, "verifies", False),
    "nobody present": lambda a: setattr(a, "present", False),
    "a key that was never here": lambda a: setattr(a, "credential", b"x" * 32),
    "signed with another key": lambda a: setattr(a, "key", Authenticator("").key),
    "the counter stands still": lambda a: setattr(a, "steps", 0),
    "the counter goes back": lambda a: setattr(a, "steps", -1),
    "another person's name": lambda a: setattr(a, "user", ALICE.encode()),
    "no name": lambda a: setattr(a, "user", None),
    "it can be synced now": lambda a: setattr(a, "synced", True),
    "backed up and yet bound": lambda a: setattr(a, "backed_up", True),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_right_signs_nobody_in(site: Site, person: Browser, lie: str) -> None:
    """One sentence for all of them, no session, and the honest one goes on afterwards."""
    made = key(site, count=5)
    enrol(person, made)
    before = (made.origin, made.party, made.verifies, made.present, made.credential, made.key, made.steps, made.user)
    LIES[lie](made)
    fresh = site.browser()
    answer = sign_in(fresh, made)
    assert answer.status_code == 401
    assert "That passkey was not accepted" in answer.text
    assert "__Host-session" not in fresh.cookies
    made.origin, made.party, made.verifies, made.present, made.credential, made.key, made.steps, made.user = before
    made.synced, made.backed_up, made.count = False, None, 50
    assert sign_in(fresh, made).status_code == 200


@pytest.mark.parametrize("lie", ["another origin", "another relying party", "nobody verified", "nobody present"])
def test_what_is_not_right_is_not_enrolled(site: Site, person: Browser, lie: str) -> None:
    """The same checks where a passkey is made (WebAuthn §7.1)."""
    made = key(site)
    LIES[lie](made)
    assert enrol(person, made).status_code == 400
    assert kept(site) == ()


@pytest.mark.parametrize("lie", ["the counter stands still", "the counter goes back"])
def test_a_counter_that_goes_back_alerts(site: Site, person: Browser, lie: str) -> None:
    """There may be two of that key: administrators hear of it, and the stored counter stays."""
    made = key(site, count=5)
    enrol(person, made)
    LIES[lie](made)
    sign_in(site.browser(), made)
    (alert,) = site.entries(Kind.ALERT)
    assert alert["detail"]["about"] == "passkey_counter"
    (refused,) = site.entries(Kind.SIGN_IN_REFUSED)
    assert refused["detail"]["flaw"] == "counter"
    assert [each.sign_count for each in kept(site)] == [5]


def test_a_passkey_that_counts_nothing_alerts_nobody(site: Site, person: Browser) -> None:
    """Synced ones say nought for ever (WebAuthn §6.1.1)."""
    made = key(site, synced=True, steps=0)
    enrol(person, made)
    for _ in range(2):
        assert sign_in(site.browser(), made).status_code in (200, 303)
    assert site.entries(Kind.ALERT) == []


def test_an_answer_counts_once(site: Site, held: Authenticator) -> None:
    """The very same post again, from the same browser, is too late."""
    held.steps = 0  # only the challenge stands in the way
    fresh = site.browser()
    page = fresh.get("/signin")
    answer = held.get(options(page, SIGN_IN))
    same = site.browser()
    same.client.cookies.update(fresh.client.cookies)  # as it was before it signed in
    assert send(fresh, page, SIGN_IN, answer).status_code == 200
    again = send(same, page, SIGN_IN, answer)
    assert again.status_code == 401
    assert "That took too long" in again.text


def test_a_challenge_is_for_one_browser(site: Site, held: Authenticator) -> None:
    """Whoever lures somebody into signing the challenge of his own form cannot use it in his, nor they in theirs."""
    theirs, his = site.browser(), site.browser()
    page, own = theirs.get("/signin"), his.get("/signin")
    fields = hidden(own, SIGN_IN) | {"challenge": hidden(page, SIGN_IN)["challenge"]}
    answer = his.post(SIGN_IN, **(fields | {"credential": held.get(options(page, SIGN_IN))}))
    assert answer.status_code == 401
    assert "__Host-session" not in his.cookies


def test_a_challenge_is_for_five_minutes(site: Site, held: Authenticator) -> None:
    """One second before it counts, at five minutes no more."""
    for wait, status in ((minutes(5) - seconds(1), 200), (minutes(5), 401)):
        fresh = site.browser()
        page = fresh.get("/signin")
        answer = held.get(options(page, SIGN_IN))
        site.clock.move(wait)  # type: ignore[arg-type]
        assert send(fresh, page, SIGN_IN, answer).status_code == status


def test_a_challenge_that_we_did_not_make_counts_for_nothing(site: Site, held: Authenticator) -> None:
    """Neither one that anybody made up, nor one whose seal was bent, nor one that was made for enrolling."""
    fresh = site.browser()
    page = fresh.get("/signin")
    answer, sealed = held.get(options(page, SIGN_IN)), hidden(page, SIGN_IN)["challenge"]
    for wrong in ("", "00", "zz", sealed[:-2] + ("00" if sealed[-2:] != "00" else "01"), sealed * 40):
        assert send(fresh, page, SIGN_IN, answer, challenge=wrong).status_code == 401
    person = site.browser()
    person.sign_in(BOB)
    page = person.get(ACCOUNT)
    sealed = hidden(page, ACCOUNT)["challenge"]
    again = person.get("/signin/again")
    assert send(person, again, AGAIN, held.get(options(again, AGAIN)), challenge=sealed).status_code == 401


@pytest.mark.parametrize(
    "rubbish", ["", "{}", "[]", "null", "nonsense", '{"id":"a"}', "[" * 5000, "a" * 16_385, '{"id":1,"rawId":2}']
)
def test_rubbish_is_a_refusal(site: Site, person: Browser, rubbish: str) -> None:
    """Strangers write these bytes: no fault, no entry while nobody is known, and nothing enrolled."""
    before = len(site.entries())
    fresh = site.browser()
    assert send(fresh, fresh.get("/signin"), SIGN_IN, rubbish).status_code == 401
    assert len(site.entries()) == before
    page = person.get(ACCOUNT)
    assert send(person, page, ACCOUNT, rubbish).status_code == 400


def test_a_disabled_person_signs_in_with_nothing(site: Site, held: Authenticator) -> None:
    """The same sentence as for every other flaw; the journal knows why."""
    site.change(BOB, enabled=False)
    answer = sign_in(site.browser(), held)
    assert answer.status_code == 401
    assert "That passkey was not accepted" in answer.text
    assert site.entries(Kind.SIGN_IN_REFUSED)[-1]["detail"]["reason"] == "account_disabled"


# ---- second step and step-up


def test_a_passkey_is_the_second_step_after_a_password(site: Site, held: Authenticator) -> None:
    """The page offers both; the passkey verified its person, so it alone is what the session says."""
    fresh = site.browser()
    page = fresh.follow(fresh.password(BOB, back="/account"))
    assert actions(page) == ["/signin/second", SECOND]
    assert send(fresh, page, SECOND, held.get(options(page, SECOND), handle=False)).status_code == 200
    assert fresh.get("/account").status_code == 200
    assert site.entries(Kind.SIGNED_IN)[-1]["detail"]["amr"] == ["hwk", "user", "mfa", "pop"]


def test_another_persons_passkey_is_no_second_step(site: Site, held: Authenticator) -> None:
    """Alice's password and Bob's passkey sign in neither; with or without its saying whose it is."""
    other = site.browser()
    other.sign_in(ALICE)
    enrol(other, key(site))
    for handle in (True, False):
        fresh = site.browser()
        page = fresh.follow(fresh.password(ALICE))
        answer = send(fresh, page, SECOND, held.get(options(page, SECOND), handle=handle))
        assert answer.status_code == 401
        assert "__Host-session" not in fresh.cookies
    assert [each["detail"]["flaw"] for each in site.entries(Kind.SIGN_IN_REFUSED)] == ["person", "person"]


def test_wrong_second_steps_are_counted(site: Site, held: Authenticator) -> None:
    """Somebody with the password is known: as many wrong passkeys as codes; a right one never waits for them."""
    held.verifies = False
    fresh = site.browser("198.51.100.99")
    page = fresh.follow(fresh.password(BOB))
    statuses = [send(fresh, page, SECOND, held.get(options(page, SECOND))).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert len(site.entries(Kind.SIGN_IN_REFUSED)) == 5
    held.verifies = True
    assert send(fresh, page, SECOND, held.get(options(page, SECOND))).status_code == 200
    assert fresh.get("/account").status_code == 200


def test_r3_a_passkey_steps_up(site: Site, person: Browser, held: Authenticator) -> None:
    """After five minutes the page asks again, and the passkey opens it under a new cookie."""
    site.clock.move(minutes(5) + seconds(1))  # type: ignore[arg-type]
    again = person.follow(person.get(ACCOUNT))
    old = person.cookies["__Host-session"]
    assert send(person, again, AGAIN, held.get(options(again, AGAIN))).headers["location"] == ACCOUNT
    assert person.cookies["__Host-session"] != old
    assert person.get(ACCOUNT).status_code == 200
    assert site.entries(Kind.STEPPED_UP)[-1]["detail"]["amr"] == ["hwk", "user", "mfa", "pop"]


def test_a_code_after_a_passkey_claims_no_password(site: Site, held: Authenticator) -> None:
    """Who signed in by passkey and steps up by code has typed no password, and the session does not say so."""
    fresh = site.browser()
    sign_in(fresh, held)
    page = fresh.get("/signin/again")
    fresh.submit(page, "/signin/again", totp=site.totp(BOB))
    assert site.entries(Kind.STEPPED_UP)[-1]["detail"]["amr"] == ["otp", "mfa"]


# ---- enrolling and removing


def test_r3_enrolling_and_removing_need_fresh_proof(site: Site, person: Browser, held: Authenticator) -> None:
    """A session that somebody left open is no place to add a key."""
    page = person.get(ACCOUNT)
    made = key(site)
    answer = made.create(options(page, ACCOUNT))
    site.clock.move(minutes(4.9))
    fields = hidden(page, ACCOUNT) | {"credential": answer}
    site.clock.move(minutes(0.2))
    for path in (ACCOUNT, f"/account/passkeys/{kept(site)[0].id}/remove", "/account/recovery"):
        assert person.post(path, **fields).headers["location"].startswith("/signin/again")
    assert len(kept(site)) == 1


def test_a_passkey_is_enrolled_once(site: Site, person: Browser, held: Authenticator) -> None:
    """Its credential belongs to one account: neither Bob again nor Alice gets it."""
    assert enrol(person, held).status_code == 400
    other = site.browser()
    other.sign_in(ALICE)
    assert enrol(other, held).status_code == 400
    assert kept(site, ALICE) == ()


def test_what_was_made_for_one_is_kept_for_no_other(site: Site, person: Browser) -> None:
    """The challenge that asked for Bob's passkey makes none for Alice, were it in her very browser."""
    page = person.get(ACCOUNT)
    made = key(site)
    answer, sealed = made.create(options(page, ACCOUNT)), hidden(page, ACCOUNT)["challenge"]
    other = site.browser()
    other.sign_in(ALICE)
    assert send(other, other.get(ACCOUNT), ACCOUNT, answer, challenge=sealed).status_code == 400
    assert kept(site, ALICE) == ()


def test_a_person_has_twenty_at_most(site: Site, person: Browser) -> None:
    """The list stays a list."""
    statuses = [enrol(person, key(site)).status_code for _ in range(21)]
    assert statuses == [303] * 20 + [400]


def test_a_removed_passkey_signs_in_no_more(site: Site, person: Browser, held: Authenticator) -> None:
    """At once; and only its owner removes it."""
    path = f"/account/passkeys/{kept(site)[0].id}/remove"
    other = site.browser()
    other.sign_in(ALICE)
    token = hidden(other.get(ACCOUNT), ACCOUNT)["form_token"]
    assert other.post(path, form_token=token).status_code == 400
    assert person.submit(person.get(ACCOUNT), path).status_code == 303
    assert sign_in(site.browser(), held).status_code == 401
    assert site.entries(Kind.PASSKEY_REMOVED)[0]["detail"]["name"] == "blue key"


def test_the_only_second_step_stays(site: Site, person: Browser, held: Authenticator) -> None:
    """Without any, whoever knows the password would enrol a passkey of their own."""
    site.drop_factor(BOB)
    path = f"/account/passkeys/{kept(site)[0].id}/remove"
    assert person.submit(person.get(ACCOUNT), path).status_code == 400
    assert enrol(person, key(site), "second").status_code == 303
    assert person.submit(person.get(ACCOUNT), path).status_code == 303


def test_a_first_second_step_may_be_a_passkey(site: Site) -> None:
    """Beside the QR code; and once there is one, nobody enrols another with the password alone."""
    site.drop_factor(BOB)
    fresh, other = site.browser(), site.browser()
    page, late = (each.follow(each.password(BOB, back="/account")) for each in (fresh, other))
    assert actions(page) == ["/signin/enrol", ENROL]
    made = key(site)
    assert send(fresh, page, ENROL, made.create(options(page, ENROL))).status_code in (200, 303)
    assert fresh.get("/account").status_code == 200
    again = send(other, late, ENROL, key(site).create(options(late, ENROL)))
    assert again.status_code == 303  # to the second step that there is now
    assert actions(other.follow(again)) == [SECOND]
    assert len(kept(site)) == 1


def test_a_reset_of_the_second_step_takes_passkeys_too(site: Site, held: Authenticator) -> None:
    """What an administrator takes away after a theft must not stay behind in part."""
    assert isinstance(site.run(invite(site.house, site.admin(), BOB, factors=True)), Link)
    assert kept(site) == ()
    assert sign_in(site.browser(), held).status_code == 401


def test_a_house_at_an_address_offers_none(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No authenticator takes an address for a relying party: the forms are not there, the rest works."""
    site = Site(tmp_path_factory.mktemp("house"), origin="https://192.0.2.1:8443")
    try:
        browser = site.browser()
        assert actions(browser.get("/signin")) == ["/signin"]
        browser.sign_in(BOB)
        assert "Passkeys need a host name" in browser.get(ACCOUNT).text
    finally:
        site.close()
