"""
A risk assessment for the registrations of tests: current for as long as any test moves its clock (R23).
"""

from ostiary.core.directory.assessments import Assessment
from ostiary.core.words.instants import Instant

ASSESSED = Assessment(
    1, ("api://tests",), "no browser there", "a person is needed", "no phone near", ("M2",), "owner",
    "owner@example.com", review=Instant(2**53), assessed=Instant(0), by="user:tester",
)  # fmt: skip
