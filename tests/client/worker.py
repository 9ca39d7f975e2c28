"""
What the tests of parallel commands run as processes of their own: renew a token, write without end, hold the lock.
"""

import sys
from dataclasses import replace
from pathlib import Path

import httpx

from ostiary.client import Places, fresh, open_cache, run, this_machine


def main(what: str, config: str, state: str) -> None:
    """Do *what* with the cache in *state*."""
    machine = this_machine()
    cache = open_cache("default", "file", Places(Path(config), Path(state), None), machine)
    held = cache.load()
    if held is None:
        raise SystemExit("no sign-in to work with")
    with httpx.Client(trust_env=False) as http:
        if what == "renew":
            print(run(fresh(cache), http=http, machine=machine).token)
        elif what == "force":
            print(run(fresh(cache, refused=held.access[0].token), http=http, machine=machine).token)
        elif what == "write":
            for _ in range(100_000):
                held = cache.save(replace(held, name="x" * 5000), after=held)
                print(held.serial, flush=True)
        elif what == "hold":
            with run(cache.locked(), http=http, machine=machine):
                print("held", flush=True)
                machine.sleep(600)


def told() -> None:
    """The same, as the arguments say."""
    main(*sys.argv[1:])


if __name__ == "__main__":
    told()
