"""
Which entries about a person that person should know of, when they sign in the next time.
"""

from ostiary.core.logs.kinds import Kind

__all__ = ["ALWAYS", "TELLING"]

TELLING = frozenset({
    Kind.PASSWORD_LINK, Kind.PASSWORD_SET, Kind.MFA_RESET, Kind.PASSKEY_TAKEN, Kind.SESSIONS_ENDED,
    Kind.ACCESS_PASS_MADE, Kind.RESPONSE_DONE,
})  # fmt: skip
"""What a person should be told of at the next sign-in, unless they did it themselves."""
ALWAYS = frozenset({
    Kind.PASSWORD_CHANGED, Kind.PASSKEY_ADDED, Kind.PASSKEY_REMOVED, Kind.RECOVERY_CODES_MADE, Kind.RECOVERY_CODE_USED,
    Kind.ACCESS_PASS_USED, Kind.OWN_CHANNEL_ADDED,
})  # fmt: skip
"""What they are told of in any case: it was done in their name, perhaps by whoever held their session."""
