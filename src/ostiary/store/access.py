"""
What decisions read: the version rows, the picture's rows, and the facts about one person in one statement.
"""

from sqlalchemy import Integer, LargeBinary, Text, bindparam, cast, literal, null, select, union_all, update
from sqlalchemy.sql import ColumnElement

from ostiary.core.exemptions.exemption import EndCause, Exemption, limits_from
from ostiary.core.words.ids import ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx
from ostiary.store.schema import (
    applications,
    consents,
    exemptions,
    groups,
    identifiers,
    members,
    organisation,
    policies,
    users,
    versions,
)
from ostiary.store.sql import sql
