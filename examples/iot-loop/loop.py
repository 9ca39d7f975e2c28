"""
A machine that works for years and may lose its power at any moment: plain RFC 8628, nothing but `httpx`.

    loop.py --authority https://id.example.com --client CLIENT-ID --scope SCOPE --work ADDRESS --state FILE

Everything that must outlive a restart is one file, written before it is used. After a restart a code that was shown
goes on, a sign-in goes on with its refresh token (whose answer may have been lost: asked again within a minute it is
answered again, R6), and a sign-in that is over begins anew. Refused at the start is not the end: somebody may open an
exemption, so it asks again, less and less often.
"""

import argparse
import json
import os
import ssl
import sys
import time
from pathlib import Path
from typing import Any

import httpx

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
SHORTEST, LONGEST = 1.0, 300.0  # seconds between tries while nothing goes


class Memory:
    """The one file: 0600, replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.now: dict[str, Any] = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            self.now = {}

    def keep(self, **values: Any) -> None:
        """Have *values*, and nothing else, after the next loss of power."""
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(values, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # until then the old file may come back with the power
        finally:
            os.close(folder)
        self.now = values


class Loop:
    """One machine; *step* does the next thing and says for how many seconds to wait then."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        self._memory = Memory(given.state)
        self._http = httpx.Client(verify=ssl.create_default_context(), timeout=20)
        self._ends: dict[str, Any] = {}
        self._token, self._until, self._pause = "", 0.0, SHORTEST

    def step(self) -> float:
        """Whatever is next; a network that is away counts as nothing."""
        try:
            if not self._ends:
                self._ends = self._metadata()
            if "refresh_token" in self._memory.now:
                wait = self._work()
            elif "device_code" in self._memory.now:
                wait = self._poll()
            else:
                wait = self._ask()
        except (httpx.HTTPError, ValueError, KeyError) as fault:
            print(f"no answer: {type(fault).__name__}", flush=True)
            wait = None
        self._pause = SHORTEST if wait is not None else min(self._pause * 2, LONGEST)
        return self._pause if wait is None else wait

    def _metadata(self) -> dict[str, Any]:
        found = self._http.get(f"{self._given.authority}/organizations/v2.0/.well-known/openid-configuration")
        return dict(found.raise_for_status().json())

    def _ask(self) -> float | None:
        form = {"client_id": self._given.client, "scope": f"{self._given.scope} offline_access"}
        status, said = self._post("device_authorization_endpoint", form)
        if status != 200:
            print(f"refused: {said.get('error')}", flush=True)
            return None
        shown = {name: said[name] for name in ("device_code", "user_code", "verification_uri")}
        self._memory.keep(**shown, interval=said.get("interval", 5), expires_at=time.time() + said["expires_in"])
        return self._show()

    def _show(self) -> float:
        print(f"open {self._memory.now['verification_uri']} and type {self._memory.now['user_code']}", flush=True)
        return float(self._memory.now["interval"])

    def _poll(self) -> float | None:
        now = self._memory.now
        form = {"grant_type": DEVICE_CODE, "device_code": now["device_code"], "client_id": self._given.client}
        status, said = self._post("token_endpoint", form)
        if status == 200:
            return self._take(said)
        if said.get("error") == "slow_down":  # for all later polls, restarts included (RFC 8628 §3.5)
            self._memory.keep(**{**now, "interval": now["interval"] + 5})
        elif said.get("error") != "authorization_pending" or time.time() >= now["expires_at"]:
            print(f"over: {said.get('error')}", flush=True)
            self._memory.keep()
            return None
        return float(self._memory.now["interval"])

    def _work(self) -> float | None:
        if time.time() >= self._until:
            form = {"grant_type": "refresh_token", "refresh_token": self._memory.now["refresh_token"]}
            status, said = self._post("token_endpoint", {**form, "client_id": self._given.client})
            if status == 200:
                return self._take(said)
            if status >= 500 or said.get("error") == "temporarily_unavailable":
                return None
            print(f"over: {said.get('error')}", flush=True)
            self._memory.keep()
            return None
        answer = self._http.get(self._given.work, headers={"authorization": f"Bearer {self._token}"})
        if answer.status_code == 401:
            self._until = 0.0
            return None
        print(f"worked: {answer.status_code}", flush=True)
        return float(self._given.every)

    def _take(self, said: dict[str, Any]) -> float:
        """The refresh token is on disk before anything is done with what came along."""
        self._memory.keep(refresh_token=said["refresh_token"])
        self._token, self._until = said["access_token"], time.time() + said["expires_in"] - 30
        print("signed in", flush=True)
        return 0.0

    def _post(self, end: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        answer = self._http.post(self._ends[end], data=form, headers={"accept": "application/json"})
        return answer.status_code, dict(answer.json())

    def begin(self) -> None:
        """After a restart the code that is still open is shown again."""
        if "user_code" in self._memory.now:
            self._show()


def main() -> None:
    """Go on for ever."""
    parser = argparse.ArgumentParser(description="Sign in, work, and survive restarts.")
    for name in ("authority", "client", "scope", "work"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--state", type=Path, required=True, help="the file that outlives restarts")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two pieces of work")
    loop = Loop(parser.parse_args())
    loop.begin()
    while True:
        time.sleep(loop.step())


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
