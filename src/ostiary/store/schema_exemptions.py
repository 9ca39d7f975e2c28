"""
Tables of exemptions and of what leads to one: who is eligible, the rules, requests with their decisions, access
reviews. Part of `schema`, which was full.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, MetaData, Table, Text, text

__all__ = ["exemption_table", "exemption_tables", "review_tables"]

OPEN = text("phase = 'open'")
OWES_REVIEW = text("break_glass = 1 AND review = ''")


def exemption_table(metadata: MetaData) -> Table:
    """Exemptions, in *metadata*."""
    return Table(
        "exemptions",
        metadata,
        Column("id", Text, primary_key=True),
        Column("user", Text, ForeignKey("users.id"), nullable=False),
        Column("group", Text, ForeignKey("groups.id"), nullable=False),
        Column("reason", Text, nullable=False),
        Column("limits", Text, nullable=False),  # JSON, core/exemptions/exemption.py
        Column("break_glass", BigInteger, nullable=False, server_default="0"),
        Column("opened_by", Text, nullable=False),
        Column("opened", BigInteger, nullable=False),
        Column("starts", BigInteger, nullable=False),
        Column("ends", BigInteger, nullable=False),
        Column("ended", BigInteger, nullable=True),  # ended before its time
        Column("end_cause", Text, nullable=True),
        Column("ended_by", Text, nullable=True),
        Column("waits", BigInteger, nullable=True),  # its length, until the first use; `ends` closes the start window
        Column("hours", Text, nullable=True),  # JSON, core/exemptions/hours.py
        Column("latest", BigInteger, nullable=True),  # nothing of it lasts longer
        Column("used", BigInteger, nullable=False, server_default="0"),  # sign-ins that it gave something to
        Index("exemptions_user", "user", "ends"),
        Index("exemptions_ends", "ends"),
    )


def exemption_tables(metadata: MetaData) -> tuple[Table, Table, Table, Table]:
    """Eligibilities, rules, requests and decisions, in *metadata*."""
    return (*_eligibility_tables(metadata), *_request_tables(metadata))


def _eligibility_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Eligibilities and rules, in *metadata*."""
    eligibilities = Table(
        "eligibilities",
        metadata,
        Column("id", Text, primary_key=True),
        Column("user", Text, ForeignKey("users.id"), nullable=False),
        Column("group", Text, ForeignKey("groups.id"), nullable=False),
        Column("reason", Text, nullable=False),
        Column("starts", BigInteger, nullable=False),
        Column("ends", BigInteger, nullable=True),  # null: until somebody ends it
        Column("created", BigInteger, nullable=False),
        Column("created_by", Text, nullable=False),
        Column("ended", BigInteger, nullable=True),
        Column("loss", Text, nullable=True),
        Column("ended_by", Text, nullable=True),
        Index("eligibilities_user", "user", "created"),
        Index("eligibilities_created", "created", "id"),
    )
    rules = Table(
        "exemption_rules",
        metadata,
        Column("group", Text, ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
        Column("documents", Text, nullable=False),  # JSON: Graph's rules by id, those that were saved
        Column("modified", BigInteger, nullable=False),
        Column("modified_by", Text, nullable=False),
    )
    return eligibilities, rules


def _request_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Requests and the decisions on them, in *metadata*."""
    requests = Table(
        "exemption_requests",
        metadata,
        Column("id", Text, primary_key=True),  # of the exemption that it gives, too
        Column("act", Text, nullable=False),  # adminAssign | selfActivate | selfExtend
        Column("user", Text, ForeignKey("users.id"), nullable=False),
        Column("group", Text, ForeignKey("groups.id"), nullable=False),
        Column("by", Text, nullable=False),  # actor
        Column("reason", Text, nullable=False),
        Column("length", BigInteger, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("ends", BigInteger, nullable=False),  # lapses undecided
        Column("limits", Text, nullable=False),  # JSON, core/exemptions/exemption.py
        Column("ticket", Text, nullable=True),  # JSON: number, system, checked
        Column("starts", BigInteger, nullable=True),
        Column("break_glass", BigInteger, nullable=False, server_default="0"),
        Column("target", Text, nullable=True),  # the exemption that it extends
        Column("auto", Text, nullable=False, server_default=""),  # the rule that approved it
        Column("address", Text, nullable=False, server_default=""),
        Column("phase", Text, nullable=False),  # open | approved | denied | withdrawn | killed
        Column("decided", BigInteger, nullable=True),
        Column("decided_by", Text, nullable=False, server_default=""),
        Column("number", BigInteger, nullable=False, server_default="0"),  # of changes: what a swap compares
        Column("review", Text, nullable=False, server_default=""),  # of break-glass, in writing
        Column("reviewed", BigInteger, nullable=True),
        Column("reviewed_by", Text, nullable=False, server_default=""),
        Column("sign_in", Text, nullable=True),  # the device sign-in at whose page it was made
        Index("exemption_requests_created", "created", "id"),
        Index("exemption_requests_user", "user", "created", "id"),
        Index("exemption_requests_open", "ends", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("exemption_requests_review", "created", "id", sqlite_where=OWES_REVIEW, postgresql_where=OWES_REVIEW),
    )
    decisions = Table(
        "exemption_decisions",
        metadata,
        Column("request", Text, ForeignKey("exemption_requests.id"), primary_key=True),
        Column("by", Text, primary_key=True),  # user
        Column("name", Text, nullable=False),
        Column("stage", BigInteger, nullable=False),
        Column("approved", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("length", BigInteger, nullable=True),  # less than was asked for
        Column("methods", Text, nullable=False, server_default=""),  # RFC 8176, with spaces between
    )
    return requests, decisions


def review_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Access reviews and what they ask about, in *metadata*."""
    reviews = Table(
        "access_reviews",
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("group", Text, ForeignKey("groups.id"), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("created_by", Text, nullable=False),
        Column("ends", BigInteger, nullable=False),
        Column("stopped", BigInteger, nullable=True),
        Index("access_reviews_created", "created", "id"),
    )
    items = Table(
        "access_review_items",
        metadata,
        Column("id", Text, primary_key=True),
        Column("review", Text, ForeignKey("access_reviews.id"), nullable=False),
        Column("eligibility", Text, ForeignKey("eligibilities.id"), nullable=False),
        Column("evidence", Text, nullable=False),  # JSON: what was known when the review began
        Column("decision", Text, nullable=False),  # NotReviewed | Approve | Deny
        Column("reason", Text, nullable=False, server_default=""),
        Column("at", BigInteger, nullable=True),
        Column("by", Text, nullable=False, server_default=""),
        Index("access_review_items_review", "review", "id"),
    )
    return reviews, items
