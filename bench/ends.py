"""
`python -m bench.ends`: from the end of an exemption to the refusal, and to the event at a resource server (R8).

A server of its own on an empty folder, plain HTTP on loopback, with live tokens of device sign-ins and one receiver
that subscribed. Exemptions are ended one after the other through the admin API (the Unix socket); from the
acknowledgement on, refresh, introspection, userinfo and the admin API are asked until each has refused. Others run out
by the clock, and count from that instant. Events are pushed (RFC 8935); their arrival counts from the same instants.

Prints the percentiles and writes docs/ends-benchmark.md.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import orjson
import uvloop

from bench.ostiary import prepared
from bench.servers import running
from ostiary.app.console import perform
from ostiary.app.serve import serve
from ostiary.core.directory.founding import ADMIN_API, AZURE_CLI, RESOURCE_MANAGER
from ostiary.core.directory.people import User
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.tokens import refresh
from ostiary.core.tokens.session import Session, SessionKind
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import AppId, ExemptionId, SessionId, UserId
from ostiary.core.words.instants import Instant, after, hours, seconds
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import OPENINGS, touch
from ostiary.services.house import House
from ostiary.services.tokens.grants.refresh_token import REFRESH_TOKENS
from ostiary.services.tokens.issue import Issued, issue
from ostiary.store import Tx, directory, exemptions, tokens

PAGE: Final = Path(__file__).parents[1] / "docs" / "ends-benchmark.md"
LIMIT: Final = 1.0  # seconds, DESIGN §7
USES: Final = (
    (RESOURCE_MANAGER, "user_impersonation"), (RESOURCE_MANAGER, "user_impersonation"), (ADMIN_API, "User.Read"),
    (ADMIN_API, "User.Read"),
)  # fmt: skip
"""The live tokens of one exemption: of the resource that subscribed, and of our own API."""
EACH: Final = len(USES)
REQUESTS: Final = "/v1.0/identityGovernance/privilegedAccess/group/assignmentScheduleRequests"
PATIENCE: Final = 30.0  # seconds until something that does not come counts as lost
AHEAD: Final = 20.0  # seconds from the preparation to the first end by the clock
APART: Final = 0.05  # seconds between two of those

# ---- the server's side


def serving(folder: Path, ended: int, running_out: int, receiver: int) -> None:
    """Serve on *folder* until told to stop."""
    perform(lambda: _serve(folder, ended, running_out, receiver))


async def _serve(folder: Path, ended: int, running_out: int, receiver: int) -> None:
    allowed = (f"http://127.0.0.1:{receiver}",)
    async with prepared(folder, local_door=True, outgoing_allow=allowed) as (house, config, said):
        windows = await _windows(house, ended, running_out)
        (folder / "windows.json").write_bytes(orjson.dumps(windows))
        more = {"door": str(config.data / "admin.sock"), "group": house.desk.picture.exception_group}

        def ready() -> None:
            print(json.dumps({**said, **more}), flush=True)

        await serve(house, config, None, ready=ready, stop=asyncio.Event())


async def _windows(house: House, ended: int, running_out: int) -> list[dict[str, Any]]:
    """People with an exemption and its live tokens each; the last *running_out* end by the clock, one by one."""
    late = after(house.clock.now(), hours(2))
    made = [await _window(house, number, late) for number in range(ended)]
    first = after(house.clock.now(), seconds(AHEAD))
    for number in range(running_out):
        made.append(await _window(house, ended + number, after(first, seconds(APART * number))))
    await house.store.write(lambda tx: touch(tx, OPENINGS))
    await house.desk.reload()
    return made


async def _window(house: House, number: int, ends: Instant) -> dict[str, Any]:
    now, random = house.clock.now(), house.random
    user = User(UserId(random.guid()), f"p{number}@ostiary.example", f"P{number}")
    group = house.desk.picture.exception_group
    window = Exemption(ExemptionId(random.guid()), user.id, group, "benchmark", now, ends, now, "local:bench")
    sessions = [
        Session(
            id=SessionId(random.guid()), kind=SessionKind.DEVICE, origin=Origin.DEVICE_CODE, user=user.id,
            client=AppId(AZURE_CLI), story=random.guid(), created=now, idle_ends=after(now, hours(2)),
            ends=after(now, hours(2)), authenticated=now, amr=("pwd", "otp", "mfa"), resource=AppId(resource),
            scopes=(scope, "openid", "offline_access"), exemption=window.id,
        )
        for resource, scope in USES
    ]  # fmt: skip

    async def body(tx: Tx) -> None:
        await directory.add(tx, user)
        await exemptions.add(tx, window)
        for session in sessions:
            await tokens.add(tx, session)

    await house.store.write(body)
    given = [_tokens(house, session, user) for session in sessions]
    return {"user": user.id, "ends": ends, "sessions": given}


def _tokens(house: House, session: Session, user: User) -> dict[str, str]:
    """Signed as any other; as if the exemption were long, so that only its end can be why it is refused."""
    visit = Visit(house.clock.now(), house.random.guid(), caller=Caller(CallerKind.SYSTEM, "bench", "bench"))
    picture = house.desk.picture
    assert session.resource is not None
    issued = issue(
        house, picture, visit, session, client=picture.applications[AppId(AZURE_CLI)],
        resource=picture.applications[session.resource], scopes=session.scopes[:1], user=user,
        openid=frozenset({"openid"}), ends=session.ends,
    )  # fmt: skip
    assert isinstance(issued, Issued), issued
    key = house.vault.derived(REFRESH_TOKENS)
    return {"sid": session.id, "access": issued.access_token, "refresh": refresh.token(key, session.id, 0)}


# ---- the measuring side


@dataclass(slots=True)
class Ear:
    """The resource server: when which session's event came (seconds of the wall clock)."""

    came: dict[str, float] = field(default_factory=dict)
    port: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One pushed event: read, noted, 202."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length:" in line)
        body = await reader.readexactly(length)
        at, part = time.time(), body.split(b".")[1]
        claims = json.loads(urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
        session = claims["sub_id"].get("session")
        if session is not None:
            self.came.setdefault(session["id"], at)
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds."""

    p50: float
    p99: float
    worst: float
    count: int

    @classmethod
    def of(cls, times: list[float]) -> "Spread":
        """Of *times*, none of which is missing."""
        ordered = sorted(times)
        return cls(ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1], len(ordered))


class Asking:
    """The doors of one server, and what each says of a token."""

    def __init__(self, said: dict[str, Any], http: httpx.AsyncClient, local: httpx.AsyncClient) -> None:
        """*said* is what the server told of itself."""
        self.http, self.local, self.said = http, local, said
        self.at = f"/{said['tenant']}/oauth2/v2.0"

    async def end(self, user: str) -> float:
        """End the exemptions of *user*: when that was acknowledged."""
        wish = {
            "accessId": "member", "action": "adminRemove", "principalId": user, "groupId": self.said["group"],
            "justification": "benchmark",
        }  # fmt: skip
        answer = await self.local.post(REQUESTS, json=wish)
        at = time.time()
        assert answer.status_code == 201, answer.text
        return at

    async def introspection(self, one: dict[str, str]) -> bool:
        """Whether introspection says no."""
        answer = await self.http.post(
            f"{self.at}/introspect", data={"token": one["access"]}, auth=tuple(self.said["api"])
        )
        return bool(answer.content == b'{"active":false}')

    async def refreshing(self, one: dict[str, str]) -> bool:
        """Whether a refresh is refused."""
        form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": one["refresh"]}
        answer = await self.http.post(f"{self.at}/token", data=form)
        return answer.status_code == 400

    async def userinfo(self, one: dict[str, str]) -> bool:
        """Whether userinfo refuses."""
        answer = await self.http.get("/oidc/userinfo", headers={"authorization": f"Bearer {one['access']}"})
        return answer.status_code in (401, 403)

    async def admin(self, one: dict[str, str]) -> bool:
        """Whether the admin API refuses."""
        answer = await self.http.get("/v1.0/me", headers={"authorization": f"Bearer {one['access']}"})
        return answer.status_code == 401


class No(NamedTuple):
    """The first refusal: when it was there, and how many asks were answered before."""

    at: float
    answered: int


async def until(ask: Callable[[dict[str, str]], Awaitable[bool]], one: dict[str, str]) -> No:
    """Ask until *ask* says no."""
    for answered in range(int(PATIENCE / 0.005)):
        if await ask(one):
            return No(time.time(), answered)
        await asyncio.sleep(0.005)
    raise RuntimeError("it was never refused")


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured."""

    spreads: dict[str, Spread]
    late: int
    """First asks after an acknowledged end that were still answered."""


async def measured(said: dict[str, Any], windows: list[dict[str, Any]], ended: int, ear: Ear) -> Found:
    """End them, ask, wait for the events."""
    url = f"http://127.0.0.1:{said['port']}"
    door = httpx.AsyncHTTPTransport(uds=said["door"])
    async with (
        httpx.AsyncClient(base_url=url, timeout=PATIENCE) as http,
        httpx.AsyncClient(base_url="http://localhost", transport=door, timeout=PATIENCE) as local,
    ):
        doors = Asking(said, http, local)
        hook = {"method": "urn:ietf:rfc:8935", "endpoint_url": f"http://127.0.0.1:{ear.port}/"}
        made = await http.post("/ssf/stream", json={"delivery": hook}, auth=tuple(said["api"]))
        assert made.status_code == 201, made.text
        clock = asyncio.create_task(_by_clock(doors, windows[ended:]))
        if len(windows) > ended:
            by_clock = await clock
        late = 0
        found: dict[str, list[float]] = {"refresh": [], "introspection": [], "userinfo": [], "admin API": []}
        asks = (doors.refreshing, doors.introspection, doors.userinfo, doors.admin)
        ends: dict[str, float] = {one["sid"]: w["ends"] / 1e6 for w in windows[ended:] for one in _heard_of(w)}
        said_yes = [not await ask(one) for ask, one in zip(asks, windows[0]["sessions"], strict=True)]
        assert all(said_yes), "nothing would be measured"
        for window in windows[:ended]:
            assert not await doors.introspection(window["sessions"][0])
            at = await doors.end(window["user"])
            ends |= dict.fromkeys((one["sid"] for one in _heard_of(window)), at)
            refused = await asyncio.gather(
                *(until(ask, one) for ask, one in zip(asks, window["sessions"], strict=True))
            )
            for times, no in zip(found.values(), refused, strict=True):
                times.append(no.at - at)
            late += sum(no.answered > 0 for no in refused)
        await _heard(ear, len(ends))
    every = {f"the end was acknowledged → {name}": Spread.of(times) for name, times in found.items()}
    if len(windows) > ended:
        every["the time ran out → introspection"] = Spread.of(by_clock)
    acted = [one["sid"] for w in windows[:ended] for one in _heard_of(w)]
    passed = [one["sid"] for w in windows[ended:] for one in _heard_of(w)]
    every["the end was acknowledged → event pushed"] = Spread.of([ear.came[sid] - ends[sid] for sid in acted])
    if passed:
        every["the time ran out → event pushed"] = Spread.of([ear.came[sid] - ends[sid] for sid in passed])
    return Found(every, late)


def _heard_of(window: dict[str, Any]) -> list[dict[str, str]]:
    """The sessions of which the receiver is to hear: those of its own resource."""
    return [one for one, (resource, _) in zip(window["sessions"], USES, strict=True) if resource == RESOURCE_MANAGER]


async def _by_clock(doors: Asking, windows: list[dict[str, Any]]) -> list[float]:
    """From the instant at which each runs out to the first no: asked from a moment before on."""

    async def one(window: dict[str, Any]) -> float:
        ends = float(window["ends"]) / 1e6
        await asyncio.sleep(max(0.0, ends - time.time() - 0.02))
        return (await until(doors.introspection, window["sessions"][0])).at - ends

    return list(await asyncio.gather(*map(one, windows)))


async def _heard(ear: Ear, count: int) -> None:
    for _ in range(int(PATIENCE / 0.05)):
        if len(ear.came) >= count:
            return
        await asyncio.sleep(0.05)
    raise RuntimeError(f"only {len(ear.came)} of {count} events came")


async def measure(ended: int, running_out: int) -> Found:
    """Start the receiver and the server, measure, end both."""
    ear = Ear()
    listening = await asyncio.start_server(ear.answer, "127.0.0.1", 0)
    ear.port = listening.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        numbers = [str(n) for n in (ended, running_out, ear.port)]
        command = [sys.executable, "-m", "bench.ends", "--serve", folder, *numbers]
        starting = running(command, Path(folder), patience=300)
        on = await asyncio.to_thread(starting.__enter__)
        try:
            windows = orjson.loads((Path(folder) / "windows.json").read_bytes())
            return await measured(on.ready, windows, ended, ear)
        finally:
            await asyncio.to_thread(starting.__exit__, None, None, None)
            listening.close()


def page(found: Found, today: str, *, ended: int, running_out: int, shared: bool) -> str:
    """The page."""
    more = " The machine had other work to do at the same time." if shared else ""
    rows = "".join(
        f"| {name} | {s.count:,} | {s.p50 * 1000:.0f} ms | {s.p99 * 1000:.0f} ms | {s.worst * 1000:.0f} ms |\n"
        for name, s in found.spreads.items()
    )
    met = "met" if all(spread.p99 < LIMIT for spread in found.spreads.values()) else "missed"
    return (
        "# From the end of an exemption to the refusal\n\n"
        f"Made by `python -m bench.ends` on {today}.{more} {(ended + running_out) * EACH:,} live tokens,\n"
        f"{ended:,} ends through the admin API and {running_out:,} by the clock, one server, plain HTTP on loopback,\n"
        "one receiver to which events are pushed. A refusal is the first answer that says no, its own time in it.\n\n"
        f"| from → to | times | p50 | p99 | worst |\n|---|--:|--:|--:|--:|\n{rows}\n"
        f"The aim is p99 < {LIMIT:.0f} s: {met}. No door waits for the event; of {4 * ended:,} first asks after an\n"
        f"acknowledged end {found.late:,} were still answered.\n"
    )


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.ends", description=__doc__)
    parser.add_argument("--ends", type=int, default=500, choices=range(1, 2001), metavar="N", help="by a person (500)")
    parser.add_argument("--by-clock", type=int, default=50, choices=range(501), metavar="N", help="that run out (50)")
    parser.add_argument("--shared", action="store_true", help="say on the page that the machine had other work to do")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave the page as it is")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        folder, *numbers = asked.serve
        return serving(Path(folder), *map(int, numbers))
    found = uvloop.run(measure(asked.ends, asked.by_clock))
    today = datetime.now(UTC).date().isoformat()
    text = page(found, today, ended=asked.ends, running_out=asked.by_clock, shared=asked.shared)
    print(text)
    if asked.write:
        PAGE.write_text(text)
    return None


if __name__ == "__main__":
    main()
