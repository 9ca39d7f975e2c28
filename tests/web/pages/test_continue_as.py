"""The page that asks whether to go on: whom, to what, where to; and nothing for a request that is not right."""

from urllib.parse import urlencode

import pytest

from ostiary.core.tokens.pkce import challenge_of
from tests.web.pages.site import BOB, NAMES, TOOL, Site, actions, hidden

URI = "http://127.0.0.1:4711"


def asked(**changes: str) -> str:
    """The page for a request."""
    usual = {
        "client_id": TOOL, "redirect_uri": URI, "response_type": "code", "scope": "openid", "state": '"><b>',
        "code_challenge": challenge_of("v" * 64), "code_challenge_method": "S256", "ostiary_answer": "yes",
        "form_token": "f",
    }  # fmt: skip
    return f"/continue?{urlencode({**usual, **changes})}"


def test_the_page_says_who_goes_where_and_carries_the_request(site: Site) -> None:
    """The request as it came, without what only our form may say; the policy names where the code goes (R16)."""
    browser = site.browser()
    browser.sign_in(BOB)
    page = browser.get(asked())
    (yes, no) = actions(page)[-2:]
    assert yes == no
    carried = hidden(page, yes)
    assert carried["state"] == '"><b>'
    assert carried["redirect_uri"] == URI
    assert carried["form_token"] != "f"
    assert "<b>" not in page.text
    for text in ("Build tool", f"Continue as {NAMES[BOB]}", f"<code>{URI}</code>", "Cancel"):
        assert text in page.text
    assert page.headers["content-security-policy"].endswith(f"form-action 'self' {URI}")


@pytest.mark.parametrize(
    "changes", [{"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}, {"scope": "Nothing"}]
)
def test_a_request_that_nothing_can_come_of_has_no_form(site: Site, changes: dict[str, str]) -> None:
    """403 and why; its policy names no other origin."""
    browser = site.browser()
    browser.sign_in(BOB)
    answer = browser.get(asked(**changes))
    assert answer.status_code == 403
    assert "/oauth2/v2.0/authorize" not in answer.text
    assert answer.headers["content-security-policy"].endswith("form-action 'self'")


def test_somebody_who_is_not_signed_in_sees_nothing(site: Site) -> None:
    """To the sign-in page."""
    assert site.browser().get(asked()).headers["location"].startswith("/signin?")
