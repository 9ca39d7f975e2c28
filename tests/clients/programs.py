"""
Real client programs, started and listened to.

Owns the processes: the environment they run in (the test CA in the variables that each library reads, a home of their
own, nothing of the tester's), the orders they get, the lines they print. Every client looks the same from outside:
`start` a sign-in, `code`, `outcome`, and `token` for another access token of what it has. Knows nothing of pages.
"""

import json
import os
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, Self

from tests.clients.needs import ARM, AZURE_CLI, Server, graph_scope, issuer

HERE: Final = Path(__file__).parent
BIN: Final = HERE.parents[1] / ".venv-clients" / "bin"
PATIENCE: Final = 180.0  # seconds that one event of a client may take before the test fails
SHOWN_CODE: Final = re.compile(r"\bcode ([A-Z0-9]{4,}(?:-[A-Z0-9]{4,})?)\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sign-in ended; `error` is empty and `claims` (the id_token's) None where a client keeps them to itself."""

    signed_in: bool
    error: str = ""
    description: str = ""
    access_token: str = ""
    claims: Mapping[str, Any] | None = None


class Client(Protocol):
    """A client program, whatever it is made of. First `start`, then `code`, then `outcome`."""

    def start(self) -> None:
        """Begin a sign-in."""

    def code(self) -> str | None:
        """Wait for the user code; None when the sign-in ended without one."""

    def outcome(self) -> Outcome:
        """Wait for the end of the sign-in."""

    def token(self) -> Outcome:
        """Ask for another access token with what the client kept."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def environment(server: Server, home: Path) -> dict[str, str]:
    """Return the variables for a client: trust for *server*'s CA in every dialect, and a home of its own."""
    ca = str(server.ca_file)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "SSL_CERT_FILE": ca,
        "REQUESTS_CA_BUNDLE": ca,
        "NODE_EXTRA_CA_CERTS": ca,
    }


class Process:
    """A running program whose lines of one stream arrive in a queue, None at its end. Ended by its own handle only."""

    def __init__(self, command: list[str], env: Mapping[str, str], *, listen_to: str) -> None:
        self._log: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        heard, other = self._process.stdout, self._process.stderr
        if listen_to == "stderr":
            heard, other = other, heard
        self._threads = [
            threading.Thread(target=self._read, args=(heard, self._lines.put)),
            threading.Thread(target=self._read, args=(other, None)),
        ]
        for thread in self._threads:
            thread.start()

    def order(self, line: str) -> None:
        """Write *line* to the program's stdin."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def line(self) -> str | None:
        """Wait for the next line of the stream listened to; None when the program has closed it."""
        return self._lines.get(timeout=PATIENCE)

    def log(self) -> str:
        """Return all that the program has printed so far, on both streams."""
        return "\n".join(self._log)

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        code = self._process.wait(timeout=PATIENCE)
        for thread in self._threads:
            thread.join()
        return code

    def close(self) -> None:
        """Close stdin; kill the program if that does not end it within 5 s."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self.wait()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def _read(self, stream: Any, deliver: Callable[[str | None], None] | None) -> None:
        for line in stream:
            self._log.append(line.rstrip("\n"))
            if deliver is not None:
                deliver(line.rstrip("\n"))
        if deliver is not None:
            deliver(None)


class Driver:
    """A client library under one of the programs in `drivers/` or `node/`, alive from one sign-in to the next."""

    def __init__(self, command: list[str], configuration: Mapping[str, Any], env: Mapping[str, str]) -> None:
        self._process = Process([*command, json.dumps(configuration)], env, listen_to="stdout")
        self._ended: Outcome | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    def start(self) -> None:
        """Begin a sign-in."""
        self._order("sign_in")

    def code(self) -> str | None:
        """Wait for the user code; None when the sign-in ended without one."""
        event = self._event()
        if event["event"] == "code":
            return str(event["user_code"])
        self._ended = self._outcome(event)
        return None

    def outcome(self) -> Outcome:
        """Wait for the end of the sign-in."""
        return self._ended or self._outcome(self._event())

    def token(self) -> Outcome:
        """Ask for another access token with what the library kept in its memory."""
        self._order("token")
        return self.outcome()

    def use(self) -> dict[str, Any]:
        """Have what the library got used, by the library; what came of it."""
        self._order("use")
        return self._event()

    def _order(self, name: str) -> None:
        self._ended = None
        self._process.order(name)

    def _event(self) -> dict[str, Any]:
        line = self._process.line()
        assert line is not None, f"the client ended:\n{self._process.log()}"
        event: dict[str, Any] = json.loads(line)
        return event

    @staticmethod
    def _outcome(event: Mapping[str, Any]) -> Outcome:
        if event["event"] == "signed_in":
            return Outcome(signed_in=True, access_token=event["access_token"], claims=event["claims"])
        assert event["event"] == "refused", event
        return Outcome(signed_in=False, error=event["error"], description=event["description"])


class AzureCli:
    """`az`, each call a process of its own, all with one configuration folder."""

    def __init__(self, server: Server, home: Path) -> None:
        self._server = server
        self._env = environment(server, home) | {
            "AZURE_CONFIG_DIR": str(home / "azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        }
        self._login: Process | None = None
        self._register()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._login is not None:
            self._login.close()

    def start(self) -> None:
        """Begin `az login`."""
        if self._login is not None:
            self._login.close()
        login = ["login", "--use-device-code", "--tenant", self._server.tenant, "--skip-subscription-discovery"]
        self._login = Process([str(BIN / "az"), *login], self._env, listen_to="stderr")

    def code(self) -> str | None:
        """Wait for the user code in what `az` tells the person; None when it ended without one."""
        assert self._login is not None
        while (line := self._login.line()) is not None:
            if shown := SHOWN_CODE.search(line):
                return shown[1]
        return None

    def outcome(self) -> Outcome:
        """Wait for the end of `az login`; a successful one hands out its token through `get-access-token`."""
        assert self._login is not None
        if self._login.wait() == 0:
            return self.token()
        return Outcome(signed_in=False, description=self._login.log())

    def token(self) -> Outcome:
        """Run `az account get-access-token` for the admin API, another resource than the one that `az login` named."""
        done = self.run("account", "get-access-token", "--scope", graph_scope(self._server))
        if done.returncode != 0:
            return Outcome(signed_in=False, description=done.stderr)
        return Outcome(signed_in=True, access_token=json.loads(done.stdout)["accessToken"])

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `az` with *arguments* to its end."""
        return subprocess.run(
            [str(BIN / "az"), *arguments],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def _register(self) -> None:
        origin = self._server.origin
        endpoints = {
            # A name that never resolves: we have no resource manager, and nothing here may ask for one.
            "resource-manager": "https://resource-manager.invalid",
            "active-directory": origin,
            "active-directory-resource-id": ARM,
            "microsoft-graph-resource-id": origin,
            "active-directory-graph-resource-id": origin + "/",
        }
        named = [word for name, url in endpoints.items() for word in (f"--endpoint-{name}", url)]
        for call in (["register", "-n", "Ostiary", "--skip-endpoint-discovery", *named], ["set", "-n", "Ostiary"]):
            done = self.run("cloud", *call)
            assert done.returncode == 0, done.stderr


def msal_authority(server: Server, home: Path) -> Client:
    """msal with `authority=` and Entra's addresses."""
    return _python("msal_device", server, home, authority=f"{server.origin}/{server.tenant}")


def msal_oidc_authority(server: Server, home: Path) -> Client:
    """msal with `oidc_authority=`."""
    return _python("msal_device", server, home, oidc_authority=issuer(server))


def azure_identity(server: Server, home: Path) -> Client:
    """azure-identity's `DeviceCodeCredential`."""
    return _python("azure_identity_device", server, home, origin=server.origin, tenant=server.tenant)


def authlib(server: Server, home: Path) -> Client:
    """Authlib, by RFC 8414 metadata, with PyJWT checking the id_token."""
    return _python("authlib_device", server, home, issuer=issuer(server))


def openid_client(server: Server, home: Path) -> Client:
    """npm openid-client."""
    program = str(HERE / "node" / "openid_client_device.mjs")
    return Driver(["node", program], _configuration(server, issuer=issuer(server)), environment(server, home))


def openid_client_with_a_key(server: Server, home: Path) -> Driver:
    """npm openid-client with DPoP."""
    program = str(HERE / "node" / "openid_client_device.mjs")
    given = {**_configuration(server, issuer=issuer(server), api=f"{server.origin}/v1.0/me"), "dpop": True}
    return Driver(["node", program], given, environment(server, home))


def openid_client_with_a_certificate(server: Server, home: Path, pair: tuple[Path, Path], api: str) -> Driver:
    """npm openid-client over mutual TLS (RFC 8705), with the certificate and key of the files *pair*."""
    program = str(HERE / "node" / "openid_client_device.mjs")
    files = {"certificate": str(pair[0]), "key": str(pair[1])}
    return Driver(
        ["node", program], _configuration(server, issuer=issuer(server), api=api, **files), environment(server, home)
    )


def azure_cli(server: Server, home: Path) -> Client:
    """azure-cli."""
    return AzureCli(server, home)


def _python(program: str, server: Server, home: Path, **more: str) -> Client:
    command = [str(BIN / "python"), str(HERE / "drivers" / f"{program}.py")]
    return Driver(command, _configuration(server, **more), environment(server, home))


def _configuration(server: Server, **more: str) -> dict[str, Any]:
    return {"client_id": server.clients[AZURE_CLI], "scopes": [graph_scope(server)], **more}


CLIENTS: Final = (msal_authority, msal_oidc_authority, azure_identity, azure_cli, authlib, openid_client)
