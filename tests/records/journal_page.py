"""
`docs/journal.md`, made from the list of kinds: `python -m tests.records.journal_page` writes it anew.
"""

import ast
import inspect
from itertools import pairwise
from pathlib import Path

from ostiary.core.logs import kinds
from ostiary.core.logs.story import belongs

PATH = Path(__file__).resolve().parents[2] / "docs" / "journal.md"

HEAD = """\
# The journal

Everything that the service does leaves an entry, in the transaction that does it: an entry that cannot be written
undoes the deed. Sign-ins are told from it (`ostiary signins list`, `/auditLogs/signIns`), changes are shown as they are
(`ostiary audit list`, `/auditLogs/directoryAudits`).

An entry is canonical JSON (RFC 8785) with these keys; its leaf hash is SHA-256 of a zero byte and that text (RFC 9162
§2.1.1), and its number leaves no gap in its stream.

| Key | Holds |
|---|---|
| `action` | the kind, from the tables below |
| `actor`, `actor_name` | who did it: `user:…`, `application:…`, `local:…` (local door), `system:…` (job) or `nobody` |
| `address`, `agent` | where the request came from and what the program called itself |
| `at` | microseconds since 1970-01-01 UTC |
| `detail` | what the kind names beside it |
| `number`, `stream` | its place |
| `origin` | how the actor's session began: `device_code`, `browser`, `workload`, `local` |
| `salt` | 16 random bytes, so that a hash alone tells nothing |
| `story` | the sign-in or deed that it belongs to: the correlation id |
| `target` | what it was done to, e.g. `exemption:…` |
| `visit` | the request: the reference that people quote |

Text from outside is cut at 512 bytes and its control characters are escaped. Polls that only wait leave no entry;
refusals of nobody in particular are entries for the first twenty of their like in a minute, and counted after that.
"""


def kinds_in_words() -> dict[str, str]:
    """What the source says of each kind."""
    found: dict[str, str] = {}
    (body,) = (n.body for n in ast.parse(inspect.getsource(kinds)).body if isinstance(n, ast.ClassDef))
    for node, after in pairwise(body):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and after.value.value
            if isinstance(said, str):
                found[str(node.value.value)] = " ".join(said.split())
    return found


def page() -> str:
    """The whole page."""
    words = kinds_in_words()
    parts = [HEAD]
    for title, wanted in (("Sign-ins", True), ("Changes and alerts", False)):
        rows = [f"| `{kind}` | {text} |" for kind, text in words.items() if belongs(kind) is wanted]
        parts.append("\n".join([f"## {title}", "", "| Kind | What happened: `detail` keys |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
