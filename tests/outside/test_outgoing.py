"""Outgoing requests (R24), against real servers on loopback and a resolver that tells what it is told to."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from ostiary.core.words.destinations import PUBLIC, Address, read_destinations
from ostiary.outside import local_ca
from ostiary.outside.clock import SystemClock
from ostiary.outside.local_ca import LocalCertificates
from ostiary.outside.outgoing import LARGEST, Answer, Outgoing, OutgoingFailed, Trouble, Unanswered
from ostiary.outside.tls import server_context

HOST = "tickets.example"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Told: yes\r\n\r\nhello"
Handler = Callable[["Peer", bytes, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalCertificates:
    """An authority that the operator believes, and a certificate for HOST and loopback."""
    names = (HOST, "localhost", "127.0.0.1")
    return local_ca.ensure(tmp_path_factory.mktemp("ca") / "tls", names, now=SystemClock().now(), environ={})


@dataclass
class Peer:
    """A server on loopback, and what it was asked."""

    handler: Handler
    port: int = 0
    heads: list[bytes] = field(default_factory=list)


async def hello(_peer: Peer, _head: bytes, writer: asyncio.StreamWriter) -> None:
    """A small answer."""
    writer.write(HELLO)


@asynccontextmanager
async def serving(handler: Handler = hello, tls: LocalCertificates | None = None) -> AsyncIterator[Peer]:
    """*handler* behind a port of loopback, with the certificate of *tls*."""
    peer, tasks = Peer(handler), set[asyncio.Task[object]]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            peer.heads.append(head)
            await peer.handler(peer, head, writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    context = server_context(tls.certificate, tls.key) if tls else None
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Names:
    """A resolver: each answer of a name in turn, the last one for ever; it counts how often it was asked."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> tuple[Address, ...]:
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return tuple(ip_address(each) for each in answer)


def test_r24_a_listed_host_is_asked_by_its_name_over_tls(authority: LocalCertificates) -> None:
    """R24: the connection goes to the address that was judged, TLS and the Host header speak of the name."""

    async def story() -> None:
        async with serving(tls=authority) as peer:
            names = Names(("127.0.0.1",))
            ours = Outgoing(read_destinations([HOST]), authorities=authority.ca, resolve=names)
            came = await ours.ask("POST", f"https://{HOST}:{peer.port}/t?q=1", headers={"x-ours": "1"}, body=b"{}")
            assert isinstance(came, Answer), came
            assert (came.status, came.body, came.headers["x-told"]) == (200, b"hello", "yes")
            head = peer.heads[0].decode().lower()
            assert head.startswith("post /t?q=1 http/1.1\r\n")
            assert f"\r\nhost: {HOST}:{peer.port}\r\n" in head
            assert "accept-encoding: identity" in head
            assert names.asked == [HOST]
            ours.close()

    asyncio.run(story())


def test_r24_a_certificate_for_another_name_is_no_answer(authority: LocalCertificates) -> None:
    """R24: the pinned address never stands in for the name, and an authority that nobody named proves nothing."""

    async def story() -> None:
        async with serving(tls=authority) as peer:
            names, allowed = Names(("127.0.0.1",)), read_destinations(["other.example", HOST])
            other = Outgoing(allowed, authorities=authority.ca, resolve=names)
            came = await other.ask("GET", f"https://other.example:{peer.port}/")
            assert came == Unanswered(Trouble.UNREACHABLE, "other.example")
            strange = Outgoing(allowed, resolve=names)
            assert await strange.ask("GET", f"https://{HOST}:{peer.port}/") == Unanswered(Trouble.UNREACHABLE, HOST)
            assert peer.heads == []

    asyncio.run(story())


def test_r24_a_name_that_moves_inside_after_it_was_judged_reaches_nobody(authority: LocalCertificates) -> None:
    """
    R24, DNS rebinding: a name is resolved once a request, and what was resolved is where the connection goes. A name
    that says a public address first and loopback afterwards never leads to loopback.
    """

    async def story() -> None:
        async with serving(tls=authority) as peer:
            url = f"https://{HOST}:{peer.port}/"
            # 127.0.0.3 stands for the public address: it is admitted, and nobody listens there.
            rebinding = Names(("127.0.0.3",), ("127.0.0.1",))
            ours = Outgoing(read_destinations(["127.0.0.3/32"]), authorities=authority.ca, resolve=rebinding)
            assert await ours.ask("GET", url) == Unanswered(Trouble.UNREACHABLE, HOST)
            assert rebinding.asked == [HOST]
            assert await ours.ask("GET", url) == Unanswered(Trouble.BARRED, HOST)
            assert peer.heads == []

    asyncio.run(story())


@pytest.mark.parametrize(
    "answer",
    [("127.0.0.1",), ("8.8.8.8", "127.0.0.1"), ("::ffff:127.0.0.1",), ("64:ff9b::7f00:1",), ("169.254.169.254",)],
)
def test_r24_a_name_with_one_address_inside_is_barred(answer: tuple[str, ...]) -> None:
    """R24: honest names do not mix, so one bad address bars all, and nothing is connected to."""

    async def story() -> None:
        ours = Outgoing(PUBLIC, resolve=Names(answer))
        assert await ours.ask("GET", f"https://{HOST}/") == Unanswered(Trouble.BARRED, HOST)

    asyncio.run(story())


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1:{port}/", "https://[::1]:{port}/", "https://[::ffff:127.0.0.1]:{port}/", "https://localhost:{port}/",
     "https://2130706433:{port}/", "https://0x7f.1:{port}/", "https://127.1:{port}/", "http://127.0.0.1:{port}/",
     "https://u:p@127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/"],
)  # fmt: skip
def test_r24_no_spelling_of_loopback_is_asked(url: str) -> None:
    """R24: with the machine's own resolver, which reads more spellings than anybody remembers."""

    async def story() -> None:
        async with serving() as peer:
            ours = Outgoing()
            came = await ours.ask("GET", url.format(port=peer.port))
            assert isinstance(came, Unanswered)
            assert came.trouble in (Trouble.BARRED, Trouble.UNKNOWN_HOST)
            assert peer.heads == []
            ours.close()

    asyncio.run(story())


def test_r24_an_unknown_name_is_told_as_such() -> None:
    """R24: `invalid` exists nowhere (RFC 6761)."""

    async def story() -> None:
        ours = Outgoing()
        assert await ours.ask("GET", "https://nobody.invalid/") == Unanswered(Trouble.UNKNOWN_HOST, "nobody.invalid")
        ours.close()

    asyncio.run(story())


def test_r24_plain_http_is_spoken_to_listed_hosts_only() -> None:
    """R24: the same server, once listed for it and once not."""

    async def story() -> None:
        async with serving() as peer:
            url = f"http://127.0.0.1:{peer.port}/"
            assert await Outgoing(read_destinations(["127.0.0.1"])).ask("GET", url) == Unanswered(
                Trouble.BARRED, "127.0.0.1"
            )
            assert peer.heads == []
            came = await Outgoing(read_destinations([f"http://127.0.0.1:{peer.port}"])).ask("GET", url)
            assert isinstance(came, Answer)
            assert came.body == b"hello"

    asyncio.run(story())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_r24_a_redirect_is_no_answer_and_is_not_followed(status: int) -> None:
    """R24: who was judged is who answers."""

    async def moved(peer: Peer, _head: bytes, writer: asyncio.StreamWriter) -> None:
        location = f"Location: http://127.0.0.1:{peer.port}/secret"
        writer.write(f"HTTP/1.1 {status} Moved\r\n{location}\r\nContent-Length: 0\r\n\r\n".encode())

    async def story() -> None:
        async with serving(moved) as peer:
            ours = Outgoing(read_destinations([f"http://127.0.0.1:{peer.port}"]))
            came = await ours.ask("GET", f"http://127.0.0.1:{peer.port}/")
            assert came == Unanswered(Trouble.REDIRECTED, "127.0.0.1")
            assert len(peer.heads) == 1

    asyncio.run(story())


async def _endless(_peer: Peer, _head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        await writer.drain()


async def _exact(_peer: Peer, _head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGEST + b"x" * LARGEST)


async def _one_more(_peer: Peer, _head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LARGEST + 1) + b"x" * (LARGEST + 1))


async def _zipped(_peer: Peer, _head: bytes, writer: asyncio.StreamWriter) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)


async def _headers(_peer: Peer, _head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(500)) + b"\r\n")


async def _nonsense(_peer: Peer, _head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")


async def _broken(_peer: Peer, _head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


@pytest.mark.parametrize(
    ("handler", "trouble"),
    [
        (_endless, Trouble.TOO_BIG),
        (_one_more, Trouble.TOO_BIG),
        (_zipped, Trouble.BROKEN),
        (_headers, Trouble.BROKEN),
        (_nonsense, Trouble.BROKEN),
        (_broken, Trouble.BROKEN),
    ],
    ids=["endless", "one byte more", "compressed", "headers", "no HTTP", "broken off"],
)
def test_r24_a_body_ends_at_64_kib_and_is_whole(handler: Handler, trouble: Trouble) -> None:
    """R24: nothing that comes back can fill memory, and half an answer is none."""

    async def story() -> None:
        async with serving(handler) as peer:
            ours = Outgoing(read_destinations([f"http://127.0.0.1:{peer.port}"]))
            assert await ours.ask("GET", f"http://127.0.0.1:{peer.port}/") == Unanswered(trouble, "127.0.0.1")

    asyncio.run(story())


def test_r24_64_kib_are_admitted_in_both_directions() -> None:
    """R24: the limit itself is not over it; what we would send is bounded by the same."""

    async def story() -> None:
        async with serving(_exact) as peer:
            url = f"http://127.0.0.1:{peer.port}/"
            ours = Outgoing(read_destinations([f"http://127.0.0.1:{peer.port}"]))
            came = await ours.ask("GET", url)
            assert isinstance(came, Answer)
            assert len(came.body) == LARGEST
            assert await ours.ask("POST", url, body=bytes(LARGEST + 1)) == Unanswered(Trouble.TOO_BIG, "127.0.0.1")
            assert len(peer.heads) == 1

    asyncio.run(story())


def test_r24_five_seconds_are_all_that_anybody_gets() -> None:
    """R24: silent servers, bodies that drip, names that never come, TLS that never begins: all end."""

    async def silent(_peer: Peer, _head: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(600)

    async def dripping(_peer: Peer, _head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.5)

    async def never(_host: str, _port: int) -> tuple[Address, ...]:
        await asyncio.sleep(600)
        return ()

    async def story() -> None:
        async with serving(silent) as mute, serving(dripping) as slow:
            ours = Outgoing(read_destinations([f"http://127.0.0.1:{mute.port}", f"http://127.0.0.1:{slow.port}"]))
            listed = Outgoing(read_destinations(["127.0.0.1"]))
            lost = Outgoing(resolve=never)
            outcomes = await asyncio.gather(
                ours.ask("GET", f"http://127.0.0.1:{mute.port}/"),
                ours.ask("GET", f"http://127.0.0.1:{slow.port}/"),
                listed.ask("GET", f"https://127.0.0.1:{mute.port}/"),  # reads our hello as no request, and says nothing
                lost.ask("GET", f"https://{HOST}/"),
            )
        troubles = [outcome.trouble for outcome in outcomes if isinstance(outcome, Unanswered)]
        assert troubles[:2] + troubles[3:] == [Trouble.SLOW] * 3
        assert troubles[2] in (Trouble.SLOW, Trouble.UNREACHABLE)

    asyncio.run(story())


def test_r24_the_next_address_of_a_name_has_its_turn() -> None:
    """R24: a name with a dead address first is still reached, and asked once."""

    async def story() -> None:
        async with serving() as peer:
            ours = Outgoing(
                read_destinations([f"http://{HOST}:{peer.port}"]), resolve=Names(("127.0.0.2", "127.0.0.1"))
            )  # fmt: skip
            came = await ours.ask("GET", f"http://{HOST}:{peer.port}/")
            assert isinstance(came, Answer)
            assert len(peer.heads) == 1

    asyncio.run(story())


async def _connect(peer: Peer, head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


def test_r24_a_proxy_is_used_when_configured_and_never_because_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R24: a variable of the environment reroutes nothing; the configured one gets the name, and no address inside."""

    async def story() -> None:
        async with serving(_connect) as proxy, serving() as peer:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            listed = read_destinations([f"http://127.0.0.1:{peer.port}"])
            assert isinstance(await Outgoing(listed).ask("GET", f"http://127.0.0.1:{peer.port}/"), Answer)
            assert proxy.heads == []
            through = Outgoing(listed, proxy=f"http://127.0.0.1:{proxy.port}")
            assert isinstance(await through.ask("GET", f"http://127.0.0.1:{peer.port}/"), Answer)
            assert proxy.heads == []  # what is listed is inside, so asked directly
            assert await through.ask("GET", f"https://{HOST}/") == Unanswered(Trouble.UNREACHABLE, HOST)
            assert proxy.heads[0].startswith(f"CONNECT {HOST}:443 ".encode())
            assert await through.ask("GET", "https://10.0.0.1/") == Unanswered(Trouble.BARRED, "10.0.0.1")
            assert len(proxy.heads) == 1

    asyncio.run(story())


def test_r24_a_library_that_speaks_httpx_stands_under_the_same_limits() -> None:
    """R24: the transport holds the rules, whoever drives it."""

    async def story() -> None:
        async with httpx.AsyncClient(transport=Outgoing().transport(), trust_env=False) as client:
            with pytest.raises(OutgoingFailed) as failed:
                await client.get("https://127.0.0.1/", follow_redirects=True)
        assert failed.value.unanswered == Unanswered(Trouble.BARRED, "127.0.0.1")

    asyncio.run(story())


def test_r24_authorities_that_cannot_be_read_are_an_error_at_the_start(tmp_path: Path) -> None:
    """R24: not at the first request, when a person waits."""
    for content in (None, b"no certificate"):
        path = tmp_path / f"ca-{content is None}.pem"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ValueError, match=r"ca-.*\.pem"):
            Outgoing(authorities=path)


def test_r24_nothing_of_a_question_is_told_in_trouble() -> None:
    """R24: a URL may hold a secret, so a fault names the host alone."""

    async def story() -> None:
        came = await Outgoing(resolve=Names(("127.0.0.1",))).ask(
            "GET", f"https://{HOST}/hook/{os.urandom(4).hex()}?k=s3cr3t"
        )
        assert "s3cr3t" not in repr(came)
        assert "hook" not in repr(came)

    asyncio.run(story())
