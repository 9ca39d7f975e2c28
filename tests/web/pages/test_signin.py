"""Signing in at the page: two steps, one sentence, and nobody can lock somebody else out."""

import asyncio

import httpx

from ostiary.core.directory.people import Role
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours, minutes, seconds
from ostiary.services.directory.credentials import invite, set_password
from ostiary.services.directory.people import revoke_sessions
from ostiary.services.directory.throttle import sweep
from ostiary.services.tokens.browser import tend_sessions
from ostiary.services.tokens.caller import Credentials, identify
from tests.web.pages.site import ALICE, BOB, CAROL, NAMES, PASSWORD, Browser, Site, hidden

WRONG = "The user name or the password is wrong."


def signed_in(browser: Browser) -> bool:
    """Whether the browser's cookie opens the account page."""
    return browser.get("/account").status_code == 200


def test_password_and_code_make_a_session_and_lead_back(site: Site) -> None:
    """The person ends where they were going, with one entry for each step."""
    browser = site.browser()
    answer = browser.sign_in(BOB, back="/account")
    assert answer.headers["location"] == "/account"
    assert NAMES[BOB] in browser.get("/account").text
    kinds = [entry["action"] for entry in site.entries()]
    assert kinds == [Kind.PASSWORD_PASSED, Kind.SIGNED_IN]
    assert site.entries(Kind.SIGNED_IN)[0]["target"] == f"user:{BOB}"


def test_r16_cookies_are_host_bound_secure_and_unreadable(site: Site) -> None:
    """R16: `__Host-`, Secure, HttpOnly, SameSite=Lax on every cookie that is ever set."""
    browser = site.browser()
    second = browser.follow(browser.password(BOB))
    answers = [browser.get("/signin"), browser.submit(second, "/signin/second", totp=site.totp(BOB))]
    lines = [line for answer in answers for line in answer.headers.get_list("set-cookie")]
    names = {line.partition("=")[0] for line in lines}
    assert {"__Host-session", "__Host-known"} <= names
    for line in lines:
        assert line.startswith("__Host-")
        assert "; Path=/; Secure; HttpOnly; SameSite=Lax" in line


def test_r16_the_session_id_changes_at_each_rise(site: Site) -> None:
    """R16: password, second factor and step-up each give a new id, and the old one opens nothing any more."""
    browser = site.browser()
    second = browser.follow(browser.password(BOB))
    half = browser.cookies["__Host-half"]
    browser.submit(second, "/signin/second", totp=site.totp(BOB))
    first = browser.cookies["__Host-session"]
    again = browser.get("/signin/again?return=/account")
    assert browser.submit(again, "/signin/again", totp=site.totp(BOB)).headers["location"] == "/account"
    raised = browser.cookies["__Host-session"]
    assert len({half, first, raised}) == 3
    for old in (half, first):
        visit = site.run(identify(site.house, Credentials(cookie=old), site.visit()))
        assert visit.caller.user is None
    visit = site.run(identify(site.house, Credentials(cookie=raised), site.visit()))
    assert visit.caller.user == BOB
    assert visit.caller.authenticated_at == site.clock.now()
    assert len(site.entries(Kind.STEPPED_UP)) == 1


def test_the_store_never_holds_a_cookie(site: Site) -> None:
    """R17: only digests of session ids are kept; nothing on disk opens a session."""
    browser = site.browser()
    browser.sign_in(BOB)
    secret = browser.cookies["__Host-session"].encode()
    folder = site.house.settings.data
    assert all(secret not in path.read_bytes() for path in folder.iterdir())


def test_the_password_alone_opens_nothing(site: Site) -> None:
    """A half session is no session, whatever cookie it is put into."""
    browser = site.browser()
    browser.password(BOB)
    half = browser.cookies["__Host-half"]
    assert site.run(identify(site.house, Credentials(cookie=half), site.visit())).caller.user is None
    assert browser.get("/account").headers["location"].startswith("/signin?")


def test_one_sentence_for_wrong_unknown_disabled_and_without_password(site: Site) -> None:
    """Nobody learns from the answer who has an account."""
    site.change(CAROL, enabled=False)
    browser = site.browser()
    tried = ((NAMES[BOB], "not it at all"), ("nobody@example.com", PASSWORD), (NAMES[CAROL], PASSWORD))
    answers = [browser.submit(browser.get("/signin"), "/signin", username=n, password=p) for n, p in tried]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert all(WRONG in answer.text for answer in answers)
    reasons = [entry["detail"]["reason"] for entry in site.entries(Kind.SIGN_IN_REFUSED)]
    assert reasons == ["bad_credentials", "bad_credentials", "account_disabled"]


def test_an_unknown_name_is_never_written_down(site: Site) -> None:
    """People type passwords into the name field."""
    browser = site.browser()
    browser.submit(browser.get("/signin"), "/signin", username="hunter2 oh no", password="x")
    assert "hunter2" not in str(site.entries())
    assert all(b"hunter2" not in path.read_bytes() for path in site.house.settings.data.iterdir())


def test_a_code_counts_once(site: Site) -> None:
    """RFC 6238 §5.2: the code that signed in does not sign in again."""
    code = site.totp(BOB)
    for status in (303, 401):
        browser = site.browser()
        second = browser.follow(browser.password(BOB))
        assert browser.submit(second, "/signin/second", totp=code).status_code == status


def test_the_second_step_waits_ten_minutes(site: Site) -> None:
    """After that the password is asked for again."""
    browser = site.browser()
    second = browser.follow(browser.password(BOB))
    site.clock.move(minutes(10))
    answer = browser.submit(second, "/signin/second", totp=site.totp(BOB))
    assert answer.status_code == 401
    assert "took too long" in answer.text
    assert not signed_in(browser)


def test_a_session_ends_after_idling_and_at_the_latest_after_twelve_hours(site: Site) -> None:
    """R16: 30 minutes idle, 12 hours absolute."""
    idle = site.browser()
    idle.sign_in(BOB)
    site.clock.move(minutes(31))
    assert not signed_in(idle)
    busy = site.browser()
    busy.sign_in(BOB)
    for _ in range(28):
        site.clock.move(minutes(25))
        assert signed_in(busy)
    site.clock.move(minutes(25))
    assert not signed_in(busy)


def test_signing_out_ends_the_session_itself(site: Site) -> None:
    """The cookie is removed, and would be worth nothing."""
    browser = site.browser()
    browser.sign_in(BOB)
    secret = browser.cookies["__Host-session"]
    page = browser.get("/account")
    assert browser.submit(page, "/signout").headers["location"] == "/signin"
    assert "__Host-session" not in browser.cookies
    assert site.run(identify(site.house, Credentials(cookie=secret), site.visit())).caller.user is None
    assert len(site.entries(Kind.SIGNED_OUT)) == 1


def test_r16_signing_in_as_somebody_else_ends_the_session_before(site: Site) -> None:
    """R16: a change of account gives a new id, and the old one opens nothing."""
    browser = site.browser()
    browser.sign_in(BOB)
    old = browser.cookies["__Host-session"]
    browser.sign_in(CAROL)
    assert NAMES[CAROL] in browser.get("/account").text
    assert site.run(identify(site.house, Credentials(cookie=old), site.visit())).caller.user is None


def test_revoking_ends_every_session_at_once_and_a_new_one_begins(site: Site) -> None:
    """One write of the account's epoch; half sessions are over too, and the next sign-in works in the same instant."""
    one, two, half = site.browser(), site.browser(), site.browser()
    one.sign_in(BOB)
    two.sign_in(BOB)
    second = half.follow(half.password(BOB))
    site.run(revoke_sessions(site.house, site.admin(), BOB))
    assert not signed_in(one)
    assert not signed_in(two)
    assert half.submit(second, "/signin/second", totp=site.totp(BOB)).status_code == 401
    fresh = site.browser()
    fresh.sign_in(BOB)
    assert signed_in(fresh)


def test_return_leads_to_our_own_pages_only(site: Site) -> None:
    """No open redirect: everything that is not a path of ours counts as the device page."""
    for evil in ("//evil.example/", "https://evil.example/", "/\\evil.example", "/%0d%0aX: y", "evil", "/a b"):
        browser = site.browser()
        assert (
            browser.sign_in(BOB, back=httpx.QueryParams({"x": evil})["x"].replace("%", "%25"))
            .headers["location"]
            .startswith("/")
        )
        page = browser.get("/signin")
        posted = browser.post(
            "/signin",
            username=NAMES[BOB],
            password=PASSWORD,
            form_token=token_of(page),
            **{"return": evil},
        )
        assert posted.headers["location"] == "/signin/second?return=%2Fdevicelogin"


def token_of(page: httpx.Response) -> str:
    """The form token on *page*."""
    return page.text.partition('name="form_token" value="')[2].partition('"')[0]


def test_an_authorization_request_goes_on_from_a_page(site: Site) -> None:
    """Its redirect to the application must not count as the target of our form (R16), so a page leads there."""
    back = "/common/oauth2/v2.0/authorize?client_id=x%26y&state=1"
    browser = site.browser()
    page = browser.get(f"/signin?return={httpx.URL('', params={'r': back}).query.decode()[2:]}")
    second = browser.follow(browser.submit(page, "/signin", username=NAMES[BOB], password=PASSWORD))
    answer = browser.submit(second, "/signin/second", totp=site.totp(BOB))
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/common/oauth2/v2.0/authorize?client_id=x%26y&amp;state=1">' in (
        answer.text
    )


# ---- first authenticator


def test_a_person_without_an_authenticator_enrols_one_before_anything_else(site: Site) -> None:
    """The QR code is in the page itself, the seed is stored only once its first code was right, and sealed."""
    site.drop_factor(BOB)
    browser = site.browser()
    page = browser.follow(browser.password(BOB, back="/account"))
    assert 'src="data:image/svg+xml' in page.text
    seed = page.text.partition('class="key">')[2].partition("<")[0].replace(" ", "")
    site.seeds[BOB] = seed
    wrong = browser.submit(page, "/signin/enrol", totp="000000")
    assert wrong.status_code == 401
    assert seed in wrong.text.replace(" ", "")  # the same QR code again: nothing to scan twice
    done = browser.submit(wrong, "/signin/enrol", totp=site.totp(BOB))
    assert done.headers["location"] == "/account"
    assert signed_in(browser)
    assert all(seed.encode() not in path.read_bytes() for path in site.house.settings.data.iterdir())
    assert len(site.entries(Kind.AUTHENTICATOR_ADDED)) == 1


def test_an_offered_authenticator_is_one_sessions_own_and_grows_stale(site: Site) -> None:
    """Another person's offer, and one over half an hour old, are not accepted."""
    for user in (BOB, CAROL):
        site.drop_factor(user)
    first, second = site.browser(), site.browser()
    page, other = first.follow(first.password(BOB)), second.follow(second.password(CAROL))
    site.seeds[BOB] = page.text.partition('class="key">')[2].partition("<")[0].replace(" ", "")
    offer = page.text.partition('name="offer" value="')[2].partition('"')[0]
    stolen = second.post("/signin/enrol", form_token=token_of(other), offer=offer, totp=site.totp(BOB))
    assert stolen.status_code == 401
    assert not signed_in(second)


# ---- counting


def guess(browser: Browser, user: str, times: int) -> list[int]:
    """*times* wrong passwords; the statuses."""
    answers = []
    for _ in range(times):
        page = browser.get("/signin")
        answers.append(browser.submit(page, "/signin", username=user, password="a wrong password").status_code)
    return answers


def test_five_wrong_passwords_slow_one_account_for_one_source(site: Site) -> None:
    """The sixth is not looked at, even when right; after the few seconds that the answer names it is."""
    browser = site.browser()
    assert guess(browser, NAMES[BOB], 5) == [401] * 5
    refused = browser.password(BOB)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "5"
    assert "Try again in 5 seconds" in refused.text
    assert len(site.entries(Kind.SIGN_IN_REFUSED)) == 5  # what is not looked at leaves no entry
    site.clock.move(seconds(4))
    assert browser.password(BOB).headers["retry-after"] == "1"
    site.clock.move(seconds(1))
    assert browser.password(BOB).status_code == 303


def test_a_day_of_guessing_beside_a_person_costs_them_three_minutes(site: Site) -> None:
    """Behind one address with the guesser, at a browser that nobody knows, the wait is bounded and told."""
    guesser = site.browser("198.51.100.7")
    for _ in range(100):
        answer = guesser.submit(guesser.get("/signin"), "/signin", username=NAMES[BOB], password="a wrong password")
        site.clock.move(seconds(int(answer.headers.get("retry-after", "0"))))
    guess(guesser, NAMES[BOB], 1)
    waiting = site.browser("198.51.100.7").password(BOB)
    assert (waiting.status_code, waiting.headers["retry-after"]) == (429, "180")
    assert "Try again in 3 minutes" in waiting.text
    site.clock.move(minutes(3))
    assert site.browser("198.51.100.7").password(BOB).status_code == 303


def test_of_many_tries_at_once_only_the_first_are_told(site: Site) -> None:
    """The right password among parallel wrong ones is not looked at once a wrong one before it closed the counter."""
    token = {"sec-fetch-site": "same-origin", "origin": site.origin}
    browser = site.browser()
    assert guess(browser, NAMES[BOB], 4) == [401] * 4
    form = hidden(browser.get("/signin"), "/signin")

    async def all_at_once() -> list[int]:
        typed = ["a wrong password"] * 12 + [PASSWORD] * 12
        fields = [{**form, "username": NAMES[BOB], "password": each} for each in typed]
        answers = await asyncio.gather(*(browser.client.post("/signin", data=each, headers=token) for each in fields))
        return [answer.status_code for answer in answers]

    statuses = site.run(all_at_once())
    assert sorted(set(statuses)) == [401, 429]
    assert statuses.count(401) == 1


def test_of_many_codes_at_once_only_the_first_are_told(site: Site) -> None:
    """Nor can whoever has the password try a thousand codes in the moment in which one is looked at."""
    token = {"sec-fetch-site": "same-origin", "origin": site.origin}
    browser = site.browser()
    second = browser.follow(browser.password(BOB))
    form, right = hidden(second, "/signin/second"), site.totp(BOB)
    wrong = [f"{number:06}" for number in range(40) if f"{number:06}" != right]

    async def all_at_once() -> list[int]:
        fields = [{**form, "totp": each} for each in (*wrong, right)]
        answers = await asyncio.gather(
            *(browser.client.post("/signin/second", data=each, headers=token) for each in fields)
        )
        return [answer.status_code for answer in answers]

    assert site.run(all_at_once()) == [401] * 5 + [429] * (len(wrong) - 4)
    assert not signed_in(browser)


def test_wrong_passwords_do_not_slow_the_person_elsewhere(site: Site) -> None:
    """Whoever guesses from one place slows that place, not the account."""
    attacker, owner = site.browser("192.0.2.66"), site.browser("198.51.100.7")
    guess(attacker, NAMES[BOB], 6)
    owner.sign_in(BOB)
    assert signed_in(owner)


def test_a_whole_network_of_guessers_cannot_lock_a_known_browser_out(site: Site) -> None:
    """Not even from the very address of the person's own browser, behind one NAT."""
    owner = site.browser("198.51.100.7")
    owner.sign_in(BOB)
    owner.submit(owner.get("/account"), "/signout")
    guess(site.browser("198.51.100.7"), NAMES[BOB], 6)
    for number in range(1, 60):
        guess(site.browser(f"192.0.2.{number}"), NAMES[BOB], 1)
    assert site.browser("203.0.113.200").password(BOB).status_code == 429  # a stranger waits a little
    assert owner.password(BOB).status_code == 303


def test_a_new_browser_waits_half_a_minute_at_most(site: Site) -> None:
    """Even under attack from everywhere, the worst that happens to a person at a new browser is a short wait."""
    for number in range(1, 80):
        guess(site.browser(f"192.0.2.{number}"), NAMES[BOB], 1)
        site.clock.move(minutes(0.5))
    guess(site.browser("192.0.2.250"), NAMES[BOB], 1)
    site.clock.move(minutes(0.5))
    assert site.browser("203.0.113.200").password(BOB).status_code == 303


def test_an_account_that_does_not_exist_locks_alike(site: Site) -> None:
    """Otherwise the lock would tell who has an account."""
    browser = site.browser()
    assert guess(browser, "nobody@example.com", 6) == [401] * 5 + [429]


def test_one_source_over_many_accounts_is_slowed_for_unknown_browsers(site: Site) -> None:
    """Password spraying: 40 wrong ones from one address in an hour, then an alert and one look a few seconds."""
    for number in range(8):
        guess(site.browser("2001:db8:1:2::1"), f"person{number}@example.com", 5)
    assert guess(site.browser("2001:db8:1:2::1"), "person9@example.com", 2) == [401, 429]
    assert site.browser("2001:db8:1:2:ffff::9").password(BOB).status_code == 429  # the same /64
    assert site.browser("2001:db8:1:3::1").password(BOB).status_code == 303
    assert [entry["detail"]["about"] for entry in site.entries(Kind.ALERT)] == ["guessing_source"]
    for number in range(10, 40):
        guess(site.browser("2001:db8:1:2::1"), f"person{number}@example.com", 1)
        site.clock.move(seconds(20))
    guess(site.browser("2001:db8:1:2::1"), "person40@example.com", 1)
    assert site.browser("2001:db8:1:2:ffff::9").password(BOB).headers["retry-after"] == "20"  # and never more


def test_wrong_codes_are_counted_too(site: Site) -> None:
    """Whoever has the password gets five tries at the second factor, then fewer and fewer, from wherever they come."""
    browser = site.browser()
    second = browser.follow(browser.password(BOB))
    answers = [browser.submit(second, "/signin/second", totp="000000").status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    for number in range(1, 12):
        guesser = site.browser(f"192.0.2.{number}")
        page = guesser.follow(guesser.password(BOB))
        guesser.submit(page, "/signin/second", totp="000000")
        site.clock.move(minutes(1))
    page = browser.follow(browser.password(BOB))
    assert browser.submit(page, "/signin/second", totp=site.totp(BOB)).status_code == 429
    site.clock.move(hours(1))
    page = browser.follow(browser.password(BOB))
    assert browser.submit(page, "/signin/second", totp=site.totp(BOB)).status_code == 303


# ---- what a person is told


def test_a_person_is_told_what_an_administrator_did(site: Site) -> None:
    """A link, its use and the removal of an authenticator are shown once, at the next sign-in."""
    site.browser().sign_in(BOB)
    link = site.run(invite(site.house, site.admin(), BOB, reset=True, factors=False))
    site.run(set_password(site.house, site.visit(), link.token, PASSWORD))  # type: ignore[union-attr]
    browser = site.browser()
    told = browser.sign_in(BOB)
    assert told.status_code == 200
    assert "A link to set a new password was made" in told.text
    assert NAMES[ALICE] in told.text
    assert "A new password was set with such a link" in told.text
    assert site.browser().sign_in(BOB).status_code == 303


def test_a_role_counts_as_it_is_now(site: Site) -> None:
    """The caller's roles are read with each request, not kept in the session."""
    browser = site.browser()
    browser.sign_in(ALICE)
    secret = Credentials(cookie=browser.cookies["__Host-session"])
    assert site.run(identify(site.house, secret, site.visit())).caller.roles == {Role.ADMINISTRATOR}
    site.change(ALICE, roles=frozenset())
    assert site.run(identify(site.house, secret, site.visit())).caller.roles == frozenset()


def test_a_lasting_session_is_written_once_a_minute(site: Site) -> None:
    """A page a second costs no write a second."""
    browser = site.browser()
    browser.sign_in(BOB)
    site.clock.move(hours(0.4))
    assert signed_in(browser)  # written: idle ends half an hour from here
    site.clock.move(hours(0.4))
    assert signed_in(browser)


def test_what_is_long_over_is_forgotten(site: Site) -> None:
    """Counters and sessions leave no rows for ever; what still closes or lives stays."""
    guess(site.browser("192.0.2.1"), NAMES[BOB], 5)
    old = site.browser()
    old.sign_in(BOB)
    site.clock.move(hours(49))
    guess(site.browser("192.0.2.2"), NAMES[BOB], 5)
    fresh = site.browser()
    fresh.sign_in(BOB)
    assert site.run(sweep(site.house, site.visit())) == 2  # one pair, one source; the account's has moved on
    assert site.run(tend_sessions(site.house, site.visit())) == 1
    assert signed_in(fresh)
    assert guess(site.browser("192.0.2.2"), NAMES[BOB], 2) == [401, 429]  # the sixth wrong one of this pair
