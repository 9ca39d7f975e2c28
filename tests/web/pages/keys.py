"""
What the script of our pages does, for browsers that only speak HTTP: read the options of a form, send the answer.
"""

import html
import re

import httpx

from tests.authenticator import Authenticator
from tests.web.pages.site import Browser, Site, hidden

ACCOUNT = "/account/passkeys"
SIGN_IN = "/signin/passkey"


def key(site: Site, **traits: object) -> Authenticator:
    """An authenticator at the origin of *site*."""
    return Authenticator(**{"origin": site.origin, **traits})  # type: ignore[arg-type]


def options(page: httpx.Response, action: str) -> str:
    """The options in the form that goes to *action*."""
    form = re.search(rf'<form method="post" action="{re.escape(action)}"[^>]*data-options="([^"]*)"', page.text)
    assert form, f"no passkey's form to {action} on the page:\n{page.text}"
    return html.unescape(form[1])


def send(browser: Browser, page: httpx.Response, action: str, answer: str, **fields: str) -> httpx.Response:
    """Post *answer* with what the form to *action* holds beside it."""
    return browser.post(action, **(hidden(page, action) | {"credential": answer} | fields))


def enrol(browser: Browser, made: Authenticator, name: str = "blue key") -> httpx.Response:
    """Add a passkey on one's own page; somebody is signed in, freshly."""
    page = browser.get(ACCOUNT)
    return send(browser, page, ACCOUNT, made.create(options(page, ACCOUNT)), name=name)


def sign_in(browser: Browser, held: Authenticator, back: str = "", *, handle: bool = True) -> httpx.Response:
    """Sign in with a passkey and nothing else."""
    page = browser.get(f"/signin?return={back}" if back else "/signin")
    return send(browser, page, SIGN_IN, held.get(options(page, SIGN_IN), handle=handle))
