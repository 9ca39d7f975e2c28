"""
What leaves the house: one message, signed where its channel is a webhook (https://www.standardwebhooks.com).

`webhook-id` is the same at each try, so that a receiver knows a repetition; `webhook-timestamp` is that of the try, in
seconds; `webhook-signature` is `v1,<base64>` of HMAC-SHA-256 over id, timestamp and body.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from ostiary.core.devices.webhook import Signed, signature
from ostiary.core.notices.words import Words
from ostiary.core.words.instants import Instant, to_iso, to_seconds

__all__ = ["body_of", "headers_of", "link_of", "text_of"]


def link_of(origin: str, exemption: str, *, own: bool = False) -> str:
    """
    Where to look: at the page of a request (one's *own*, or one to decide), or at the account. A link says where to
    look and nothing else.
    """
    if not exemption:
        return f"{origin}/account"
    return f"{origin}/{'requests' if own else 'approvals'}/{exemption}"


def body_of(name: str, words: Words, *, link: str, exemption: str, at: Instant, entry: str) -> str:
    """The message as it is stored, and as a webhook gets it. *entry*: where it stands in the journal."""
    data: dict[str, Any] = {"title": words.title, "text": words.text, "link": link, "entry": entry}
    if exemption:
        data["request"] = exemption
    content = {"type": f"ostiary.{name}", "timestamp": to_iso(at), "data": data}
    return orjson.dumps(content).decode()


def text_of(body: str) -> tuple[str, str]:
    """Title and text for people, with the link on a line of its own."""
    data: Mapping[str, str] = orjson.loads(body)["data"]
    return data["title"], f"{data['text']}\n{data['link']}"


def headers_of(id: str, body: str, secret: bytes, now: Instant) -> dict[str, str]:
    """The headers of a signed webhook."""
    stamp = str(to_seconds(now))
    return {
        "content-type": "application/json",
        "user-agent": "ostiary",
        "webhook-id": id,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(secret, Signed(id, stamp, "", body.encode())),
    }
