"""
One protected request with the sign-in that `ostiary login` has made: who is it that works here?

`OstiaryAuth` proves the key that the tokens are bound to, and gives them to this one origin alone.
"""

import os
import ssl
import sys

import httpx

from ostiary.client import OstiaryAuth, OstiaryError, Session, open_cache, places, this_machine


def main() -> None:
    """Print the user name. Leaves with 1 and a sentence when there is none."""
    machine, server = this_machine(), os.environ["OSTIARY_SERVER"]
    store = os.environ.get("OSTIARY_STORE", "file")
    auth = OstiaryAuth(Session(open_cache("default", store, places(machine), machine)), [server])
    with httpx.Client(auth=auth, verify=ssl.create_default_context(), timeout=30) as http:
        try:
            answer = http.get(f"{server}/v1.0/me").raise_for_status()
        except (OstiaryError, httpx.HTTPError) as fault:
            sys.exit(f"! {fault}")
    print(f"working as {answer.json()['userPrincipalName']}")


if __name__ == "__main__":
    main()
