"""
`ostiary app`: applications, their assessments, secrets and trusts, what they have consent to, and who may use them.
"""

from ostiary.cli.app.assessments import VERBS as ASSESSMENTS
from ostiary.cli.app.assignments import VERBS as ASSIGNMENTS
from ostiary.cli.app.consents import VERBS as CONSENTS
from ostiary.cli.app.passwords import VERBS as SECRETS
from ostiary.cli.app.registrations import LAST, VERBS
from ostiary.cli.app.trusts import VERBS as TRUSTS
from ostiary.cli.verb import Noun

__all__ = ["APP"]

APP: Noun = ("app", "Applications.", (*VERBS, *ASSESSMENTS, *SECRETS, *TRUSTS, *CONSENTS, *ASSIGNMENTS, *LAST))
