"""
The site as a transmitter of shared signals: streams over HTTP, and its jobs run when a test wants.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from ostiary.core.directory.applications import Scope
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.tokens.session import Session
from ostiary.core.words.destinations import read_destinations
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Span
from ostiary.outside.outgoing import Outgoing
from ostiary.services.exemptions.end import announce_ends, end_exemption
from ostiary.services.signals.push import TURNS, push
from ostiary.services.signals.transmit import transmit
from tests.receiver import POLL, PUSH, opened
from tests.web.oauth.site import ADMIN_API, API, GATEWAY, OTHER, SECRETS, TENANT, Site

OTHER_URI = "https://other.example"


class Transmitter(Site):
    """API is a resource with a gateway, OTHER another resource; *allowed* is where it may push to."""

    def __init__(self, folder: Path, allowed: tuple[str, ...] = ()) -> None:
        """Found it."""
        super().__init__(folder)
        outgoing = Outgoing(read_destinations(allowed), at_once=TURNS)
        self.house = replace(self.house, outside=replace(self.house.outside, signal_outgoing=outgoing))
        self.app = self.serve(self.house)
        self.register(OTHER, identifier_uris=(OTHER_URI,))
        scopes = self.house.desk.picture.applications[ADMIN_API].scopes
        own = tuple(Scope(name, name, administrative=True) for name in ("ssf.manage", "ssf.read"))
        self.register(ADMIN_API, scopes=(*scopes, *own))

    def as_(self, app: AppId, method: str, path: str, **more: Any) -> httpx.Response:
        """A request of *app*, which proves itself by its secret."""
        return self.request(method, path, auth=(app, SECRETS[app]), **more)

    def stream(self, app: AppId = API, url: str = "", header: str = "", **more: Any) -> dict[str, Any]:
        """A new stream: pushed to *url*, or polled."""
        delivery = {"method": PUSH, "endpoint_url": url} if url else {"method": POLL}
        if header:
            delivery["authorization_header"] = header
        made = self.as_(app, "POST", "/ssf/stream", json={"delivery": delivery, **more})
        assert made.status_code == 201, made.text
        return dict(made.json())

    def keys(self) -> dict[str, Any]:
        """The published keys."""
        return dict(self.get(f"/{TENANT}/discovery/v2.0/keys").json())

    def polled(self, stream: dict[str, Any], app: AppId = API, **wish: Any) -> list[dict[str, Any]]:
        """What a poll gives, read."""
        return [opened(token, self.keys()) for token in self.poll(stream, app, **wish)["sets"].values()]

    def poll(self, stream: dict[str, Any], app: AppId = API, **wish: Any) -> dict[str, Any]:
        """The answer to one poll that does not wait."""
        url = stream["delivery"]["endpoint_url"]
        answer = self.as_(app, "POST", url, json={"returnImmediately": True, **wish})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def signed_in(self, resource: AppId = API, **more: Any) -> tuple[Session, Exemption]:
        """A device sign-in of Alice for *resource*."""
        window = self.exemption()
        return self.session(exemption=window, resource=resource, **more), window

    def end(self, window: Exemption) -> None:
        """An administrator on the machine ends it."""
        ended = self.run(end_exemption(self.house, self.local(), window.id, "for a test"))
        assert hasattr(ended, "exemption"), ended

    def transmit(self) -> int:
        """The reader's turn."""
        self.run(announce_ends(self.house, self.visit()))
        return self.run(transmit(self.house, self.visit()))

    def push(self) -> int:
        """The turn of what pushes, until all is pushed that it began; how many streams those were."""

        async def whole() -> int:
            begun = await push(self.house, self.visit())
            await self.house.outside.pushing.idle()
            return begun

        return self.run(whole())

    def later(self, span: Span) -> None:
        """Let time pass."""
        self.clock.move(span)


def ended(site: Transmitter, count: int = 1) -> list[str]:
    """So many sessions of Alice that are over, told to the outbox."""
    made = [site.signed_in() for _ in range(count)]
    for _, window in made:
        site.end(window)
    assert site.transmit() == count
    return [str(session.id) for session, _ in made]


@contextmanager
def transmitting(folder: Path, *allowed: str) -> Iterator[Transmitter]:
    """One of these until the end of the block."""
    made = Transmitter(folder, allowed)
    try:
        yield made
    finally:
        made.close()


__all__ = ["API", "GATEWAY", "OTHER", "OTHER_URI", "Transmitter", "ended", "transmitting"]
