"""A real SCIM client that checks servers (scim2-tester): what RFC 7643 and RFC 7644 demand, from discovery to PATCH."""

from pathlib import Path
from typing import Any

from ostiary.core.words.outcome import Refused
from ostiary.services.directory.provisioners import add_provisioner
from tests.clients.test_keys import administrator, event, program
from tests.server import Server

FINE = {"SUCCESS", "COMPLIANT", "ACCEPTABLE"}
KNOWN = (
    ("search_with_attributes", "User", "There is nothing here"),
    ("search_with_attributes", "Group", "There is nothing here"),
    ("check_remove_attribute", "User", "'displayName'"),
    ("check_remove_attribute", "User", "'active'"),
    ("check_add_attribute", "User", "'emails'"),
    ("check_replace_attribute", "User", "'emails'"),
    ("check_add_attribute", "Group", "'members'"),
    ("check_replace_attribute", "Group", "'members'"),
)
"""
What it finds, and what is meant: no search over both kinds at once (RFC 7644 §3.4.3: MAY); without a display name a
person is shown by their user name, and without `active` they are active; the one address that is kept is that of work;
what a member is called is the member's own, and not shown.
"""


def test_a_checker_of_scim_servers_is_content(server: Server, tmp_path: Path) -> None:
    """Every check passes but those that are listed, and each of the listed is still there."""
    made = server.run(add_provisioner(server.house, administrator(server), "checker", (), None, "for a test"))
    assert not isinstance(made, Refused), made
    results: list[dict[str, Any]] = []
    with program(server, tmp_path, "scim_tester", {"base": f"{server.origin}/scim/v2", "token": made.token}) as process:
        process.order("check")
        while (told := event(process))["event"] == "checked":
            results.append(told)
    assert told["event"] == "done"
    bad = [one for one in results if one["status"] not in FINE]
    unknown = [one for one in bad if not any(_is(one, *known) for known in KNOWN)]
    assert unknown == []
    assert [known for known in KNOWN if not any(_is(one, *known) for one in bad)] == []
    passed = {(one["title"], one["resource"]) for one in results if one["status"] in FINE}
    for kind in ("User", "Group"):
        for title in (
            "object_creation",
            "object_query",
            "object_replacement",
            "object_deletion",
            "check_add_attribute",
        ):
            assert (title, kind) in passed, (title, kind)


def _is(told: dict[str, Any], title: str, resource: str, words: str) -> bool:
    return told["title"] == title and told["resource"] == resource and words in told["reason"]
