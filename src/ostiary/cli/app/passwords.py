"""
`ostiary app …secret`: what a confidential application proves itself with. A secret is shown once, when it is made.
"""

from typing import Annotated, Any

import typer

from ostiary.cli.durations import seconds_of
from ostiary.cli.errand import Errand
from ostiary.cli.lookup import application, path
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Verb
from ostiary.core.words.instants import from_seconds, to_iso

__all__ = ["VERBS"]

Name = Annotated[str, typer.Argument(metavar="APP", help="The application: client id or name.")]

COLUMNS: tuple[Column, ...] = (
    ("ID", lambda r: r.get("keyId")),
    ("Name", lambda r: r.get("displayName")),
    ("Begins", lambda r: r.get("hint")),
    ("Created", lambda r: r.get("startDateTime")),
    ("Ends", lambda r: r.get("endDateTime")),
)


def secrets(errand: Errand, name: Name) -> None:
    """List an application's secrets: names, ends and first characters."""
    with errand.graph() as graph:
        errand.screen.rows(application(graph, name).get("passwordCredentials") or (), COLUMNS)


def add_secret(
    errand: Errand,
    name: Name,
    *,
    label: Annotated[str, typer.Option("--name", help="What it is for.")] = "",
    for_: Annotated[str, typer.Option("--for", help="How long it is good (90d, P90D); 180 days when left out.")] = "",
) -> None:
    """Make a secret and print it, this once."""
    asked: dict[str, Any] = {"displayName": label} if label else {}
    if for_:
        asked["endDateTime"] = to_iso(from_seconds(errand.machine.wall() + seconds_of(for_, "--for")))
    with errand.graph() as graph:
        found = application(graph, name)
        made = graph.post(path("/applications", str(found["id"]), "addPassword"), {"passwordCredential": asked})
    if errand.given.json:
        errand.screen.event("secret", **made)
        return
    errand.screen.say(f"A secret of {name}, good until {made.get('endDateTime')}. It is shown this once:")
    errand.screen.data(str(made.get("secretText")))


def remove_secret(
    errand: Errand,
    name: Name,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The secret's id, from the list.")],
) -> None:
    """Take a secret away; it counts no more at once."""
    with errand.graph() as graph:
        found = application(graph, name)
        graph.post(path("/applications", str(found["id"]), "removePassword"), {"keyId": id_})
    errand.screen.say(f"The secret {id_} of {name} is gone.", "green")


VERBS: tuple[Verb, ...] = (
    ("secrets", secrets, ADMIN),
    ("add-secret", add_secret, ADMIN),
    ("remove-secret", remove_secret, ADMIN),
)
