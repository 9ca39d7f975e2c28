"""
A sign-in log of any length, made by one statement a million: rows as `services/logs/stories.py` writes them, by a few
patterns.

Every 10th sign-in is a device sign-in, every 100th was blocked by policy, every 50,000th is of the person *RARE*, all
others of a thousand. Times go up by one second a row from *FIRST*.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import orjson

from ostiary.core.directory.founding import AZURE_CLI
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.story import Story, fold, to_document
from ostiary.core.words.instants import Instant

FIRST: Final = 1_700_000_000_000_000
SECOND: Final = 1_000_000
RARE: Final = "ffffffff-0000-4000-8000-000000000001"
EXEMPTION: Final = "eeeeeeee-0000-4000-8000-000000000001"
RESOURCE: Final = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
PIECE: Final = 1_000_000  # rows of one transaction


def id_of(number: int) -> str:
    """Of the sign-in with that number: as scattered as random ones."""
    return f"{number * 2654435761 & 0xFFFFFFFF:08x}-0000-4000-8000-{number:012x}"


def person(number: int) -> str:
    """Id of one of the thousand."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def _text() -> str:
    """The stored form of a short device sign-in, whose id and time the statement puts in their places."""
    given = {"client": AZURE_CLI, "client_name": "Azure CLI", "resource": RESOURCE, "jti": "j"}
    at = Instant(111_111_111)
    entry = Recorded(1, "n1", 1, Kind.REDEEMED.value, at, "S-T-O-R-Y", "nobody", "", {"detail": given})
    return orjson.dumps(to_document(fold(Story("S-T-O-R-Y"), [entry]))).decode()


_FILL = """
WITH RECURSIVE
numbers(n) AS (SELECT :begin UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :end),
rows(n, id, at, person) AS (
  SELECT n, printf('%08x-0000-4000-8000-%012x', (n * 2654435761) & 4294967295, n), :first + n * 1000000,
    CASE n % 50000 WHEN 11 THEN :rare ELSE printf('%08x-0000-4000-8000-%012x', n % 1000, n % 1000) END
  FROM numbers
)
INSERT INTO stories (
  id, started, changed, outcome, user, client, exemption, requester, approver, protocol, story, error, access, resource
)
SELECT
  id, at, at, CASE n % 100 WHEN 7 THEN 'failure' ELSE 'success' END, person,
  CASE n % 20 WHEN 3 THEN 'other' ELSE :client END, CASE n % 1000 WHEN 10 THEN :exemption END,
  printf('203.0.%d.%d', n / 250 % 250, n % 250), CASE n % 10 WHEN 0 THEN '198.51.100.7' END,
  CASE n % 10 WHEN 0 THEN 'deviceCode' WHEN 1 THEN 'none' ELSE 'authorizationCodeWithPkce' END,
  replace(replace(:text, '111111111', at), 'S-T-O-R-Y', id),
  CASE n % 100 WHEN 7 THEN 53003 ELSE 0 END, CASE n % 100 WHEN 7 THEN 'failure' ELSE 'success' END,
  CASE n % 3 WHEN 0 THEN :resource END
FROM rows
"""


def fill(path: Path, count: int) -> None:
    """
    *count* sign-ins into the database at *path*. Its indexes are made when the rows are there: that is faster. Nothing
    of it is synced, as nothing of it is worth anything.
    """
    given = {
        "first": FIRST, "rare": RARE, "client": AZURE_CLI, "exemption": EXEMPTION, "resource": RESOURCE,
        "text": _text(),
    }  # fmt: skip
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for setting in ("synchronous=OFF", "temp_store=MEMORY", "cache_size=-262144"):
            db.execute(f"PRAGMA {setting}")
        found = db.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'stories' AND type = 'index'")
        made = [(name, text) for name, text in found if text]
        for name, _ in made:
            db.execute(f'DROP INDEX "{name}"')
        for begin in range(0, count, PIECE):
            db.execute(_FILL, {**given, "begin": begin, "end": min(begin + PIECE, count)})
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for _, text in made:
            db.execute(text)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
