"""
The one table: reason -> OAuth error, Entra's number, public sentence, next step (R9).

Owns what a refusal says to a client and to the person behind it, and with which status. Knows no HTTP beyond the
status number; the bytes are made in `web/oauth/answers.py`, the explaining page reads the same table. `docs/errors.md`
is made from it. A sentence is public: it never tells what an attacker could use (whether a code, an account or a
client exists).
"""

from ostiary.core.tokens.wire_words import Endpoint, Wire
from ostiary.core.words.outcome import Reason

__all__ = ["TABLE", "Endpoint", "Wire", "by_number", "wire"]


_AGAIN = "Start the sign-in again."
_ASK_ADMINISTRATOR = "Ask an administrator; quote the reference."
_FIX_CLIENT = "Correct the request or the client's configuration."
_EXEMPTION = "Ask for an exemption, or sign in with a browser on a managed device; quote the reference."
_ENROL = "Enrol this machine (`ostiary device enroll`) and have an administrator admit it"
_BROWSER = "Sign in with a browser and try again."
_CERTIFICATE = "Send the request over TLS with the certificate, to the address for certificates."
_RENEW = "Use a current certificate that is meant for clients."
_WAIT = "Wait a little and try again."
_WAIT_LONGER = "Wait fifteen minutes and try again."

# One sentence for everything that ends a code by a person's word: who holds the device code may be the attacker and
# learns no more.
_TURNED_DOWN = Wire(
    "access_denied", 65004, "The sign-in was turned down.", _AGAIN, entra="authorization_declined", device_status=403
)
_MACHINE_WANTED = Wire(
    "access_denied", 50097, "Policy asks for a machine that the organisation knows and trusts more than this one.",
    f"{_ENROL}, or use one that is admitted.", device_status=403,
)  # fmt: skip
_MACHINE_ENDED = Wire(
    "invalid_grant", 50155, "The machine that this sign-in began on is not trusted any more.",
    f"{_ENROL}; quote the reference.", device="access_denied", device_status=403,
)  # fmt: skip
_ADMIN_API = "Sign in with a browser as somebody who may do this."

TABLE: dict[Reason, Wire] = {
    # the request itself
    Reason.INVALID_REQUEST: Wire("invalid_request", 9002313, "The request is malformed.", _FIX_CLIENT),
    Reason.UNKNOWN_TENANT: Wire(
        "invalid_request", 90002, "There is no organisation of that name here.", "Check the tenant in the address."
    ),
    Reason.UNSUPPORTED_GRANT: Wire("unsupported_grant_type", 70003, "This grant type is not supported.", _FIX_CLIENT),
    Reason.UNSUPPORTED_RESPONSE: Wire(
        "unsupported_response_type", 70005, "Only the response type `code` is supported.", _FIX_CLIENT
    ),
    Reason.INVALID_SCOPE: Wire("invalid_scope", 70011, "A requested scope is not valid.", _FIX_CLIENT),
    Reason.UNKNOWN_RESOURCE: Wire(
        "invalid_scope",
        500011,
        "A requested scope names a resource that is not known here.",
        _FIX_CLIENT,
        entra="invalid_resource",
    ),
    Reason.PRIVILEGED_SCOPE: Wire(
        "invalid_scope", 70011, "Administrative scopes cannot be had with a device code.", _BROWSER
    ),
    # the client
    Reason.UNKNOWN_CLIENT: Wire(
        "invalid_client",
        700016,
        "No application of that id is known here.",
        "Check the client id.",
        front="unauthorized_client",
        entra="unauthorized_client",
    ),
    Reason.CLIENT_DISABLED: Wire(
        "unauthorized_client", 7000112, "This application is switched off.", _ASK_ADMINISTRATOR, device_status=403
    ),
    Reason.CLIENT_AUTHENTICATION: Wire(
        "invalid_client",
        7000215,
        "The application did not prove who it is.",
        "Check the client id and its secret, key or certificate.",
        status=401,
        device_status=401,
    ),
    Reason.PUBLIC_CLIENT_SECRET: Wire(
        "invalid_client",
        700025,
        "A public application must not send a secret.",
        "Remove the secret.",
        status=401,
        device_status=401,
    ),
    Reason.DEVICE_FLOW_OFF: Wire(
        "unauthorized_client",
        7000218,
        "Device codes are not allowed for this application.",
        _ASK_ADMINISTRATOR,
        device_status=403,
    ),
    Reason.ASSESSMENT_OVERDUE: Wire(
        "unauthorized_client",
        7000218,
        "Device codes are closed for this application until its risk assessment is reviewed.",
        "Ask an administrator to review it (`ostiary app assess`); quote the reference.",
        device_status=403,
    ),
    Reason.NO_CONSENT: Wire(
        "invalid_grant",
        65001,
        "No administrator has consented to what this application asks for.",
        _ASK_ADMINISTRATOR,
        "consent_required",
        device="access_denied",
        front="consent_required",
        device_status=403,
    ),
    Reason.PKCE_REQUIRED: Wire(
        "invalid_request", 50147, "A code challenge with the method S256 is required.", _FIX_CLIENT
    ),
    Reason.TICKET_REQUIRED: Wire(
        "access_denied",
        50147,
        "This sign-in starts with a ticket that the person takes in a browser first.",
        "Take one at `/ticket` on this service, then: `ostiary login --device-code --ticket`.",
        device_status=403,
    ),
    Reason.BAD_TICKET: Wire(
        "access_denied",
        54005,
        "The start ticket is not valid: it is wrong, was used, has run out, or is for another application.",
        "Take another one at `/ticket` on this service.",
        device_status=403,
    ),
    Reason.BINDING_REQUIRED: Wire(
        "access_denied",
        50147,
        "This sign-in is bound to something that its person knows, and the request does not say it.",
        "Use a client that does, such as `ostiary login --device-code --reference TICKET`.",
        device_status=403,
    ),
    Reason.NUMBER_REQUIRED: Wire(
        "unauthorized_client",
        50147,
        "This sign-in is confirmed by a number that the person types on the machine, and this client takes none.",
        "Sign in with a client that can, such as `ostiary login` on a terminal, or with a browser.",
        device_status=403,
    ),
    Reason.BAD_REDIRECT: Wire(
        "invalid_request", 50011, "The address to return to is not registered for this application.", _ASK_ADMINISTRATOR
    ),
    Reason.INTERACTION: Wire(
        "interaction_required",
        16000,
        "The person must confirm this sign-in on a page.",
        "Ask again without `prompt=none`.",
    ),
    # policy
    Reason.BLOCKED: Wire(
        "invalid_grant",
        53003,
        "Blocked by a conditional access policy.",
        _EXEMPTION,
        "message_only",
        device="access_denied",
        front="access_denied",
        device_status=403,
    ),
    Reason.DEVICE_REQUIRED: _MACHINE_WANTED,
    Reason.DEVICE_ENDED: _MACHINE_ENDED,
    Reason.EXEMPTION_ENDED: Wire(
        "invalid_grant",
        53003,
        "The exemption for this sign-in has ended.",
        _EXEMPTION,
        "message_only",
        device="access_denied",
        front="access_denied",
        device_status=403,
    ),
    Reason.ELSEWHERE: Wire(
        "invalid_grant",
        53003,
        "The exemption for this sign-in is not open for the network that it is used from.",
        _EXEMPTION,
        "message_only",
        device="access_denied",
        front="access_denied",
        device_status=403,
    ),
    Reason.NOT_ELIGIBLE: Wire("access_denied", 53003, "Not eligible to ask.", _ASK_ADMINISTRATOR, device_status=403),
    Reason.KILLED: Wire(
        "access_denied",
        530035,
        "An administrator has stopped device sign-ins.",
        "Sign in with a browser, or start again when an administrator says that device sign-ins are allowed again.",
        "message_only",
        device_status=403,
    ),
    Reason.MFA_REQUIRED: Wire(
        "invalid_grant",
        50076,
        "A second factor is required.",
        _BROWSER,
        "basic_action",
        front="interaction_required",
        entra="interaction_required",
        device_status=403,
    ),
    Reason.PROOF_TOO_OLD: Wire(  # "basic_action": for MSAL this asks the person, where "token_expired" is an error
        "invalid_grant", 70043, "The person has not signed in for longer than a policy allows.", _AGAIN, "basic_action"
    ),
    Reason.MFA_STALE: Wire(
        "invalid_grant",
        50078,
        "The second factor was given too long ago.",
        _BROWSER,
        "basic_action",
        front="interaction_required",
        entra="interaction_required",
        device_status=403,
    ),
    # the sign-in
    Reason.PENDING: Wire(
        "authorization_pending", 70016, "The person has not decided yet.", "Ask again after the interval."
    ),
    Reason.SAME_DEVICE: Wire(
        "access_denied",
        53003,
        "The code was made at your own address, and this application does not take codes there.",
        "Sign in with the browser of that machine: `ostiary login --browser`, or what the application offers.",
        "message_only",
        device_status=403,
    ),
    Reason.NUMBER_AWAITED: Wire(
        "authorization_pending",
        70016,
        "The person has said yes; the number that they see is missing.",
        "Ask for it on the machine and send it to the confirmation endpoint.",
    ),
    Reason.EXEMPTION_AWAITED: Wire(
        "authorization_pending",
        70016,
        "The person has said yes; the exemption that they asked for is not granted yet.",
        "Ask again after the interval, until `ostiary_expires_in` has passed.",
    ),
    Reason.EXEMPTION_REFUSED: Wire(
        "access_denied",
        53003,
        "The exemption that was asked for with this sign-in is not given.",
        _AGAIN,
        "message_only",
        device_status=403,
    ),
    **dict.fromkeys((Reason.WRONG_NUMBER, Reason.WRONG_BINDING, Reason.DENIED, Reason.REPORTED), _TURNED_DOWN),
    **dict.fromkeys((Reason.CLAIMED_BY_ANOTHER, Reason.NOT_THE_NAMED_PERSON), _TURNED_DOWN),
    Reason.SLOW_DOWN: Wire(
        "slow_down", 70016, "Asked too often.", "Wait five seconds longer between two questions from now on."
    ),
    Reason.CODE_EXPIRED: Wire("expired_token", 70019, "The code has expired.", _AGAIN),
    Reason.BAD_CODE: Wire("invalid_grant", 70018, "The code is not valid.", _AGAIN, entra="bad_verification_code"),
    Reason.WRONG_STATE: Wire("invalid_grant", 70000, "This sign-in is not at a point where that can be done.", _AGAIN),
    Reason.BUSY_SOURCE: Wire(
        "temporarily_unavailable", 50196, "Too many open requests from this place.", _WAIT, device_status=403
    ),
    Reason.CODE_ENTRY_LOCKED: Wire("access_denied", 50053, "Too many wrong codes were entered.", _WAIT_LONGER),
    Reason.TOO_MANY_PROMPTS: Wire("access_denied", 50053, "Too many sign-ins were taken up.", _WAIT_LONGER),
    # the person
    Reason.BAD_CREDENTIALS: Wire(
        "invalid_grant", 50126, "User name, password or code is wrong.", "Try again.", front="login_required"
    ),
    Reason.SIGN_IN_LOCKED: Wire("invalid_grant", 50053, "Too many failed attempts.", _WAIT, front="login_required"),
    Reason.ACCOUNT_DISABLED: Wire(
        "invalid_grant", 50057, "The account is disabled.", _ASK_ADMINISTRATOR, front="access_denied", device_status=403
    ),
    Reason.NOT_ASSIGNED: Wire(
        "invalid_grant",
        50105,
        "The person is not assigned to this application.",
        _ASK_ADMINISTRATOR,
        front="access_denied",
        device_status=403,
    ),
    Reason.NOT_SIGNED_IN: Wire("login_required", 50058, "Nobody is signed in.", "Sign in."),
    Reason.SESSION_ENDED: Wire(
        "invalid_grant", 50132, "The session has ended.", "Sign in again.", "bad_token", front="login_required"
    ),
    # tokens
    Reason.BAD_TOKEN: Wire("invalid_grant", 70000, "The token is not valid.", "Sign in again.", "bad_token"),
    Reason.TOKEN_REUSED: Wire(
        "invalid_grant",
        50173,
        "The token was used before, so all that belong to it were ended.",
        "Sign in again.",
        "bad_token",
    ),
    Reason.TOKEN_EXPIRED: Wire("invalid_grant", 70008, "The token has expired.", "Sign in again.", "token_expired"),
    Reason.DRILL: Wire(
        "access_denied", 65004, "This was a drill: nobody was signed in.", "Nothing needs to be done.", "message_only"
    ),
    Reason.SUBJECT_TOKEN: Wire(
        "invalid_request", 700213, "The token of the workload does not count.", "Compare it with `ostiary app trusts`."
    ),
    Reason.REACH: Wire(
        "invalid_grant",
        65001,
        "This session does not reach that resource or scope.",
        "Sign in again and ask for it.",
        "consent_required",
    ),
    Reason.BAD_VERIFIER: Wire("invalid_grant", 501481, "The code verifier does not fit the code challenge.", _AGAIN),
    # keys
    Reason.DPOP_INVALID: Wire("invalid_dpop_proof", 9002313, "The DPoP proof is not valid.", _FIX_CLIENT),
    Reason.DPOP_NONCE: Wire(
        "use_dpop_nonce", 9002313, "The DPoP proof needs the nonce of this answer.", "Send a proof with it."
    ),
    Reason.DPOP_REQUIRED: Wire(
        "invalid_dpop_proof", 9002313, "This application has to prove a key (DPoP).", _FIX_CLIENT
    ),
    Reason.CERTIFICATE_REQUIRED: Wire(
        "invalid_request", 9002313, "This application has to come with a TLS client certificate.", _CERTIFICATE
    ),
    Reason.CERTIFICATE_UNFIT: Wire("invalid_request", 9002313, "The TLS client certificate does not count.", _RENEW),
    Reason.WRONG_KEY: Wire("invalid_grant", 70000, "This is bound to another key.", _AGAIN, "bad_token"),
    # administration
    Reason.FORBIDDEN: Wire("access_denied", 50105, "This is not allowed.", _ADMIN_API),
    Reason.ORIGIN_FORBIDDEN: Wire(
        "access_denied", 53003, "A session that began with a device code may not do this.", _ADMIN_API, "message_only"
    ),
    Reason.STEP_UP: Wire(
        "interaction_required",
        50078,
        "This needs a second factor given within the last five minutes.",
        _BROWSER,
        "basic_action",
    ),
    Reason.NOT_FOUND: Wire("invalid_request", 9002313, "There is nothing of that name.", _FIX_CLIENT),
    Reason.CONFLICT: Wire(
        "invalid_request", 9002313, "Somebody else changed it first.", "Read it again and decide anew."
    ),
    Reason.PRECONDITION_FAILED: Wire(
        "invalid_request",
        9002313,
        "Somebody changed it since you looked at it.",
        "Look at what it says now, and decide anew.",
    ),
    Reason.INVALID_VALUE: Wire("invalid_request", 9002313, "A value is not one that is allowed here.", _FIX_CLIENT),
    Reason.REASON_REQUIRED: Wire("invalid_request", 9002313, "A reason is required.", "Say why."),
    Reason.LAST_ADMINISTRATOR: Wire(
        "invalid_request", 9002313, "The last administrator must stay.", "Make somebody else an administrator first."
    ),
    Reason.UPSTREAM: Wire("access_denied", 40008, "The organisation's sign-in does not vouch for you.", _AGAIN),
    Reason.UNLINKED: Wire("access_denied", 50020, "No account here belongs to who you are there.", _ASK_ADMINISTRATOR),
    Reason.SPENT: Wire("invalid_grant", 54005, "The code was used already or has run out.", _AGAIN),
    # us
    Reason.UNAVAILABLE: Wire(
        "temporarily_unavailable", 90006, "The service cannot do this at the moment.", _WAIT, device_status=503
    ),
    Reason.FAULT: Wire(
        "server_error",
        50000,
        "Something went wrong on our side.",
        "Try again; if it stays, quote the reference to an administrator.",
        device_status=503,
    ),
}


def wire(reason: Reason) -> Wire:
    """What *reason* says outside."""
    return TABLE[reason]


def by_number(aadsts: int) -> tuple[Wire, ...]:
    """Every entry with this number, for the explaining page; none for a number that we never give."""
    return tuple(dict.fromkeys(entry for entry in TABLE.values() if entry.aadsts == aadsts))
