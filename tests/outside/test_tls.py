"""The certificate is exchanged while connections live."""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from ostiary.outside.clock import SystemClock
from ostiary.outside.local_ca import LocalCertificates, ensure
from ostiary.outside.tls import Kept, Reloader, Swapped, Unchanged, certificate_ends, server_context

Loop = Callable[[Coroutine[Any, Any, None]], None]

each_loop = pytest.mark.parametrize("loop", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


@pytest.fixture
def first(tmp_path: Path) -> LocalCertificates:
    """A pair, and an authority for it."""
    return ensure(tmp_path / "first", ("localhost",), now=SystemClock().now(), environ={})


@pytest.fixture
def second(tmp_path: Path) -> LocalCertificates:
    """Another pair, of another authority."""
    return ensure(tmp_path / "second", ("localhost",), now=SystemClock().now(), environ={})


@pytest.fixture
def live(tmp_path: Path, first: LocalCertificates) -> tuple[Path, Path]:
    """The two files that the server watches, holding the first pair."""
    folder = tmp_path / "live"
    folder.mkdir()
    put(first, folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", folder / "key.pem"


def put(pair: LocalCertificates, certificate: Path, key: Path) -> None:
    """Exchange the files as a renewal does: beside, then renamed."""
    for source, target in ((pair.certificate, certificate), (pair.key, key)):
        beside = target.with_suffix(".new")
        shutil.copy(source, beside)
        beside.replace(target)


def leaf(pair: LocalCertificates) -> bytes:
    """The certificate as it goes over the wire."""
    return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[int]:
    """An echo server on a loopback port, with this one context for its whole life."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Client:
    """One connection that trusts both authorities."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @property
    def seen(self) -> bytes:
        """The certificate that the server showed."""
        shown: bytes = self.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return shown

    async def talks(self) -> bool:
        """Whether a line comes back."""
        self.writer.write(b"hello\n")
        return await self.reader.readline() == b"hello\n"


async def connect(port: int, *pairs: LocalCertificates, name: str | None = "localhost") -> Client:
    """A verified connection; without a *name* none is sent (and so none is checked)."""
    context = ssl.create_default_context()
    context.check_hostname = name is not None
    for pair in pairs:
        context.load_verify_locations(pair.ca)
    sock = socket.create_connection(("127.0.0.1", port))
    return Client(*await asyncio.open_connection(sock=sock, ssl=context, server_hostname=name or ""))


@each_loop
def test_new_connections_get_the_new_certificate_and_old_ones_live_on(
    loop: Loop, live: tuple[Path, Path], first: LocalCertificates, second: LocalCertificates
) -> None:
    """One context: before the exchange the first certificate, after it the second, with a name or without."""

    async def play() -> None:
        reloader = Reloader(*live)
        async with serving(reloader.context) as port:
            old = await connect(port, first, second)
            assert (old.seen, await old.talks()) == (leaf(first), True)
            assert reloader.check() == Unchanged()
            put(second, *live)
            early = await connect(port, first, second)
            assert early.seen == leaf(first)  # nothing happens before somebody looks
            assert reloader.check() == Swapped(certificate_ends(live[0]))
            assert reloader.check() == Unchanged()
            for name in ("localhost", None):
                new = await connect(port, first, second, name=name)
                assert (new.seen, await new.talks()) == (leaf(second), True)
                new.writer.close()
            assert await old.talks()
            assert await early.talks()
            old.writer.close()
            early.writer.close()

    loop(play())


@pytest.mark.parametrize("damage", ["mismatch", "noise", "empty", "gone", "encrypted", "swapped files", "a folder"])
def test_a_broken_pair_changes_nothing_and_is_told_once(
    live: tuple[Path, Path], first: LocalCertificates, second: LocalCertificates, damage: str
) -> None:
    """Whatever is wrong with the new files, connections go on with the old; when they are right, they count."""

    async def play() -> None:
        reloader = Reloader(*live)
        async with serving(reloader.context) as port:
            break_files(live, second, damage)
            kept = reloader.check()
            assert isinstance(kept, Kept)
            assert str(live[0]) in kept.reason or str(live[1]) in kept.reason
            assert reloader.check() == Unchanged()
            client = await connect(port, first)
            assert (client.seen, await client.talks()) == (leaf(first), True)
            client.writer.close()
            if live[1].is_dir():
                live[1].rmdir()
            put(second, *live)
            assert isinstance(reloader.check(), Swapped)
            client = await connect(port, second)
            assert client.seen == leaf(second)
            client.writer.close()

    asyncio.run(play())


def test_a_renewal_in_two_steps_is_taken_when_it_is_complete(
    live: tuple[Path, Path], first: LocalCertificates, second: LocalCertificates
) -> None:
    """Between certificate and key the pair does not match: the old one stays, and the reason says so."""
    reloader = Reloader(*live)
    shutil.copy(second.certificate, live[0])
    assert reloader.check() == Kept(f"the key {live[1]} does not belong to the certificate {live[0]}")
    shutil.copy(second.key, live[1])
    assert isinstance(reloader.check(), Swapped)


@pytest.mark.parametrize("damage", ["mismatch", "noise", "empty", "gone", "encrypted"])
def test_a_first_start_with_a_broken_pair_is_refused(
    live: tuple[Path, Path], second: LocalCertificates, damage: str
) -> None:
    """There is no old certificate to go on with; the reason names the files and holds no key."""
    break_files(live, second, damage)
    with pytest.raises(ValueError, match=r"cert\.pem") as refused:
        Reloader(*live)
    assert "PRIVATE" not in str(refused.value)


def test_old_protocols_are_refused(live: tuple[Path, Path]) -> None:
    """TLS 1.0 and 1.1 fail, 1.2 and 1.3 pass, in 1.2 with forward secrecy; HTTP/1.1 is agreed by ALPN, h2 is not."""
    context = server_context(*live)
    assert handshake(context, "TLSv1_2", ["h2", "http/1.1"]) == ("TLSv1.2", "http/1.1", True)
    assert handshake(context, "TLSv1_3", ["http/1.1"]) == ("TLSv1.3", "http/1.1", True)
    assert handshake(context, "TLSv1_3", ["h2"])[1] is None
    for old in ("TLSv1", "TLSv1_1"):
        with pytest.warns(DeprecationWarning, match="TLSv1"), pytest.raises(ssl.SSLError):
            handshake(context, old, [])
    with pytest.raises(ssl.SSLError):
        handshake(context, "TLSv1_2", [], ciphers="ECDHE-ECDSA-AES128-SHA256")


def test_openssl_sees_the_whole(live: tuple[Path, Path], first: LocalCertificates) -> None:
    """`openssl s_client` verifies the chain and the name, and agrees on TLS 1.3."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here")

    async def play() -> None:
        async with serving(Reloader(*live).context) as port:
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(first.ca)]
            command += [
                "-verify_return_error",
                "-verify_hostname",
                "localhost",
                "-servername",
                "localhost",
                "-alpn",
                "http/1.1",
            ]
            done = await asyncio.to_thread(
                subprocess.run, command, input="hello\nQ\n", capture_output=True, text=True, timeout=60, check=False
            )
            assert "Verify return code: 0 (ok)" in done.stdout, done.stdout + done.stderr
            assert "ALPN protocol: http/1.1" in done.stdout
            assert "TLSv1.3" in done.stdout

    asyncio.run(play())


def break_files(live: tuple[Path, Path], other: LocalCertificates, damage: str) -> None:
    """Leave the two files in a state that cannot be served."""
    certificate, key = live
    if damage == "mismatch":
        shutil.copy(other.certificate, certificate)
    elif damage == "noise":
        certificate.write_bytes(os.urandom(2000))
    elif damage == "empty":
        key.write_bytes(b"")
    elif damage == "gone":
        key.unlink()
    elif damage == "encrypted":
        loaded = load_pem_private_key(key.read_bytes(), None)
        secret = BestAvailableEncryption(b"password")
        key.write_bytes(loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    elif damage == "swapped files":
        put(other, key, certificate)
    else:
        key.unlink()
        key.mkdir()


def handshake(
    server: ssl.SSLContext, version: str, protocols: list[str], ciphers: str | None = None
) -> tuple[str | None, str | None, bool]:
    """One handshake in memory: the version, the protocol, and whether the key exchange is ephemeral."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    client.minimum_version = client.maximum_version = ssl.TLSVersion[version]
    if protocols:
        client.set_alpn_protocols(protocols)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True)]
    waiting = set(range(2))
    for turn in range(20):
        try:
            ends[turn % 2].do_handshake()
            waiting.discard(turn % 2)
        except ssl.SSLWantReadError:
            continue
    assert not waiting
    chosen = ends[0].cipher()
    assert chosen is not None
    return ends[0].version(), ends[0].selected_alpn_protocol(), chosen[0].startswith(("ECDHE", "TLS_"))
