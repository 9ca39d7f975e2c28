"""
Tables of detections: what rules remember, what they found, and how much of it was not kept. Part of `schema`, which was
full.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

__all__ = ["detection_tables", "response_tables"]


def detection_tables(metadata: MetaData) -> tuple[Table, Table, Table, Table]:
    """Tracks, findings, the sign-ins that they are about, and counts of what was held back, in *metadata*."""
    tracks = Table(
        "detection_tracks",
        metadata,
        Column("key", Text, primary_key=True),  # core/detections/memory.py
        Column("value", Text, nullable=False),  # JSON: marks, or what a sign-in told (core/detections/story.py)
        Column("expires", BigInteger, nullable=False),  # counts for nothing from then on
        Index("detection_tracks_expires", "expires"),
    )
    findings = Table(
        "findings",
        metadata,
        Column("id", Text, primary_key=True),  # of rule, subject and time: what is found again is the same
        Column("rule", Text, nullable=False),
        Column("severity", Text, nullable=False),  # low | medium | high
        Column("state", Text, nullable=False, server_default="open"),  # open | confirmed | dismissed
        Column("at", BigInteger, nullable=False),  # of the entry that made it
        Column("detected", BigInteger, nullable=False),
        Column("changed", BigInteger, nullable=False),
        Column("seen", BigInteger, nullable=False, server_default="1"),  # how often, within the rule's time
        Column("last", BigInteger, nullable=False),  # when it was seen last
        Column("entry", Text, nullable=False),  # stream.number
        Column("story", Text, nullable=False, server_default=""),
        Column("user", Text, nullable=True),
        Column("client", Text, nullable=True),
        Column("session", Text, nullable=True),
        Column("exemption", Text, nullable=True),
        Column("source", Text, nullable=True),  # address
        Column("country", Text, nullable=True),
        Column("sentence", Text, nullable=False),
        Column("evidence", Text, nullable=False, server_default="{}"),  # JSON
        Column("cause", Text, nullable=False, server_default="anybody"),  # core/detections/cause.py
        Column("sign_in_risk", Integer, nullable=False, server_default="0"),  # rank, from severity and state
        Column("person_risk", Integer, nullable=False, server_default="0"),  # likewise, and from cause
        Column("answered", BigInteger, nullable=True),  # when what policy says of it was done; null: not yet
        Index("findings_at", "at", "id"),
        Index("findings_person_risk", "user", "person_risk", "at"),
        Index("findings_answered", "answered", "detected"),
        Index("findings_people", "severity", "at", "cause", "state", "user", "client"),
        *(
            Index(f"findings_{name}", name, "at", "id")
            for name in ("rule", "severity", "state", "user", "client", "source", "story", "session")
        ),
    )
    of_stories = Table(
        "finding_stories",
        metadata,
        Column("finding", Text, primary_key=True),
        Column("story", Text, primary_key=True),  # a sign-in that it was found about, the first among them
        Index("finding_stories_story", "story", "finding"),
    )
    held_back = Table(
        "findings_held_back",
        metadata,
        Column("rule", Text, primary_key=True),
        Column("hour", BigInteger, primary_key=True),  # its beginning
        Column("count", BigInteger, nullable=False),
    )
    return tracks, findings, of_stories, held_back


def response_tables(metadata: MetaData) -> tuple[Table, Table]:
    """What was done about findings, and the policy for that, in *metadata*."""
    responses = Table(
        "finding_responses",
        metadata,
        Column("finding", Text, nullable=False),
        Column("response", Text, nullable=False),  # core/detections/response.py
        Column("at", BigInteger, nullable=False),
        Column("outcome", Text, nullable=False),  # done, or why it was not
        Index("finding_responses_response", "response", "at"),
        Index("finding_responses_finding", "finding"),
    )
    policy = Table(
        "response_policy",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),  # 1
        Column("document", Text, nullable=False),  # JSON, core/detections/response.py
        Column("modified", BigInteger, nullable=False),
    )
    return responses, policy
