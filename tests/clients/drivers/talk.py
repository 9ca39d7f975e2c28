"""
How a driver speaks with the test that started it: one JSON object a line.

A driver is a small program around one real client library, run under that
library's own environment. It reads orders on stdin (`sign_in`, `token`), one a
line, and prints events: `code` as soon as a user code is known, then exactly
one outcome, `signed_in` or `refused`. It stays alive between orders, so a test
can see what a library remembers from one call to the next.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any


def configuration() -> Any:
    """Return what the test gave as the first argument (a JSON object)."""
    return json.loads(sys.argv[1])


def say(event: str, **fields: Any) -> None:
    """Print one event."""
    print(json.dumps({"event": event, **fields}), flush=True)


def say_refused(body: Mapping[str, Any]) -> None:
    """Print the outcome *refused* with what the library passed on of the server's answer."""
    say("refused", error=body.get("error", ""), description=body.get("error_description", ""))


def serve(orders: Mapping[str, Callable[[], None]]) -> None:
    """Carry out the orders on stdin until it ends."""
    for line in sys.stdin:
        orders[line.strip()]()
