"""Messages through Apprise (R24), by real processes to real servers on loopback."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path

import pytest

from ostiary.core.notices.address import SCHEMES, Form, read_address
from ostiary.core.words.outcome import Refused
from ostiary.outside import local_ca
from ostiary.outside.apprise import _CHILD as CHILD
from ostiary.outside.apprise import Apprise
from ostiary.outside.clock import SystemClock
from ostiary.outside.tls import server_context


@dataclass
class Mailbox:
    """A mail server that keeps what it gets (RFC 5321, as much as a client needs)."""

    port: int = 0
    connections: int = 0
    mails: list[bytes] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session."""
        self.connections += 1
        writer.write(b"220 mail ready\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write({b"QUIT": b"221 bye\r\n"}.get(verb, b"250 fine\r\n"))
            await writer.drain()
            if verb == b"QUIT":
                break
        writer.close()


@dataclass
class Heard:
    """A plain HTTP server: what came, and how it answers."""

    answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    port: int = 0
    connections: int = 0
    came: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        self.connections += 1
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0
        )
        self.came.append((head, await reader.readexactly(length)))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def on_loopback(*servers: Mailbox | Heard) -> AsyncIterator[None]:
    """Each of *servers* behind a port."""
    running = []
    for each in servers:
        running.append(await asyncio.start_server(each.talk, "127.0.0.1", 0))
        each.port = running[-1].sockets[0].getsockname()[1]
    try:
        yield
    finally:
        for server in running:
            server.close()
            await server.wait_closed()


async def send(sender: Apprise, address: str) -> str:
    """One message."""
    try:
        return await sender.send(address, "Your request was approved", "It ends at 12:00 UTC.\nhttps://x/y")
    finally:
        sender.close()


def test_mail_arrives_at_a_server_that_is_listed() -> None:
    """Title and text come as a mail, through Apprise's own client."""

    async def story() -> None:
        box = Mailbox()
        async with on_loopback(box):
            sender = Apprise((f"http://127.0.0.1:{box.port}",))
            address = f"mailto://127.0.0.1:{box.port}?from=ostiary@example.com&to=bob@example.com"
            assert await send(sender, address) == ""
        mail = message_from_bytes(box.mails[0])
        text = mail.as_string()
        assert mail["Subject"] == "Your request was approved"
        assert "bob@example.com" in mail["To"]
        assert "It ends at 12:00 UTC." in text

    asyncio.run(story())


def test_a_chat_gets_its_json() -> None:
    """A service over HTTP, where plain HTTP is listed for that host and port."""

    async def story() -> None:
        heard = Heard()
        async with on_loopback(heard):
            assert await send(Apprise((f"http://localhost:{heard.port}",)), f"json://localhost:{heard.port}/in") == ""
        head, body = heard.came[0]
        assert head.startswith(b"POST /in HTTP/1.1")
        assert json.loads(body)["title"] == "Your request was approved"

    asyncio.run(story())


def test_r24_tls_proves_the_name_by_the_authorities_that_the_operator_believes(tmp_path: Path) -> None:
    """R24: a certificate of the operator's authority counts, of nobody's it does not, whatever the machine's say."""
    ours = local_ca.ensure(tmp_path / "tls", ("localhost",), now=SystemClock().now(), environ={})

    async def story() -> None:
        heard = Heard()
        server = await asyncio.start_server(
            heard.talk, "127.0.0.1", 0, ssl=server_context(ours.certificate, ours.key)
        )  # fmt: skip
        port = server.sockets[0].getsockname()[1]
        for authorities, trouble in ((ours.ca, ""), (None, "refused")):
            sender = Apprise((f"localhost:{port}",), authorities=authorities)
            assert await send(sender, f"jsons://localhost:{port}/in") == trouble
        assert len(heard.came) == 1
        server.close()

    asyncio.run(story())


def test_r24_a_forward_proxy_gets_what_is_not_listed() -> None:
    """R24: where the operator has one, it decides about names; only what is listed is asked directly."""

    async def story() -> None:
        proxy, listed, inside = Heard(b"HTTP/1.1 403 no\r\ncontent-length: 0\r\n\r\n"), Heard(), Heard()
        async with on_loopback(proxy, listed, inside):
            way = f"http://127.0.0.1:{proxy.port}"
            assert await send(Apprise(proxy=way), "jsons://public.example/in") == "refused"
            assert proxy.came[0][0].startswith(b"CONNECT public.example:443 HTTP/1.")
            allow = (f"http://127.0.0.1:{listed.port}",)
            assert await send(Apprise(allow, proxy=way), f"json://127.0.0.1:{listed.port}/in") == ""
            mail = f"mailto://127.0.0.1:{inside.port}?from=a@example.com&to=b@example.com"
            assert await send(Apprise(allow, proxy=way), mail) == "barred", "mail knows no proxy"
        assert (proxy.connections, listed.connections, inside.connections) == (1, 1, 0)

    asyncio.run(story())


@pytest.mark.parametrize(
    "address",
    [
        "json://169.254.169.254/latest@", "jsons://10.0.0.5/x@public.example/y", "jsons://[::ffff:10.0.0.5]/x",
        "gotifys://192.168.1.1/ABCDEFGHIJKLMNO", "ntfys://127.0.0.1/topic", "json://public.example/x",
        "workflows://10.0.0.5/643e69f83c8944438d68119179a10a64/hBK9fRxZ", "mailtos://127.0.0.1:{port}?from=a@x.example&mode=ssl",
    ],
)  # fmt: skip
def test_r24_a_forward_proxy_is_told_of_nothing_that_may_not_be_asked(address: str) -> None:
    """R24: the process itself judges whom a request goes to, though a proxy would connect; mail has none."""

    async def story() -> None:
        proxy = Heard()
        async with on_loopback(proxy):
            way = f"http://127.0.0.1:{proxy.port}"
            assert await send(Apprise(proxy=way), address.format(port=proxy.port)) == "barred"
        assert proxy.connections == 0

    asyncio.run(story())


def test_a_service_that_hangs_ends_with_the_house() -> None:
    """Closing kills what runs, so that a stop never waits for others."""

    async def story() -> None:
        came = asyncio.Event()

        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            came.set()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        sender = Apprise((f"http://127.0.0.1:{port}",))
        trying = asyncio.create_task(sender.send(f"json://127.0.0.1:{port}/", "a", "b"))
        await came.wait()
        await asyncio.to_thread(sender.close)
        assert await trying == "broken"
        server.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("scheme", "allow"),
    [
        ("json://127.0.0.1:{port}/", ()),
        ("jsons://127.0.0.1:{port}/", ()),
        ("jsons://localhost:{port}/", ()),
        ("ntfy://127.0.0.1:{port}/topic", ()),
        ("mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com", ()),
        ("json://127.0.0.1:{port}/", ("127.0.0.1",)),
        ("json://127.0.0.1:{port}/", ("http://127.0.0.1:1",)),
    ],
)
def test_r24_nothing_inside_is_asked_that_is_not_listed(scheme: str, allow: tuple[str, ...]) -> None:
    """R24: an address inside, by number or by name, and plain HTTP where only TLS was listed: no connection is made."""

    async def story() -> None:
        heard = Heard()
        async with on_loopback(heard):
            assert await send(Apprise(allow), scheme.format(port=heard.port)) == "barred"
        assert heard.connections == 0

    asyncio.run(story())


def test_r24_metadata_is_barred_even_by_a_listed_name() -> None:
    """R24: where clouds keep what a machine may do, only a listed network leads."""
    allow = ("169.254.169.254", "http://169.254.169.254")
    assert asyncio.run(send(Apprise(allow), "json://169.254.169.254/latest/meta-data")) == "barred"


def test_r24_a_redirect_leads_nowhere() -> None:
    """R24: neither to another server inside nor, being off, to one that is listed."""

    async def story() -> None:
        inside, listed = Heard(), Heard()
        async with on_loopback(inside, listed):
            for target in (inside, listed):
                location = f"HTTP/1.1 307 T\r\nlocation: http://127.0.0.1:{target.port}/\r\ncontent-length: 0\r\n\r\n"
                first = Heard(location.encode())
                async with on_loopback(first):
                    allow = (f"http://127.0.0.1:{first.port}", f"http://127.0.0.1:{listed.port}")
                    assert await send(Apprise(allow), f"json://127.0.0.1:{first.port}/") == "refused"
                assert first.connections == 1
        assert inside.connections == listed.connections == 0

    asyncio.run(story())


def test_r24_options_that_weaken_are_refused_and_no_other_service_is_let_through() -> None:
    """R24: certificates are checked and redirects off; what runs programs or speaks to the machine is no channel."""
    weak = ("ntfys://ntfy.sh/x?verify=no", "jsons://h/?redirect=yes", "mailtos://u:p@h?cto=60", "json://h/?Verify=no")
    others = ("dbus://", "syslog://localhost", "file:///etc/passwd", "mqtt://h/x", "https://hooks.slack.com/x", "x")
    for address in (*weak, *others):
        assert isinstance(read_address(Form.APPRISE, address), Refused), address
    shown = {
        "mailtos://bob:s3cret@mail.example/?to=x@example.com": "mailtos mail.example",
        "slack://T_A/T_B/T_C": "slack",
    }
    for address, told in shown.items():
        read = read_address(Form.APPRISE, address)
        assert not isinstance(read, Refused)
        assert read.shown == told, "keys are never shown"


PROBE = """
import os, socket, subprocess, sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("child", sys.argv[1])
child = module_from_spec(spec)
spec.loader.exec_module(child)
port, admitted = int(sys.argv[2]), int(sys.argv[3])
guard = child.Guard(child.read_destinations([f"http://127.0.0.1:{admitted}"]), "", tls=False)
child.socket.getaddrinfo = guard.getaddrinfo
sys.addaudithook(guard.hook)
sys.addaudithook = None
tries = {
    "address": lambda: socket.socket().connect(("127.0.0.1", port)),
    "name": lambda: socket.socket().connect(("localhost", port)),
    "mapped": lambda: socket.socket(socket.AF_INET6).connect(("::ffff:127.0.0.1", port)),
    "errno": lambda: socket.socket().connect_ex(("127.0.0.1", port)),
    "datagram": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)),
    "message": lambda: socket.socket(type=socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, ("127.0.0.1", port)),
    "unix": lambda: socket.socket(socket.AF_UNIX).connect("/run/x.sock"),
    "resolved": lambda: socket.create_connection(("localhost", port)),
    "program": lambda: subprocess.run(["true"]),
    "shell": lambda: os.system("true"),
    "fork": lambda: os.fork(),
    "unasked": lambda: socket.socket().connect(("127.0.0.1", admitted)),
}
barred = []
for name, attempt in tries.items():
    try:
        attempt()
    except child.Barred:
        barred.append(name)
assert barred == list(tries), barred
socket.create_connection(("127.0.0.1", admitted)).close()
"""


def test_r24_below_every_library_stands_a_hook_that_bars() -> None:
    """R24: whatever a plugin does, by address, name, datagram or program: nothing leaves but to where it may."""

    async def story() -> None:
        other, listed = Heard(), Heard()
        async with on_loopback(other, listed):
            command = (sys.executable, "-I", "-c", PROBE, str(CHILD), str(other.port), str(listed.port))
            probe = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
            _, said = await probe.communicate()
            assert probe.returncode == 0, said.decode()
        assert (other.connections, listed.connections) == (0, 1)

    asyncio.run(story())


def test_r24_plain_mail_cannot_hide_behind_a_scheme_with_tls() -> None:
    """R24: an address with TLS whose mode says none is unfit, whatever was listed."""

    async def story() -> None:
        box = Mailbox()
        async with on_loopback(box):
            allow = (f"127.0.0.1:{box.port}", f"http://127.0.0.1:{box.port}")
            address = f"mailtos://127.0.0.1:{box.port}?from=a@example.com&to=b@example.com&mode=insecure"
            assert await send(Apprise(allow), address) in ("unfit", "refused")
        assert box.mails == []

    asyncio.run(story())


EACH = {
    "mailtos://u:p@mail.example?to=a@example.com": ("mail.example", 587),
    "ntfys://ntfy.example/topic": ("ntfy.example", 443),
    "ntfys://topic": ("ntfy.sh", 443),
    "gotifys://push.example/ABCDEFGHIJKLMNO": ("push.example", 443),
    "mmosts://chat.example/aaaaaaaaaaaaaaaaaaaaaaaaaa": ("chat.example", 443),
    "jsons://in.example/x": ("in.example", 443),
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general": ("hooks.slack.com", 443),
    "workflows://prod-10.logic.azure.example/643e69f83c8944438d68119179a10a64/hBK9fRxZ/": (
        "prod-10.logic.azure.example", 443,
    ),
    "workflow://prod-10.logic.azure.example/643e69f83c8944438d68119179a10a64/hBK9fRxZ/": (
        "prod-10.logic.azure.example", 443,
    ),
    "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js": ("discord.com", 443),
    "tgram://123456789:abcdefg_hijklmnop/12315544/": ("api.telegram.org", 443),
    "pover://uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@tttttttttttttttttttttttttttttt": ("api.pushover.net", 443),
}  # fmt: skip
ASKING = """
import json, socket, sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("child", sys.argv[1])
child = module_from_spec(spec)
spec.loader.exec_module(child)
def none(host, port, *more, **options):
    asked.append((host, int(port)))
    raise socket.gaierror("nobody")
asked = []
socket.getaddrinfo = none
given = {"allow": [], "proxy": "", "address": sys.argv[2], "title": "t", "text": "x"}
print(json.dumps([child.deliver(given), asked]))
"""


@pytest.mark.parametrize("address", EACH)
def test_each_service_that_is_let_through_is_asked_where_it_is(address: str) -> None:
    """Every scheme of ours is one that Apprise takes, and goes to the port where TLS is spoken."""

    async def story() -> None:
        command = (sys.executable, "-I", "-c", ASKING, str(CHILD), address)
        probe = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        fit, asked = json.loads((await probe.communicate())[0])
        assert fit == "refused", "fit, and nobody was there"
        assert {tuple(each) for each in asked} == {EACH[address]}

    assert not isinstance(read_address(Form.APPRISE, address), Refused)
    asyncio.run(story())


def test_every_scheme_is_among_those_that_are_tried() -> None:
    """A scheme that is added is tried, too; the plain ones have theirs above."""
    assert {address.partition(":")[0] for address in EACH} == {name for name, scheme in SCHEMES.items() if scheme.tls}
