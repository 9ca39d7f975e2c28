"""
How often a person can be led to the approval page (R10; RFC 10027 §6.1, M11): whoever asks often enough gets one yes
out of weariness.

Owns the counters and what is said while one holds. Only sign-ins that the person took up count, never those that
somebody else started in their name, and one that began with their own start ticket is free: they began it themselves.
"""

from ostiary.core.signins.limits import Limits, denials, everybodys_denials, prompts
from ostiary.core.signins.signin import SignIn
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.directory import throttle
from ostiary.services.logs.alerts import alert
from ostiary.store import Tx

__all__ = ["prompted", "turned_down", "worn_out"]

_WAY = said("No code is taken from you for 15 minutes. Your own machine cannot wait? Take a start ticket at /ticket.")
TOO_MANY = Refused(
    Reason.TOO_MANY_PROMPTS, said("You took up many sign-ins within an hour. %(way)s", way=_WAY), field="user_code"
)
TOO_MANY_DENIED = Refused(
    Reason.TOO_MANY_PROMPTS,
    said("You turned down several sign-ins within an hour: somebody may be wearing you out. %(way)s", way=_WAY),
    field="user_code",
)


async def worn_out(tx: Tx, visit: Visit, user: UserId, signin: SignIn) -> Refused | None:
    """Step: why *user* is not led to another approval now, or None."""
    if _began(signin, user):
        return None
    for subject, refused in ((_denied(user), TOO_MANY_DENIED), (_prompted(user), TOO_MANY)):
        if await throttle.locked(tx, subject, visit.now) is not None:
            return refused
    return None


async def prompted(tx: Tx, visit: Visit, user: UserId, signin: SignIn, limits: Limits) -> None:
    """Step: *user* was led to the approval of *signin*."""
    if _began(signin, user):
        return
    rule = prompts(limits)
    if (await throttle.strike(tx, _prompted(user), rule, now=visit.now)).locked_until is not None:
        text = f"{visit.caller.name} took up {rule.limit} sign-ins within an hour; no more for 15 minutes."
        await alert(tx, visit, about="many sign-ins of one person", target=f"user:{user}", text=text)


async def turned_down(tx: Tx, visit: Visit, user: UserId, signin: SignIn, limits: Limits) -> None:
    """Step: *user* denied or reported *signin*, or did not know what it is bound to."""
    mine, all_ = denials(limits), everybodys_denials(limits)
    one = None if _began(signin, user) else await throttle.strike(tx, _denied(user), mine, now=visit.now)
    if one is not None and one.locked_until is not None:
        text = f"{visit.caller.name} turned down {one.count} sign-ins within an hour, the last one from"
        text += f" {signin.requester_address or 'an unknown address'}; no more for 15 minutes."
        await alert(tx, visit, about="sign-ins turned down", target=f"user:{user}", story=signin.id, text=text)
    if (await throttle.strike(tx, "denied-all", all_, now=visit.now)).count == all_.limit:
        text = f"{all_.limit} sign-ins were turned down within ten minutes, by all people together."
        await alert(tx, visit, about="sign-ins turned down by many", text=text)


def _began(signin: SignIn, user: UserId) -> bool:
    """Whether it began with *user*'s own start ticket (R22)."""
    return signin.declared.ticket and signin.named == user


def _prompted(user: UserId) -> str:
    return f"prompted:{user}"


def _denied(user: UserId) -> str:
    return f"denied:{user}"
