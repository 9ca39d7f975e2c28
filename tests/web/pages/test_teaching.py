"""What people are taught: on `/about`, in docs/people.md, and by the mark on the approval page (M13, M14, R23)."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from ostiary.core.directory.applications import to_document
from tests.web.pages.site import BOB, TOOL, Site

PAGE = Path(__file__).resolve().parents[3] / "docs" / "people.md"


def test_about_says_what_a_device_sign_in_is_and_when_to_refuse(site: Site) -> None:
    """To whoever comes, signed in or not; the page of the docs says the same things."""
    shown, written = site.browser().get("/about").text, PAGE.read_text(encoding="utf-8")
    for words in ("signed in", "I did not start this", "for an hour", "QR code", "not verified"):
        assert words in " ".join(shown.split())
        assert words in " ".join(written.split())
    for heading in ("What a device sign-in is", "When to refuse", "The words"):
        assert f"<h2>{heading}</h2>" in shown


@pytest.mark.parametrize("verified", [False, True])
def test_r23_the_approval_page_says_whether_somebody_looked_at_the_application(site: Site, verified: bool) -> None:
    """R23: the mark, or that there is none; a new application has none."""
    document = json.dumps(to_document(replace(site.house.desk.picture.applications[TOOL], verified=verified)))
    with sqlite3.connect(site.house.settings.data / "ostiary.db") as db:
        db.execute("UPDATE applications SET registration = ? WHERE id = ?", (document, TOOL))
        db.execute("UPDATE versions SET number = number + 1 WHERE name = 'picture'")
    db.close()
    site.open(BOB)
    browser = site.browser()
    browser.sign_in(BOB)
    answer = browser.submit(browser.get("/devicelogin"), "/devicelogin", user_code=site.start().user_code)
    page = browser.get(answer.headers["location"]).text
    assert (">verified<" in page) is verified
    assert ("not verified by an administrator" in page) is not verified
