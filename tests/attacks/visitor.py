"""
Somebody before our pages without a browser: keeps cookies, fills in the forms that the pages hold, follows nothing by
itself, and remembers every cookie value it was ever given.

For attacks, which send what no browser would; a real Chromium is `tests/journeys`' business.
"""

import html
import re
import ssl
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import httpx


class Visitor:
    """One browser's worth of cookies at *origin*, trusting the authorities of *ca_file*; *address* is its own."""

    def __init__(self, origin: str, ca_file: Path, address: str | None = None) -> None:
        self.origin = origin
        self.address = address or ""
        self.given: set[str] = set()
        self.context = ssl.create_default_context(cafile=str(ca_file))
        way = httpx.HTTPTransport(verify=self.context, local_address=address)
        self.http = httpx.Client(base_url=origin, transport=way, event_hooks={"response": [self._remember]})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def _remember(self, response: httpx.Response) -> None:
        for line in response.headers.get_list("set-cookie"):
            value = line.partition(";")[0].partition("=")[2]
            if value:
                self.given.add(value)

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Open *path*."""
        return self.http.get(path, **more)

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as a browser sends one from a page of ours."""
        return self.http.post(path, data=fields, headers={"sec-fetch-site": "same-origin", "origin": self.origin})

    def submit(self, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
        """Fill in the form of *page* that goes to *action*."""
        return self.post(action, **hidden(page.text, action), **fields)

    def sign_in(self, username: str, password: str, totp: str) -> None:
        """Both steps of a sign-in."""
        second = self.submit(self.get("/signin"), "/signin", username=username, password=password)
        assert second.status_code == 303, second.text
        done = self.submit(self.get(second.headers["location"]), "/signin/second", totp=totp)
        assert done.status_code == 303, done.text

    def authorize(self, asked: dict[str, str]) -> httpx.Response:
        """An authorization request, and *Continue* on the page that asks whether to go on."""
        page = self.get(self.get(f"/common/oauth2/v2.0/authorize?{urlencode(asked)}").headers["location"])
        action = re.search(r'action="(/[^"]+/oauth2/v2.0/authorize)"', page.text)
        assert action, page.text
        return self.submit(page, action[1])

    def claim(self, user_code: str) -> str:
        """Type *user_code*; the path of the page that asks for the decision."""
        claimed = self.submit(self.get("/devicelogin"), "/devicelogin", user_code=user_code)
        assert claimed.status_code == 303, claimed.text
        return str(claimed.headers["location"])

    def approve(self, request: str) -> None:
        """Press *Approve* on the page at *request*."""
        done = self.submit(self.get(request), f"{request}/approve")
        assert done.status_code == 200, done.text


def hidden(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form on *page* that goes to *action*."""
    form = re.search(rf'<form method="post" action="{re.escape(action)}".*?</form>', page, re.S)
    assert form, f"no form to {action} on the page:\n{page}"
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[0])
    return {name: html.unescape(value) for name, value in found}
