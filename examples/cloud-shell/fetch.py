"""
Fetch one file with the sign-in that `ostiary login` has just made: `fetch.py ADDRESS FILE`.

`OstiaryAuth` proves the key that the token is bound to, and gives it to this one origin alone.
"""

import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from ostiary.client import OstiaryAuth, OstiaryError, Session, open_cache, places, this_machine

LIMIT = 1_000_000


def main(address: str, file: str) -> None:
    """Write what *address* gives into *file*. Leaves with 1 and a sentence when there is nothing to write."""
    machine, parts = this_machine(), urlsplit(address)
    session = Session(open_cache("default", "memory", places(machine), machine))
    auth = OstiaryAuth(session, [f"{parts.scheme}://{parts.netloc}"])
    with httpx.Client(auth=auth, verify=ssl.create_default_context(), timeout=30) as http:
        try:
            answer = http.get(address)
        except OstiaryError as fault:
            sys.exit(f"! {fault.message}")
    if answer.status_code != 200 or len(answer.content) > LIMIT:
        sys.exit(f"! {parts.netloc} answers {answer.status_code}: {answer.text[:200].strip()}")
    Path(file).write_bytes(answer.content)


if __name__ == "__main__":
    main(*sys.argv[1:])
