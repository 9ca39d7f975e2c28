"""The device page: the code, the decision, and what a person is spared."""

import httpx
import pytest

from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.user_code import spaced
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.instants import minutes
from ostiary.services.signins.complete_address import complete_address
from ostiary.services.signins.start import Request, Started, start
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.rotation import ensure_keys
from ostiary.services.tokens.token import TokenForm, grant
from tests.web.pages.site import ALICE, BOB, CAROL, NAMES, PASSWORD, TOOL, Browser, Site, actions


def asked(site: Site, browser: Browser) -> str:
    """Somebody signed in at *browser* types the code of a new sign-in; the path of the decision."""
    answer = typed(browser, site.start().user_code)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def typed(browser: Browser, code: str) -> httpx.Response:
    """Type *code* at the device page."""
    return browser.submit(browser.get("/devicelogin"), "/devicelogin", user_code=code)


@pytest.fixture
def person(site: Site) -> Browser:
    """Bob with an open exemption, signed in."""
    site.open(BOB)
    browser = site.browser()
    browser.sign_in(BOB)
    return browser


def test_r10_sign_in_comes_first_and_the_code_second(site: Site) -> None:
    """R10: nobody who is not signed in sees the field for the code, or can post one."""
    browser = site.browser()
    assert browser.get("/devicelogin").headers["location"] == "/signin?return=%2Fdevicelogin"
    page = browser.get("/signin")
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    assert (
        browser.post("/devicelogin", form_token=token, user_code="BBBBBBBB").headers["location"].startswith("/signin")
    )
    assert site.entries(Kind.CODE_WRONG) == []


def test_the_page_tells_who_what_where_and_when(site: Site, person: Browser) -> None:
    """RFC 8628 §5.4: what a person needs to notice that the machine is not theirs."""
    page = person.get(asked(site, person))
    for fact in (
        "Build tool",
        "203.0.113.9",
        "tool/1.0 (Linux)",
        "198.51.100.7",
        "Read your own profile",
        "bob@example.com",
        "23 Nov 2026, 10:00 UTC",
    ):
        assert fact in page.text
    assert "You must have started this yourself on a machine in front of you." in page.text


def test_what_the_machine_says_of_itself_is_shown_as_that(site: Site, person: Browser) -> None:
    """M14: name and reason in quotation marks and marked as unchecked; mark-up stays text; places are said."""
    request = Request(
        client=Shown(TOOL), scope=f"{site.origin}/User.Read", machine="build-7", reason="<b>the boss\nsaid so</b>"
    )
    begun = site.run(start(site.house, site.visit(), request))
    assert isinstance(begun, Started)
    page = person.get(typed(person, begun.user_code).headers["location"])
    for label, said in (("It says its name is", "build-7"), ("It says why", "&lt;b&gt;the boss said so&lt;/b&gt;")):
        found = f'<th scope="row">{label}</th><td>“<bdi>{said}</bdi>” <span class="tag">not checked</span>'
        assert found in page.text
    for label in ("Its country", "Distance"):
        assert f'<th scope="row">{label}</th><td>not known</td>' in page.text
    warned = page.text.index("What is unusual about it")
    assert warned < page.text.index('<table class="facts">')
    assert "You never signed in to this application with a code." in page.text


def test_deny_stands_first_and_takes_enter(site: Site, person: Browser) -> None:
    """RFC 10027: the harmless answer is the default one."""
    page = person.get(asked(site, person))
    decisions = [action.rpartition("/")[2] for action in actions(page) if "/request/" in action]
    assert decisions == ["deny", "approve", "report", "change"]
    assert page.text.count("autofocus") == 1
    assert "autofocus>Deny</button>" in page.text


@pytest.mark.parametrize("shape", ["{0}", "{0}  ", "low", "spaced", "dashed"])
def test_case_dashes_and_spaces_are_forgiven(site: Site, person: Browser, shape: str) -> None:
    """However a person types the letters."""
    letters = site.start().user_code.replace("-", "").replace(" ", "")
    shapes = {"low": letters.lower(), "spaced": " ".join(letters), "dashed": f"{letters[:2]}-{letters[2:]}"}
    assert typed(person, shapes.get(shape, shape.format(letters))).status_code == 303


def test_approving_leads_to_done_and_says_until_when(site: Site, person: Browser) -> None:
    """The exemption's end is told, and the way to take it all back."""
    path = asked(site, person)
    done = person.submit(person.get(path), f"{path}/approve")
    assert done.status_code == 200
    assert "Approved" in done.text
    assert "10:00 UTC" in done.text  # two hours after 08:00, when it was opened
    assert f"{path}/report" in actions(done)
    assert len(site.entries(Kind.APPROVED)) == 1


def test_approval_needs_proof_not_older_than_five_minutes(site: Site, person: Browser) -> None:
    """R3, R5: otherwise the code is asked for again, and the decision after it once more."""
    site.clock.move(minutes(6))
    path = asked(site, person)
    again = person.submit(person.get(path), f"{path}/approve")
    assert again.headers["location"].startswith("/signin/again?return=%2Fdevicelogin%2Frequest%2F")
    back = person.submit(person.follow(again), "/signin/again", totp=site.totp(BOB))
    assert back.headers["location"] == path
    assert site.entries(Kind.APPROVED) == []
    assert "Approved" in person.submit(person.get(path), f"{path}/approve").text


def test_denying_and_reporting_end_it(site: Site, person: Browser) -> None:
    """Each says so, and neither can be approved afterwards."""
    for how, word in (("deny", "Denied"), ("report", "Reported")):
        path = asked(site, person)
        page = person.get(path)
        assert word in person.submit(page, f"{path}/{how}").text
        late = person.submit(page, f"{path}/approve")
        assert late.status_code == 409
        assert "Nothing was changed" in late.text
    assert len(site.entries(Kind.REPORTED)) == 1
    blocked = typed(person, site.start().user_code)  # R11: the reported machine is shut out for an hour
    assert "reported this device" in blocked.text


def test_reporting_after_approval_takes_it_back(site: Site, person: Browser) -> None:
    """Whoever notices a moment too late still can."""
    path = asked(site, person)
    done = person.submit(person.get(path), f"{path}/approve")
    assert "Reported" in person.submit(done, f"{path}/report").text


def test_r11_a_get_never_claims_or_decides(site: Site, person: Browser) -> None:
    """R11: opening, prefetching and reloading leave the store as it was."""
    code = site.start().user_code
    path = asked(site, person)
    before = len(site.entries())
    assert person.get(f"/devicelogin?user_code={code}").status_code == 200
    for how in ("approve", "deny", "report", "change"):
        assert person.get(f"{path}/{how}").status_code == 405
    person.get(path)
    assert len(site.entries()) == before
    assert typed(person, code).status_code == 303


def test_r11_only_the_browser_that_claimed_sees_the_request(site: Site, person: Browser) -> None:
    """R11: not another person, not the same person at another browser."""
    path = asked(site, person)
    site.open(CAROL)
    for user in (BOB, CAROL):
        other = site.browser("198.51.100.99")
        other.sign_in(user)
        assert other.get(path).status_code == 409
        page = other.get("/devicelogin")
        token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
        assert other.post(f"{path}/approve", form_token=token).status_code == 409
    assert person.get(path).status_code == 200


def test_r11_changing_the_account_gives_the_code_back(site: Site, person: Browser) -> None:
    """R11: the session ends, and another account types the code."""
    site.open(CAROL)
    code = site.start().user_code
    path = typed(person, code).headers["location"]
    gone = person.submit(person.get(path), f"{path}/change")
    assert gone.headers["location"].startswith("/signin")
    assert person.get("/account").status_code == 303
    person.sign_in(CAROL)
    assert typed(person, code).status_code == 303


def test_r11_only_this_browser_gets_a_code_that_was_given_back(site: Site, person: Browser) -> None:
    """R11: somebody at another browser who types it meanwhile is a second person: it ends, for the first one too."""
    site.open(CAROL)
    code = site.start().user_code
    path = typed(person, code).headers["location"]
    gone = person.submit(person.get(path), f"{path}/change")
    kept = next(line for line in gone.headers.get_list("set-cookie") if line.startswith("__Host-handed="))
    assert "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=3" in kept  # as long as the code lives
    other = site.browser("198.51.100.99")
    other.sign_in(CAROL)
    wrong = typed(other, code)
    assert wrong.status_code == 400
    assert "That code is not valid" in wrong.text
    assert len(site.entries(Kind.ALERT)) == 1
    person.sign_in(CAROL)
    assert typed(person, code).status_code == 400


def test_r11_signing_out_gives_the_browsers_claim_up(site: Site, person: Browser) -> None:
    """R11: what ties two accounts of one browser together ends with *Sign out*."""
    site.open(CAROL)
    code = site.start().user_code
    path = typed(person, code).headers["location"]
    person.submit(person.get(path), f"{path}/change")
    person.sign_in(CAROL)
    person.submit(person.get("/devicelogin"), "/signout")
    assert "__Host-handed" not in person.cookies
    person.sign_in(CAROL)
    assert typed(person, code).status_code == 400


def test_a_blocked_person_reads_the_rule_and_the_reference(site: Site) -> None:
    """The code stays for whoever may use it; the page names the rule, and what to do."""
    site.open(BOB)
    code = site.start().user_code
    stranger = site.browser()
    stranger.sign_in(CAROL)
    answer = typed(stranger, code)
    assert answer.status_code == 403
    assert "Block device code flow" in answer.text
    reference = site.entries(Kind.BLOCKED)[0]["story"]
    assert reference in answer.text
    owner = site.browser()
    owner.sign_in(BOB)
    assert typed(owner, code).status_code == 303


def test_r10_wrong_codes_read_alike_and_lock_that_person_only(site: Site, person: Browser) -> None:
    """R10: unknown, expired and used are one sentence; five lock the person's code entry, nobody else's."""
    used = site.start().user_code
    path = typed(person, used).headers["location"]
    person.submit(person.get(path), f"{path}/deny")
    answers = [typed(person, code) for code in ("BBBBBBBB", used, "nonsense!", "", "C" * 60)]
    assert [answer.status_code for answer in answers] == [400] * 5
    told = {answer.text.partition('role="alert"')[2].partition("</div>")[0] for answer in answers}
    assert len(told) == 1
    assert typed(person, site.start().user_code).status_code == 429
    site.open(ALICE)
    other = site.browser()
    other.sign_in(ALICE)
    assert typed(other, site.start().user_code).status_code == 303


def test_nothing_is_filled_in_unless_the_address_is_ours(site: Site, person: Browser) -> None:
    """
    RFC 8628 §3.3.1: only an address that we made, for an application that sends such, fills the form in; and even then
    the person compares. R10: whether a code exists is not told by opening an address with it.
    """
    code = site.start().user_code
    for address in (f"/devicelogin?user_code={code}", f"/devicelogin?user_code={code}&mark={'0' * 32}"):
        plain = person.get(address)
        assert 'name="user_code"' in plain.text
        assert code not in plain.text
        assert "Type the code" in plain.text
    address = complete_address(site.house, code).removeprefix(site.origin)
    filled = person.get(address)
    assert "Does this code match the one on your device?" in filled.text
    shown = filled.text.partition('id="user_code"')[2].partition('value="')[2].partition('"')[0]
    assert "".join(letter for letter in shown if letter.isalpha()) == code
    assert "Type the code" in person.get(address.replace(spaced(code), spaced("B" * 8))).text
    assert person.submit(filled, "/devicelogin", user_code=code).status_code == 303


def test_an_address_with_its_code_survives_the_sign_in(site: Site) -> None:
    """Who is not signed in yet comes back to it."""
    site.open(BOB)
    address = complete_address(site.house, site.start().user_code).removeprefix(site.origin)
    browser = site.browser()
    first = browser.follow(browser.get(address))
    second = browser.follow(browser.submit(first, "/signin", username=NAMES[BOB], password=PASSWORD))
    assert browser.submit(second, "/signin/second", totp=site.totp(BOB)).headers["location"] == address


def test_a_code_after_its_time_is_not_valid(site: Site, person: Browser) -> None:
    """Five minutes."""
    code = site.start().user_code
    site.clock.move(minutes(5))
    assert typed(person, code).status_code == 400


def test_r11_a_device_can_be_reported_from_ones_account(site: Site, person: Browser) -> None:
    """R11: whoever finds a device there that they did not start ends what it got, long after the page is closed."""
    started = site.start()
    path = typed(person, started.user_code).headers["location"]
    person.submit(person.get(path), f"{path}/approve")
    redeemed(site, started.device_code)
    account = person.get("/account")
    assert "Device" in account.text
    assert f"{path}/report" in actions(account)
    assert "Reported" in person.submit(account, f"{path}/report").text
    assert "<strong>Device</strong>" not in person.get("/account").text


def redeemed(site: Site, device_code: str) -> None:
    """The machine polls and gets its tokens."""
    site.run(ensure_keys(site.house, site.visit()))
    kind = "urn:ietf:params:oauth:grant-type:device_code"
    form = TokenForm(grant_type=kind, client=Shown(TOOL), device_code=device_code)
    given = site.run(grant(site.house, site.visit(address="203.0.113.9"), form))
    assert isinstance(given, Issued), given
