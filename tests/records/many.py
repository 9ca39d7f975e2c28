"""
A sign-in log of any length, made by one statement: rows as `services/logs/stories.py` writes them, by a few patterns.

Every 10th sign-in is a device sign-in of one of 1,000 people, every 100th was blocked by policy, every 50,000th is of
the person *RARE*. Times go up by one second a row from *FIRST*.
"""

import sqlite3
from pathlib import Path
from typing import Final

import orjson

from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.story import Story, fold, to_document
from ostiary.core.words.instants import Instant
from tests.records.house import CLI

FIRST: Final = 1_700_000_000_000_000
SECOND: Final = 1_000_000
RARE: Final = "ffffffff-0000-4000-8000-000000000001"
EXEMPTION: Final = "eeeeeeee-0000-4000-8000-000000000001"
RESOURCE: Final = "797f4846-ba00-4fd7-ba43-dac1f8f63013"


def _text() -> str:
    """The stored form of a short device sign-in, whose id and times the statement puts in their places."""
    entries = [
        Recorded(n, "n1", n, kind.value, Instant(111_111_111), "S-T-O-R-Y", actor, "", {"detail": detail})
        for n, (kind, actor, detail) in enumerate(
            (
                (Kind.STARTED, "nobody", {"client": CLI, "client_name": "CLI", "resource": RESOURCE, "ends": 1}),
                (Kind.REDEEMED, "nobody", {"client": CLI, "jti": "j"}),
            )
        )
    ]
    return orjson.dumps(to_document(fold(Story("S-T-O-R-Y"), entries))).decode()


_FILL = """
WITH RECURSIVE rows(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM rows WHERE n + 1 < :count)
INSERT INTO stories (
  id, started, changed, outcome, user, client, exemption, requester, approver, protocol, story, error, access, resource
)
SELECT
  printf('%08x-0000-4000-8000-%012x', (n * 2654435761) & 4294967295, n), :first + n * 1000000, :first + n * 1000000,
  CASE WHEN n % 100 = 7 THEN 'failure' ELSE 'success' END,
  CASE WHEN n % 50000 = 11 THEN :rare ELSE printf('%08x-0000-4000-8000-%012x', n % 1000, n % 1000) END,
  CASE n % 20 WHEN 3 THEN 'other' ELSE :client END,
  CASE n % 1000 WHEN 10 THEN :exemption END,
  printf('203.0.%d.%d', n / 250 % 250, n % 250), CASE n % 10 WHEN 0 THEN '198.51.100.7' END,
  CASE n % 10 WHEN 0 THEN 'deviceCode' WHEN 1 THEN 'none' ELSE 'authorizationCodeWithPkce' END,
  replace(replace(:text, '111111111', :first + n * 1000000),
    'S-T-O-R-Y', printf('%08x-0000-4000-8000-%012x', (n * 2654435761) & 4294967295, n)),
  CASE WHEN n % 100 = 7 THEN 53003 ELSE 0 END, CASE WHEN n % 100 = 7 THEN 'failure' ELSE 'success' END,
  CASE n % 3 WHEN 0 THEN :resource END
FROM rows
"""


def fill(path: Path, count: int) -> None:
    """*count* sign-ins into the database at *path*, whose indexes are made when the rows are there: that is faster."""
    given = {
        "count": count, "first": FIRST, "rare": RARE, "client": CLI, "exemption": EXEMPTION, "resource": RESOURCE,
        "text": _text(),
    }  # fmt: skip
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("PRAGMA temp_store=MEMORY")
        db.execute("PRAGMA cache_size=-262144")
        found = db.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'stories' AND type = 'index'")
        made = [(name, text) for name, text in found if text]
        for name, _ in made:
            db.execute(f'DROP INDEX "{name}"')
        db.execute(_FILL, given)
        for _, text in made:
            db.execute(text)
    db.close()
