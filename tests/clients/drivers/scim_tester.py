"""
scim2-tester, which checks a SCIM server by its own client. Configuration: `base`, `token`. Order: `check`; each result
is an event of its own. The tester fills attributes at random; the one that looks like an address gets an address.
"""

import os
import ssl
import uuid
from typing import Any

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server, filling
from talk import configuration, say, serve

given = configuration()
usual: Any = filling.get_random_example_value


def example(path: object) -> object:
    """What the tester would take, and a user name as this server wants one."""
    return f"{uuid.uuid4()}@example.com" if str(path).endswith("userName") else usual(path)


filling.get_random_example_value = example


def check() -> None:
    """Everything that the tester knows."""
    http = httpx2.Client(
        base_url=given["base"],
        verify=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]),
        headers={"Authorization": f"Bearer {given['token']}"},
    )
    for result in check_server(SyncSCIMClient(http)):
        say(
            "checked",
            status=result.status.name,
            title=result.title,
            resource=result.resource_type or "",
            reason=result.reason or "",
        )
    say("done")


serve({"check": check})
