"""
A house with its default block on, and the deeds of a device sign-in in few words: real store, real keys, movable
clock.
"""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.sql import Select

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.directory.applications import to_document
from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.exemptions.exemption import EndCause, Exemption, Limits
from ostiary.core.signins.limits import SAFE
from ostiary.core.signins.view import Claimed
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import AppId, ExemptionId, SessionId, UserId
from ostiary.core.words.instants import Span, after, hours
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import touch
from ostiary.services.signins import claim as claims
from ostiary.services.signins.start import Request, Started, start
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.token import TokenForm, grant
from ostiary.store import Tx, exemptions, schema
from ostiary.store.sql import sql
from tests.web.oauth.site import ALICE, CLI, GROUP, Site

SCOPE = "https://api.example/Read offline_access openid"
REQUESTER, PERSON = "203.0.113.9", "198.51.100.7"
BLOCK = {
    "displayName": "Block device code flow",
    "state": "enabled",
    "conditions": {
        "users": {"includeUsers": ["All"], "excludeGroups": [GROUP]},
        "applications": {"includeApplications": ["All"]},
        "clientAppTypes": ["all"],
        "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
    },
    "grantControls": {"operator": "OR", "builtInControls": ["block"]},
}


class Door(Site):
    """The site with the seeded block, closed until an exemption is opened."""

    def __init__(self, folder: Path) -> None:
        """Found it and turn the block on."""
        super().__init__(folder)
        values = {"id": "block", "document": json.dumps(BLOCK), "created": 0, "modified": 0}
        self.change(insert(schema.policies).values(values), PICTURE)

    def change(self, statement: Any, *memory: str) -> None:
        """Run one statement and tell the desk."""
        compiled = sql(statement)

        async def body(tx: Tx) -> None:
            await tx.run(compiled)
            await touch(tx, *memory)

        self.write(body)

    def register(self, id: AppId, **values: Any) -> None:
        """Change a registration."""
        registered = replace(self.house.desk.picture.applications[id], **values)
        document = json.dumps(to_document(registered))
        table = schema.applications
        self.change(table.update().where(table.c.id == id).values(registration=document), PICTURE)
        self.run(self.house.desk.reload())

    def limit(self, **values: int) -> None:
        """Other limits than the usual ones, for deeds (the doors of HTTP keep theirs)."""
        settings = replace(self.house.settings, limits=replace(SAFE, **values))
        self.house = replace(self.house, settings=settings)

    def rows(self, statement: Select[Any]) -> list[tuple[Any, ...]]:
        """What *statement* finds."""
        compiled = sql(statement)

        async def body(tx: Tx) -> list[tuple[Any, ...]]:
            return await tx.all(compiled)

        return self.run(self.house.store.read(body))

    def signins(self) -> list[tuple[Any, ...]]:
        """Every row of the code table: id and state."""
        return self.rows(select(schema.signins.c.id, schema.signins.c.state))

    def open(self, user: UserId = ALICE, *, length: Span | None = None, limits: Limits | None = None) -> Exemption:
        """An exemption of *user* from now on."""
        now = self.clock.now()
        made = Exemption(
            ExemptionId(self.house.random.guid()), user, GROUP, "work", now, after(now, length or hours(1)), now,
            "local:root", limits or Limits(),
        )  # fmt: skip

        async def body(tx: Tx) -> None:
            await exemptions.add(tx, made)
            await touch(tx, OPENINGS)

        self.write(body)
        return made

    def end(self, exemption: Exemption) -> None:
        """An administrator ends it."""

        async def body(tx: Tx) -> None:
            await exemptions.end(tx, exemption.id, now=self.clock.now(), cause=EndCause.ENDED, by="user:admin")
            await touch(tx, OPENINGS)

        self.write(body)

    def at_machine(self, address: str = REQUESTER) -> Visit:
        """A request of the machine without a browser."""
        return Visit(self.clock.now(), self.house.random.guid(), address=address, agent="cli/1")

    def at_browser(self, user: UserId = ALICE, *, session: str = "") -> Visit:
        """A request of *user* at the page, freshly proved."""
        caller = Caller(
            CallerKind.USER, user, user, Origin.BROWSER, session=SessionId(session or f"browser-{user}"),
            amr=("pwd", "otp", "mfa"), authenticated_at=self.clock.now(),
        )  # fmt: skip
        return replace(self.at_machine(PERSON), caller=caller)

    def start(self, address: str = REQUESTER, **changes: Any) -> Started | Refused:
        """The device authorization request of the CLI."""
        usual: dict[str, Any] = {"client": Shown(CLI), "scope": SCOPE}
        asked = Request(**{**usual, **changes})
        return self.run(start(self.house, self.at_machine(address), asked))

    def started(self, address: str = REQUESTER, **changes: Any) -> Started:
        """One that gets a code."""
        answer = self.start(address, **changes)
        assert isinstance(answer, Started), answer
        return answer

    def claim(
        self, code: str, user: UserId = ALICE, *, session: str = "", handed: str = "", address: str = PERSON
    ) -> Claimed | Refused:
        """*user* types *code*, at a browser that got *handed* when another account gave it back."""
        visit = replace(self.at_browser(user, session=session), address=address)
        return self.run(claims.claim(self.house, visit, code, handed))

    def claimed(self, code: str, user: UserId = ALICE) -> Claimed:
        """A claim that succeeds."""
        answer = self.claim(code, user)
        assert isinstance(answer, Claimed), answer
        return answer

    def form(self, code: str, **changes: Any) -> TokenForm:
        """A poll."""
        kind = "urn:ietf:params:oauth:grant-type:device_code"
        return TokenForm(**{"grant_type": kind, "client": Shown(CLI), "device_code": code, **changes})

    def poll(self, code: str, **changes: Any) -> Issued | Refused:
        """Ask the store for what *code* gives."""
        return self.run(grant(self.house, self.at_machine(), self.form(code, **changes)))

    def refresh(self, token: str, **changes: Any) -> Issued | Refused:
        """Bring a refresh token."""
        form = TokenForm(**{"grant_type": "refresh_token", "client": Shown(CLI), "refresh_token": token, **changes})
        return self.run(grant(self.house, self.at_machine(), form))

    def at_once(self, forms: list[TokenForm]) -> list[Issued | Refused]:
        """All of *forms* in one turn of the loop."""

        async def all_of_them() -> list[Issued | Refused]:
            return await asyncio.gather(*(grant(self.house, self.at_machine(), form) for form in forms))

        return self.run(all_of_them())


def reason(answer: object) -> Reason:
    """Why *answer* is no."""
    assert isinstance(answer, Refused), answer
    return answer.reason


def alerts(door: Door) -> list[str]:
    """What was raised, in its order."""
    return [entry["detail"]["about"] for entry in door.entries("system:alert:raised")]


def states(door: Door) -> list[str]:
    """The states of all sign-ins, oldest first."""
    rows = door.rows(select(schema.signins.c.state).order_by(schema.signins.c.created, schema.signins.c.id))
    return [state for (state,) in rows]
