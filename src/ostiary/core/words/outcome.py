"""
Refusals as values: what was asked will not be done, and why.

A deed returns `Refused` (its transaction commits, so that the entry about it stays) and raises only for faults. What
a reason says to people and to clients stands in one table, `core/tokens/refusals.py`; what it means to a Graph caller
in `core/graph/error.py`.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ostiary.core.words.instants import Span


class Reason(StrEnum):
    """Why something was refused. The value is the stable code in logs; never reuse one."""

    # the request itself
    INVALID_REQUEST = "invalid_request"
    UNKNOWN_TENANT = "unknown_tenant"
    UNSUPPORTED_GRANT = "unsupported_grant"
    INVALID_SCOPE = "invalid_scope"
    UNKNOWN_RESOURCE = "unknown_resource"
    PRIVILEGED_SCOPE = "privileged_scope"
    """An administrative scope named in a device authorization request (R3)."""
    # the client
    UNKNOWN_CLIENT = "unknown_client"
    CLIENT_DISABLED = "client_disabled"
    CLIENT_AUTHENTICATION = "client_authentication"
    PUBLIC_CLIENT_SECRET = "public_client_secret"
    DEVICE_FLOW_OFF = "device_flow_off"
    ASSESSMENT_OVERDUE = "assessment_overdue"
    """The application has no risk assessment, or its review is overdue for thirty days (R23)."""
    NO_CONSENT = "no_consent"
    PKCE_REQUIRED = "pkce_required"
    TICKET_REQUIRED = "ticket_required"
    """A start ticket is demanded by registration or policy, and none came (R22)."""
    BAD_TICKET = "bad_ticket"
    """Unknown, spent, over, for another application: one answer for all."""
    DEVICE_REQUIRED = "device_required"
    """Policy demands a machine of the inventory, or more of it than this one is."""
    BINDING_REQUIRED = "binding_required"
    """Its person has to type what they know from elsewhere (M17), and the request brought none, or they did not yet."""
    NUMBER_REQUIRED = "number_required"
    """The requester cannot take the number that registration or policy demand (R12)."""
    BAD_REDIRECT = "bad_redirect"
    """The redirect URI is not one that the application registered: told on a page, never by redirect."""
    UNSUPPORTED_RESPONSE = "unsupported_response"
    INTERACTION = "interaction"
    """A person must be shown something, and `prompt=none` forbids it."""
    # policy
    BLOCKED = "blocked"
    """Conditional access says no."""
    EXEMPTION_ENDED = "exemption_ended"
    ELSEWHERE = "elsewhere"
    """Used from a network that the exemption is not open for."""
    DEVICE_ENDED = "device_ended"
    """It began on a machine of the inventory that was revoked or has lapsed since."""
    NOT_ELIGIBLE = "not_eligible"
    """Nobody made this person eligible to ask for an exemption."""
    KILLED = "killed"
    """An administrator turned the kill switch: no device sign-in goes on."""
    MFA_REQUIRED = "mfa_required"
    MFA_STALE = "mfa_stale"
    PROOF_TOO_OLD = "proof_too_old"
    """At a refresh: the person has to sign in again, as a policy's sign-in frequency says."""
    # the sign-in
    PENDING = "pending"
    SLOW_DOWN = "slow_down"
    NUMBER_AWAITED = "number_awaited"
    """Consented, and the number is missing: as pending, but the requester has something to do (R12)."""
    EXEMPTION_AWAITED = "exemption_awaited"
    """Consented, and the exemption that was asked for is not granted yet: as pending (R5)."""
    EXEMPTION_REFUSED = "exemption_refused"
    """It was denied or withdrawn, lapsed, or ended with its person's right to ask."""
    WRONG_NUMBER = "wrong_number"
    WRONG_BINDING = "wrong_binding"
    DENIED = "denied"
    REPORTED = "reported"
    CODE_EXPIRED = "code_expired"
    BAD_CODE = "bad_code"
    """Unknown, used, of another client: one answer for all, so that nothing is confirmed."""
    DRILL = "drill"
    """It was a drill: nobody was signed in, whatever was decided (M13)."""
    CLAIMED_BY_ANOTHER = "claimed_by_another"
    SAME_DEVICE = "same_device"
    """Approved where it was made, and the registration refuses that."""
    NOT_THE_NAMED_PERSON = "not_the_named_person"
    WRONG_STATE = "wrong_state"
    BUSY_SOURCE = "busy_source"
    """Too many open codes or attempts from one source (R10, R21)."""
    CODE_ENTRY_LOCKED = "code_entry_locked"
    TOO_MANY_PROMPTS = "too_many_prompts"
    """This person took up, or turned down, many sign-ins lately (R10)."""
    # the person
    BAD_CREDENTIALS = "bad_credentials"
    SIGN_IN_LOCKED = "sign_in_locked"
    ACCOUNT_DISABLED = "account_disabled"
    NOT_ASSIGNED = "not_assigned"
    UPSTREAM = "upstream"
    """The provider that somebody was sent to does not vouch for them, or not in a way that counts."""
    UNLINKED = "unlinked"
    """It vouches for somebody who is nobody here."""
    NOT_SIGNED_IN = "not_signed_in"
    SESSION_ENDED = "session_ended"
    # tokens
    BAD_TOKEN = "bad_token"
    TOKEN_REUSED = "token_reused"
    TOKEN_EXPIRED = "token_expired"
    REACH = "reach"
    BAD_VERIFIER = "bad_verifier"
    SUBJECT_TOKEN = "subject_token"
    """The token that a workload wants to exchange does not count (RFC 8693 §2.2.2)."""
    # keys (R12, RFC 9449)
    DPOP_INVALID = "dpop_invalid"
    DPOP_NONCE = "dpop_nonce"
    """The proof lacks a nonce of ours that counts; the answer brings one."""
    DPOP_REQUIRED = "dpop_required"
    CERTIFICATE_REQUIRED = "certificate_required"
    CERTIFICATE_UNFIT = "certificate_unfit"
    """A TLS client's certificate that cannot count: run out, not for clients, a weak key (RFC 8705)."""
    WRONG_KEY = "wrong_key"
    """Bound to a key, and asked for with another, or without."""
    # administration
    FORBIDDEN = "forbidden"
    ORIGIN_FORBIDDEN = "origin_forbidden"
    """A session that began with a device code may not do this (R3)."""
    STEP_UP = "step_up"
    """A browser session with MFA not older than five minutes is needed (R3, RFC 9470)."""
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    PRECONDITION_FAILED = "precondition_failed"
    """It is another by now than the one that was looked at."""
    INVALID_VALUE = "invalid_value"
    REASON_REQUIRED = "reason_required"
    LAST_ADMINISTRATOR = "last_administrator"
    SPENT = "spent"
    """A one-time code or link that was used, ran out or never existed."""
    # us
    UNAVAILABLE = "unavailable"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Refused:
    """No, with its reason; `detail` and `rules` may be shown to the person."""

    reason: Reason
    detail: str = ""
    """
    One public sentence or name that the table's sentence lacks (a parameter, a scope); never a secret, never raw
    input over 100 characters.
    """
    rules: tuple[str, ...] = ()
    """Names of the conditional access policies that decided."""
    unsaid: tuple[str, ...] = ()
    """
    Names of those that really decided, where whoever asks must not be told: the journal has them instead of `rules`.
    """
    field: str = ""
    """JSON path or form field that is wrong, for Graph and pages."""
    reference: str = ""
    """Id of the journal story that tells more; empty means the visit's own."""
    told: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    """More for a client, under names of ours (``ostiary_…``): JSON values, public as `detail` is."""
    wait: Span = Span(0)
    """After how long the same may be tried again, where that is known: `Retry-After` (RFC 9110 §10.2.3)."""
