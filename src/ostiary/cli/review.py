"""
`ostiary review`: access reviews. Is it still right that each of these people is eligible?
"""

from typing import Annotated

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.exemption_rows import narrowed, person
from ostiary.cli.lookup import path
from ostiary.cli.output import Column
from ostiary.cli.verb import COMMON, Noun
from ostiary.client.errors import Misused

__all__ = ["REVIEW"]

BASE = "/identityGovernance/accessReviews/definitions"
Id = Annotated[str, typer.Argument(metavar="REVIEW", help="The review's id.")]
Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]

REVIEWS: tuple[Column, ...] = (
    ("ID", lambda r: r.get("id")),
    ("Name", lambda r: r.get("displayName")),
    ("Status", lambda r: r.get("status")),
    ("Begun", lambda r: r.get("createdDateTime")),
    ("Days", lambda r: (r.get("settings") or {}).get("instanceDurationInDays")),
)
ANSWERS: tuple[Column, ...] = (
    ("ID", lambda r: r.get("id")),
    ("Person", person),
    ("Answer", lambda r: r.get("decision")),
    ("Evidence speaks for", lambda r: r.get("recommendation")),
    ("Last used", lambda r: narrowed(r, "lastUsedDateTime") or "never"),
    ("Eligible since", lambda r: narrowed(r, "eligibleSince")),
    ("Reason", lambda r: r.get("justification")),
)


def start(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    *,
    reason: Reason,
    days: Annotated[int, typer.Option("--days", help="How long answers are taken.", min=1, max=90)] = 14,
) -> None:
    """Start a review of everybody who is eligible now."""
    body = {"displayName": name, "descriptionForAdmins": reason, "settings": {"instanceDurationInDays": days}}
    with errand.graph() as graph:
        errand.screen.record(graph.post(BASE, body), REVIEWS)


def list_(errand: Errand) -> None:
    """List reviews."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(BASE), REVIEWS)


def show(errand: Errand, id_: Id) -> None:
    """Show what a review asks, with the evidence and the answers."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(path(BASE, id_, "instances", id_, "decisions")), ANSWERS)


def decide(
    errand: Errand,
    id_: Id,
    name: Annotated[str, typer.Argument(metavar="PERSON", help="The person's address, or the question's id.")],
    answer: Annotated[str, typer.Argument(metavar="ANSWER", help="keep or end.")],
    *,
    reason: Reason,
) -> None:
    """Say whether one person stays eligible; `end` takes effect at once."""
    decision = {"keep": "Approve", "end": "Deny"}.get(answer)
    if decision is None:
        raise Misused("the answer is keep or end")
    answers = path(BASE, id_, "instances", id_, "decisions")
    with errand.graph() as graph:
        found = [each for each in graph.items(answers) if name.lower() in (each.get("id"), person(each))]
        if len(found) != 1:
            raise Misused(f"the review does not ask about {name[:80]!r}", next_step=f"ostiary review show {id_}")
        graph.patch(f"{answers}/{found[0]['id']}", {"decision": decision, "justification": reason})
    errand.screen.say(f"{name}: {'stays eligible' if answer == 'keep' else 'is not eligible any more'}.", "green")


def stop(errand: Errand, id_: Id) -> None:
    """Take no more answers."""
    with errand.graph() as graph:
        graph.post(path(BASE, id_, "instances", id_, "stop"))
    errand.screen.say("Stopped.", "green")


REVIEW: Noun = (
    "review",
    "Access reviews of who is eligible.",
    (
        ("start", start, COMMON),
        ("list", list_, COMMON),
        ("show", show, COMMON),
        ("decide", decide, COMMON),
        ("stop", stop, COMMON),
    ),
)
