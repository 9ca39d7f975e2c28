"""
Our server as the benchmark starts it: `python -m bench.ostiary FOLDER [--no-journal]`.

A composition root of its own, of the product's parts: the sample organisation on a file that syncs, plain HTTP, bounds
that are out of the way, one person with an open exemption who signed in on the pages. Prints what `stacks.Ostiary`
says. `--no-journal` measures what the journal costs; the product has no such switch.
"""

import argparse
import asyncio
import json
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pyotp
from sqlalchemy import bindparam, select, update

from ostiary.app.config import Config
from ostiary.app.console import perform
from ostiary.app.sample import Secret, found_sample
from ostiary.app.serve import application, serve
from ostiary.app.wiring import Parts, close_house, open_house, open_parts
from ostiary.core.directory.founding import AZURE_CLI, RESOURCE_MANAGER
from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.opening import Opening
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.digests import digest
from ostiary.core.words.instants import after, hours, to_seconds
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.open import open_exemption
from ostiary.services.house import House
from ostiary.services.logs import record
from ostiary.store import Tx
from ostiary.store.schema import applications
from ostiary.store.sql import sql

SCOPE: Final = "openid offline_access https://management.core.windows.net/user_impersonation"
PLENTY: Final = 8_000_000  # open codes, sign-ins an hour: the most that may be set
SAME_ORIGIN: Final = {"Sec-Fetch-Site": "same-origin"}

_REGISTRATION = sql(select(applications.c.registration).where(applications.c.id == bindparam("id_")))
_CHANGE = sql(
    update(applications).where(applications.c.id == bindparam("id_")).values(registration=bindparam("registration"))
)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m bench.ostiary", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--no-journal", dest="journal", action="store_false")
    asked = parser.parse_args()
    perform(lambda: _serve(asked.folder, journal=asked.journal))


async def _serve(folder: Path, *, journal: bool) -> None:
    async with prepared(folder, journal=journal) as (house, config, said):
        await serve(house, config, None, ready=lambda: print(json.dumps(said), flush=True), stop=asyncio.Event())


@asynccontextmanager
async def prepared(
    folder: Path, *, journal: bool = True, **more: Any
) -> AsyncIterator[tuple[House, Config, dict[str, Any]]]:
    """
    The house on an empty *folder*, its configuration (with *more* settings), and what `stacks.Ostiary` has to know.
    """
    port = _free_port()
    given: dict[str, Any] = {
        "data": folder / "data", "origin": f"https://localhost:{port}", "port": port, "poll_interval": 1,
        "local_door": False, "codes_per_source": PLENTY, "codes_per_application": PLENTY, "codes_in_all": PLENTY,
        "prompts_per_person": PLENTY,
    }  # fmt: skip
    config = Config(**{**given, **more})
    parts = await open_parts(config, os.environ, sample=True)
    alice = next(one for one in await found_sample(parts) if one.name.startswith("alice@"))
    secret = parts.random.token()
    await parts.store.write(lambda tx: _add_secret(tx, parts, secret))
    house = await open_house(parts)
    try:
        await _open(house, alice)
        cookie, form_token = await _sign_in(house, alice)
        if not journal:
            vars(record)["append"] = _nothing
        yield house, config, {
            "port": port, "tenant": house.desk.picture.organisation.tenant, "client": AZURE_CLI, "scope": SCOPE,
            "api": [RESOURCE_MANAGER, secret], "cookie": cookie, "form_token": form_token,
        }  # fmt: skip
    finally:
        await close_house(house, parts)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


async def _add_secret(tx: Tx, parts: Parts, secret: str) -> None:
    """Let the sample's resource introspect the tokens that are made for it."""
    row = await tx.one(_REGISTRATION, id_=RESOURCE_MANAGER)
    assert row is not None
    now = parts.clock.now()
    kept = {
        "id": parts.random.guid(), "digest": digest(secret).hex(), "hint": secret[:3], "created": now,
        "ends": after(now, hours(4)),
    }  # fmt: skip
    document = {**json.loads(row[0]), "secrets": [kept]}
    await tx.run(_CHANGE, id_=RESOURCE_MANAGER, registration=json.dumps(document))


async def _open(house: House, who: Secret) -> None:
    """An exemption without limits."""
    caller = Caller(CallerKind.LOCAL, id="bench", name="bench", origin=Origin.LOCAL)
    visit = Visit(house.clock.now(), house.random.guid(), caller=caller)
    shown = await open_exemption(house, visit, Opening(who.name, hours(2), "benchmark", Limits()))
    if isinstance(shown, Refused):
        raise RuntimeError(f"no exemption: {shown}")


async def _sign_in(house: House, who: Secret) -> tuple[str, str]:
    """*who* signs in on the pages, with both factors: the Cookie header and the hidden field of their forms."""
    transport = httpx.ASGITransport(app=application(house))
    async with httpx.AsyncClient(transport=transport, base_url=house.settings.origin, headers=SAME_ORIGIN) as browser:
        token = _hidden((await browser.get("/signin")).text)
        form = {"username": who.name, "password": who.password, "form_token": token}
        page = await browser.post("/signin", data=form, follow_redirects=True)
        code = pyotp.TOTP(who.seed).at(to_seconds(house.clock.now()))
        page = await browser.post("/signin/second", data={"totp": code, "form_token": _hidden(page.text)})
        if page.status_code != 303:
            raise RuntimeError(f"not signed in: {page.status_code}")
        token = _hidden((await browser.get("/devicelogin")).text)
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items()), token


def _hidden(page: str) -> str:
    found = re.search(r'name="form_token"\s+value="([^"]+)"', page)
    if found is None:
        raise RuntimeError("a page without a form")
    return found.group(1)


async def _nothing(_tx: Tx, _visit: Visit, _entry: object) -> None:
    """An entry that is not written."""


if __name__ == "__main__":
    main()
