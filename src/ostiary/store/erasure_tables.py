"""
What becomes of each table when a person's data is erased: every table of the schema stands here, with its columns that
point to people. A test fails while a new table, or a new column of that kind, does not.

Rows about the person go; where a row must stay for what others did (an exemption that was, a decision), its words go.
Ids stay, as in ``user:…`` of who did what: without the account they name nobody.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, bindparam, delete, func, null, or_, select, update

from ostiary.store import schema as s
from ostiary.store.sql import Sql, sql

__all__ = ["ERASED", "ESCAPE", "PERSONAL", "Named", "Treatment"]

ERASED = "(erased)"
"""What stands in the place of words that may not be empty."""
ESCAPE = "\\"
"""What stands before a wildcard of LIKE that is none."""


class Treatment(NamedTuple):
    """Of one table."""

    why: str
    """What it holds of people, or why nothing."""
    people: tuple[str, ...] = ()
    """Its columns that point to people."""
    statements: tuple[Sql, ...] = ()
    """With the parameters ``user_`` (id) and ``like`` (the id within a text)."""
    named: "Named | None" = None
    """Rows that go where a text in them names the person."""


class Named(NamedTuple):
    """Rows in whose texts a name may stand: LIKE finds candidates, and `pattern` whether it is that name as a whole."""

    look: Sql
    """The key and the texts of each, by ``named`` (`erasures.within`)."""
    remove: tuple[Sql, ...]
    """By ``key_``."""


def _rows(table: Table, *columns: str) -> tuple[Sql, ...]:
    """Its rows about the person go."""
    return (sql(delete(table).where(or_(*(table.c[name] == bindparam("user_") for name in columns)))),)


def _named(table: Table, key: str, *texts: str, with_it: Sql | None = None) -> Named:
    """Its rows, by their *key*, whose *texts* name the person; *with_it* removes what goes with each."""
    columns = [table.c[name] for name in texts]
    like = or_(*(func.lower(column).like(bindparam("named"), escape=ESCAPE) for column in columns))
    remove = sql(delete(table).where(table.c[key] == bindparam("key_")))
    return Named(sql(select(table.c[key], *columns).where(like)), (remove,) if with_it is None else (with_it, remove))


def _where(table: Table, condition: ColumnElement[bool], **values: object) -> Sql:
    return sql(update(table).where(condition).values(values))


def _own(table: Table, column: str = "user") -> ColumnElement[bool]:
    return table.c[column] == bindparam("user_")


_NOBODY = Treatment("nothing of people")
_IDS = "ids of who did what, which stay"
_CASCADES = "goes with the row that it belongs to"
_requests = select(s.exemption_requests.c.id).where(_own(s.exemption_requests))
_eligibilities = select(s.eligibilities.c.id).where(_own(s.eligibilities))
_channels = select(s.notice_channels.c.id).where(_own(s.notice_channels))
_factors = select(s.authenticators.c.id).where(_own(s.authenticators))

_HOUSE = (
    "organisation", "versions", "leases", "keys", "streams", "cursors", "log_leaves", "checkpoints", "log_keys",
    "challenges", "groups", "identifiers", "consents", "device_settings", "device_hooks", "named_locations",
    "log_sinks", "provisioners", "provisioner_tokens", "provisioned_groups",
)  # fmt: skip

_found = or_(s.findings.c.user == bindparam("user_"), s.findings.c.evidence.like(bindparam("like")))

PERSONAL: Mapping[str, Treatment] = {
    "users": Treatment("the account: its names and address go, or all of it (`erasures.forget_account`)"),
    "journal": Treatment("entries: by the job, in pieces that are announced (services/logs/erase.py)"),
    "stories": Treatment("sign-ins as entries tell them: by the job, with those entries", ("user",)),
    "erasures": Treatment("the id, which stays; what it looks for goes at the end", ("user", "by", "words")),
    # what proves a person
    "passwords": Treatment("a digest", ("user",), _rows(s.passwords, "user")),
    "recovery_codes": Treatment(
        "digests", statements=(sql(delete(s.recovery_codes).where(s.recovery_codes.c.authenticator.in_(_factors))),)
    ),
    "authenticators": Treatment("sealed seeds", ("user",), _rows(s.authenticators, "user")),
    "passkeys": Treatment("public keys and their names", ("user",), _rows(s.passkeys, "user")),
    "invitations": Treatment("digests", ("user",), _rows(s.invitations, "user")),
    "upstream_links": Treatment("who they are elsewhere", ("user", "subject"), _rows(s.upstream_links, "user")),
    "upstream_grants": Treatment("the same", ("user", "subject"), _rows(s.upstream_grants, "user")),
    "provisioned_users": Treatment("what a provisioner calls them", ("user",), _rows(s.provisioned_users, "user")),
    "upstream_members": Treatment("groups", ("user",), _rows(s.upstream_members, "user")),
    "throttles": Treatment(
        "counters of wrong tries, by id or name", ("subject",),
        (sql(delete(s.throttles).where(s.throttles.c.subject.like(bindparam("like")))),),
        _named(s.throttles, "subject", "subject"),
    ),
    # where a person belongs
    "members": Treatment("groups", ("user",), _rows(s.members, "user")),
    "assignments": Treatment("applications", ("principal",), _rows(s.assignments, "principal")),
    "devices": Treatment(
        "machines: they stay, without their owner's trace", ("owner", "admitted_by", "revoked_by"),
        (_where(s.devices, _own(s.devices, "owner"), name=ERASED, asked_from="", owner=null()),),
    ),
    # what a person did
    "signins": Treatment("codes and addresses", ("user", "named"), _rows(s.signins, "user", "named")),
    "sessions": Treatment("sessions and addresses", ("user",), _rows(s.sessions, "user")),
    "authorizations": Treatment("codes", ("user",), _rows(s.authorizations, "user")),
    "drills": Treatment("what they did in a drill", ("user", "by"), _rows(s.drills, "user")),
    "exemptions": Treatment(
        "that there was one, and when, stays", ("user", "opened_by", "ended_by"),
        (_where(s.exemptions, _own(s.exemptions), reason=ERASED),),
    ),
    "eligibilities": Treatment(
        "the same", ("user", "created_by", "ended_by"), (_where(s.eligibilities, _own(s.eligibilities), reason=ERASED),)
    ),
    "exemption_requests": Treatment(
        "the same", ("user", "by", "decided_by", "reviewed_by"),
        (
            _where(s.exemption_requests, _own(s.exemption_requests), reason=ERASED, ticket=null(), address=""),
            _where(
                s.exemption_requests, _own(s.exemption_requests) & (s.exemption_requests.c.review != ""), review=ERASED
            ),
        ),
    ),
    "exemption_decisions": Treatment(
        "what others said of their requests, and their name beside what they said of others'", ("by",),
        (
            _where(s.exemption_decisions, s.exemption_decisions.c.request.in_(_requests), reason=ERASED),
            _where(s.exemption_decisions, _own(s.exemption_decisions, "by"), name=ERASED),
        ),
    ),
    "access_review_items": Treatment(
        "what was known and said of them", ("by",),
        (_where(
            s.access_review_items, s.access_review_items.c.eligibility.in_(_eligibilities), evidence="{}", reason=ERASED
        ),),
    ),
    "access_reviews": Treatment(_IDS, ("created_by",)),
    "exemption_rules": Treatment(_IDS, ("modified_by",)),
    "kill_switch": Treatment("who turned it, by name: words of it (`erasures.erase_rows`)", ("words",)),
    "findings": Treatment(
        "what detections found of them, or with them", ("user",),
        (
            sql(delete(s.finding_stories).where(s.finding_stories.c.finding.in_(select(s.findings.c.id).where(_found)))),
            sql(delete(s.findings).where(_found)),
        ),
        _named(
            s.findings, "id", "evidence", "sentence",
            with_it=sql(delete(s.finding_stories).where(s.finding_stories.c.finding == bindparam("key_"))),
        ),
    ),
    "finding_stories": Treatment("which sign-ins a finding is about, by their ids"),
    "detection_tracks": Treatment(
        "what rules remember of them",
        statements=(sql(delete(s.detection_tracks).where(
            or_(s.detection_tracks.c.key.like(bindparam("like")), s.detection_tracks.c.value.like(bindparam("like")))
        )),),
        named=_named(s.detection_tracks, "key", "value"),
    ),
    "findings_held_back": _NOBODY,
    "finding_responses": Treatment("what was done about a finding, by its id"),
    "response_policy": _NOBODY,
    # what others are told
    "notices": Treatment(
        "messages that wait, to them and about them",
        statements=(sql(delete(s.notices).where(
            or_(s.notices.c.channel.in_(_channels), s.notices.c.exemption.in_(_requests))
        )),),
        named=_named(s.notices, "id", "body"),
    ),
    "notice_channels": Treatment("where they are told", ("user",), _rows(s.notice_channels, "user")),
    "signal_subjects": Treatment(
        "that a receiver left them out", ("subject",),
        (sql(delete(s.signal_subjects).where(s.signal_subjects.c.subject.like(bindparam("like")))),),
    ),
    "signal_outbox": Treatment("the id in events that wait: receivers must hear that a session is over"),
    "signal_streams": _NOBODY,
    "notice_moments": Treatment("ids of requests and exemptions"),
    # of the house
    "applications": Treatment("names of owners in assessments, which their next version replaces (docs/audit.md)"),
    "policies": Treatment("ids of people, which policies name and administrators remove"),
    "policy_versions": Treatment("the same"),
    "assertions": Treatment("addresses of applications, for minutes"),
    **dict.fromkeys(_HOUSE, _NOBODY),
}  # fmt: skip
