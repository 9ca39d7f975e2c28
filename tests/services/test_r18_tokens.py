"""Tokens of the sample organisation say what they are (R18)."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from sqlalchemy import update

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.signins.view import Claimed
from ostiary.services.signins import decide
from ostiary.services.tokens.issue import Issued
from ostiary.store import schema
from tests.services.door import Door


@pytest.mark.parametrize("sample", [True, False])
def test_r18_each_token_of_the_sample_says_so(door: Door, sample: bool) -> None:
    """R18: access and id token, at redemption and at a refresh; those of a real organisation have no such claim."""
    door.change(update(schema.organisation).values(sample=int(sample)), PICTURE)
    door.open()
    begun = door.started()
    shown = door.claim(begun.user_code)
    assert isinstance(shown, Claimed)
    door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    first = door.poll(begun.device_code)
    assert isinstance(first, Issued)
    again = door.refresh(first.refresh_token or "")
    assert isinstance(again, Issued)
    tokens = [first.access_token, first.id_token, again.access_token, again.id_token]
    assert all(tokens)
    for token in tokens:
        assert claims(token or "").get("ostiary_sample", False) is sample


def claims(token: str) -> dict[str, Any]:
    """What *token* says."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
