"""
`ostiary app trust…`: whose tokens an application's workloads exchange for ours (RFC 8693), so that a pipeline needs no
secret and no person.
"""

from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import application, path, with_reason
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Verb
from ostiary.client.errors import Misused

__all__ = ["VERBS"]

CREDENTIALS = "federatedIdentityCredentials"
GITHUB, GITLAB = "https://token.actions.githubusercontent.com", "https://gitlab.com"

COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("name")),
    ("Issuer", lambda r: r.get("issuer")),
    ("Subject", lambda r: r.get("subject")),
    ("Claims", lambda r: [f"{c['name']}={c['value']}" for c in r["ostiary"]["claims"]]),
    ("Gives", lambda r: r["ostiary"]["permissions"]),
)

Name = Annotated[str, typer.Argument(metavar="APP", help="The application: client id or name.")]
Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]


def trusts(errand: Errand, name: Name) -> None:
    """List whose tokens an application's workloads exchange."""
    with errand.graph() as graph:
        found = application(graph, name)
        errand.screen.rows(graph.items(path("/applications", str(found["id"]), CREDENTIALS)), COLUMNS)


def trust(
    errand: Errand,
    name: Name,
    *,
    called: Annotated[str, typer.Option("--name", help="What the trust is called.")],
    permission: Annotated[
        list[str], typer.Option("--permission", metavar="RESOURCE/SCOPE", help="What it gives; may be given again.")
    ],
    issuer: Annotated[str, typer.Option("--issuer", help="Who signs the tokens: its https address.")] = "",
    subject: Annotated[str, typer.Option("--subject", help="`sub` of the tokens; `*` for the end of it.")] = "",
    github: Annotated[
        str, typer.Option("--github", metavar="OWNER/REPO", help="GitHub Actions, instead of both.")
    ] = "",
    gitlab: Annotated[str, typer.Option("--gitlab", metavar="GROUP/PROJECT", help="GitLab.com, instead of both.")] = "",
    environment: Annotated[str, typer.Option("--environment", help="Of GitHub: only jobs of this one.")] = "",
    branch: Annotated[str, typer.Option("--branch", help="Only jobs of this branch.")] = "",
    audience: Annotated[str, typer.Option("--audience", help="`aud` of the tokens, instead of this server's.")] = "",
    claim: Annotated[
        list[str] | None, typer.Option("--claim", metavar="NAME=VALUE", help="Another claim; may be given again.")
    ] = None,
    reusable: Annotated[bool, typer.Option("--reusable", help="A token may come again, from one place.")] = False,
    reason: Reason = "",
) -> None:
    """Trust an issuer and a subject to speak for an application's workloads."""
    who, what = _whose(issuer, subject, github, gitlab, environment, branch)
    ours: dict[str, Any] = {"permissions": permission, "claims": [_claim(one) for one in claim or ()]}
    body: dict[str, Any] = {"name": called, "issuer": who, "subject": what, "ostiary": ours | {"reusable": reusable}}
    if audience:
        body["audiences"] = [audience]
    with errand.graph() as graph:
        found = application(graph, name)
        made = graph.post(path("/applications", str(found["id"]), CREDENTIALS), with_reason(body, reason))
    errand.screen.say(f"{found.get('displayName')} trusts {what} of {who}.", "green")
    errand.screen.say(f"Its jobs ask for a token with the audience {made['audiences'][0]}:")
    errand.screen.say(f"  ostiary token --workload --client {found.get('appId')}")
    errand.screen.event("trusted", client=found.get("appId"), trust=dict(made))


def distrust(
    errand: Errand,
    name: Name,
    called: Annotated[str, typer.Argument(metavar="TRUST", help="The trust: its name or id.")],
    *,
    reason: Reason = "",
) -> None:
    """Take a trust away; what it gave is over at once."""
    with errand.graph() as graph:
        found = application(graph, name)
        graph.delete(path(path("/applications", str(found["id"]), CREDENTIALS), called), reason)
    errand.screen.say(f"{found.get('displayName')} does not trust {called} any more.", "green")


def _whose(issuer: str, subject: str, github: str, gitlab: str, environment: str, branch: str) -> tuple[str, str]:
    """Issuer and subject: as they were given, or as a forge writes them."""
    ways = [bool(issuer or subject), bool(github), bool(gitlab)]
    if sum(ways) != 1 or bool(issuer) != bool(subject):
        raise Misused("name --issuer and --subject, or --github, or --gitlab")
    if issuer:
        if environment or branch:
            raise Misused("--environment and --branch go with --github or --gitlab; write them into --subject")
        return issuer, subject
    if bool(environment) == bool(branch) or (gitlab and environment):
        raise Misused("name --branch, or of GitHub --environment: every job of a repository is too many")
    if gitlab:
        return GITLAB, f"project_path:{gitlab}:ref_type:branch:ref:{branch}"
    return GITHUB, f"repo:{github}:" + (f"environment:{environment}" if environment else f"ref:refs/heads/{branch}")


def _claim(text: str) -> dict[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        raise Misused(f"--claim {text[:60]}: NAME=VALUE is needed")
    return {"name": name, "value": value}


VERBS: tuple[Verb, ...] = (("trusts", trusts, ADMIN), ("trust", trust, ADMIN), ("distrust", distrust, ADMIN))
