"""
Whom one policy would have kept out: over the device sign-ins of the last day, week or month.
"""

from starlette.responses import Response

from ostiary.core.access.decision import Result
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.access.impact import Impact, impact
from ostiary.web.pages.console.frame import console_page, missing, show
from ostiary.web.pages.console.lists import Tag
from ostiary.web.pages.console.policies import HERE, NO_POLICY, policy_path
from ostiary.web.pages.console.policy_words import RESULTS
from ostiary.web.pages.page import Guest
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES", "kept_results"]

DAYS = {"1": marked("One day"), "7": marked("A week"), "30": marked("30 days")}


def kept_results(found: Impact) -> list[tuple[Tag, int]]:
    """What the log says that the policy came to, and how often."""
    return [(RESULTS[Result(result)], count) for result, count in sorted(found.kept.items())]


async def _show(guest: Guest) -> Response:
    asked = guest.query.get("days", "7")
    id = guest.path("policy")[:64]
    if asked not in DAYS:
        found: Impact | Refused = Refused(Reason.INVALID_VALUE, "That cannot be chosen.", field="days")
    else:
        found = await impact(guest.house, guest.visit, id, int(asked), device=True)
    if isinstance(found, Refused) and found.reason is Reason.NOT_FOUND:
        return missing(guest, HERE, NO_POLICY)
    refused, told = (found, None) if isinstance(found, Refused) else (None, found)
    return show(
        guest, "policy_impact.html", HERE, refused=refused, found=told, kept=kept_results(told) if told else (),
        path=policy_path(id), lengths=DAYS, asked=asked,
    )  # fmt: skip


ROUTES = (console_page(HERE, path=HERE.path + "/{policy}/impact", get=_show),)
