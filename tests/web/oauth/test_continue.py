"""A link alone hands nobody's account to a public application: the person goes on by a form of ours (RFC 8252 §8.6)."""

import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import update

from ostiary.core.directory.applications import Scope, to_document
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import AppId
from ostiary.store import Tx, schema
from ostiary.store.access import raise_version
from ostiary.store.sql import sql
from ostiary.web.front.csrf import token
from tests.web.oauth.site import ADMIN_API, CLI, OLD, ORIGIN, REDIRECT, TENANT, Site, returned

CROSS = {"sec-fetch-site": "cross-site", "referer": "https://evil.example/"}
OLD_URI = "https://old.example/back?x=1"
ENDPOINT = f"/{TENANT}/oauth2/v2.0/authorize"


def register(site: Site, id: AppId, **values: object) -> None:
    """Change a registration."""
    app = replace(site.house.desk.picture.applications[id], **values)  # type: ignore[arg-type]
    table = schema.applications
    change = sql(update(table).where(table.c.id == id).values(registration=json.dumps(to_document(app))))

    async def body(tx: Tx) -> None:
        await tx.run(change)
        await raise_version(tx, "picture")

    site.write(body)
    site.run(site.house.desk.reload())


def issued(site: Site) -> int:
    """How many codes were given."""
    return len(site.entries(Kind.CODE_ISSUED))


def test_a_link_gives_no_code_to_a_public_application(site: Site) -> None:
    """Signed in, and sent here from another site: the page of ours, and nothing written."""
    site.sign_in()
    answer = site.get(ENDPOINT, params=site.asked(redirect_uri="http://127.0.0.1:6666/callback"), headers=CROSS)
    assert answer.headers["location"].startswith("/continue?")
    assert issued(site) == 0


@pytest.mark.parametrize(
    ("headers", "changed"),
    [
        (CROSS, {}),
        ({"origin": "https://evil.example"}, {}),
        ({}, {}),
        ({"origin": ORIGIN}, {"form_token": "0" * 64}),
        ({"origin": ORIGIN}, {"form_token": ""}),
        ({"origin": ORIGIN}, {"ostiary_answer": "maybe"}),
    ],
)
def test_r16_only_our_own_form_goes_on(site: Site, headers: dict[str, str], changed: dict[str, str]) -> None:
    """R16: a post without either proof is a link and no more."""
    site.sign_in()
    form = {**site.asked(), "form_token": token(site.house, site.cookie), "ostiary_answer": "yes", **changed}
    answer = site.post(ENDPOINT, form, headers=headers)
    again = site.get(answer.headers["location"])
    assert again.headers["location"].startswith("/continue?")
    assert "form_token" not in dict(parse_qsl(again.headers["location"].partition("?")[2]))
    assert issued(site) == 0


def test_r16_an_answer_in_a_link_is_none(site: Site) -> None:
    """R16: a GET changes nothing, whatever its parameters are called."""
    site.sign_in()
    extra = {"form_token": token(site.house, site.cookie), "ostiary_answer": "yes"}
    assert site.link(**extra).headers["location"].startswith("/continue?")
    assert issued(site) == 0


def test_who_cancels_sends_the_application_away(site: Site) -> None:
    """`access_denied` with state and issuer, written down."""
    site.sign_in()
    answer = returned(site.continued(site.link(), said="no"))
    assert (answer["error"], answer["state"]) == ("access_denied", "s&1")
    assert [entry["detail"]["reason"] for entry in site.entries(Kind.CODE_REFUSED)] == ["denied"]


def test_prompt_none_goes_on_only_to_a_site_and_never_with_power(site: Site) -> None:
    """No page may be shown: to a program, or with administrative scopes, that is `interaction_required`."""
    site.sign_in()
    assert returned(site.link(prompt="none"))["error"] == "interaction_required"
    old = {"client_id": OLD, "redirect_uri": OLD_URI, "prompt": "none"}
    assert "code" in returned(site.link(**old))
    register(site, ADMIN_API, scopes=(Scope("User.Read", "Your own profile", administrative=True),))
    assert returned(site.link(**old))["error"] == "interaction_required"


def test_a_confidential_application_needs_no_page(site: Site) -> None:
    """It proves itself at the token endpoint, and its address is its own."""
    register(site, OLD, public=False)
    site.sign_in()
    assert "code" in returned(site.link(client_id=OLD, redirect_uri=OLD_URI))


def test_what_is_wrong_is_told_before_the_page(site: Site) -> None:
    """Nobody is asked about a request that nothing can come of."""
    site.sign_in()
    assert returned(site.link(scope="Nothing.Such"))["error"] == "invalid_scope"
    assert site.link(client_id=CLI, redirect_uri=REDIRECT + "x").headers["location"].startswith("/error/50011?")
