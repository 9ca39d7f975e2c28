"""
How an open sign-in ends by a word at the page, or as one that is in doubt or not its person's: a step of each deed that
says so.

INVARIANT: what was asked for with a sign-in goes with it (R5, R11), whoever ends it and in whichever open state.
"""

from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.sign_ins import take_back
from ostiary.store import Tx, signins

__all__ = ["close"]


async def close(
    tx: Tx, visit: Visit, signin: SignIn, state: State, cause: EndCause, *, at_page: bool = True
) -> bool:  # fmt: skip
    """
    Step: *signin* is *state* (denied or reported) from now on, by who is at the page, else beside who decided there
    before; its request is taken back, or the exemption that it gave ends, of *cause*. False when it was open no more;
    then nothing changed. Raises Stale when the request moved meanwhile.
    """
    who = (visit.address, visit.agent) if at_page else (signin.approver_address or "", signin.approver_agent or "")
    if not await signins.close(tx, signin, state, address=who[0], agent=who[1], now=visit.now):
        return False
    await take_back(tx, visit, signin, cause)
    return True
