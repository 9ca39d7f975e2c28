"""
`ostiary user`: local accounts. No password ever passes through here: the person sets it behind a link.
"""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from ostiary.cli.durations import seconds_of
from ostiary.cli.errand import Errand
from ostiary.cli.lookup import both, literal, path, user, with_reason
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Noun
from ostiary.client.errors import Misused
from ostiary.client.graph import Graph

__all__ = ["USER"]

Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
Name = Annotated[str, typer.Argument(metavar="USER", help="The person: address or id.")]

COLUMNS: tuple[Column, ...] = (
    ("Address", lambda r: r.get("userPrincipalName")),
    ("Name", lambda r: r.get("displayName")),
    ("Enabled", lambda r: r.get("accountEnabled")),
    ("Roles", lambda r: (r.get("ostiary") or {}).get("roles")),
    ("ID", lambda r: r.get("id")),
)
PASSKEYS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("Kind", lambda r: r.get("passkeyType")),
    ("Added", lambda r: r.get("createdDateTime")),
    ("Last used", lambda r: (r.get("ostiary") or {}).get("lastUsedDateTime")),
    ("Machine", lambda r: _machine(r.get("ostiary") or {})),
    ("ID", lambda r: r.get("id")),
)
DETAILS: tuple[Column, ...] = (
    *COLUMNS,
    ("Mail", lambda r: r.get("mail")),
    ("Created", lambda r: r.get("createdDateTime")),
    ("Sessions from", lambda r: r.get("signInSessionsValidFromDateTime")),
)


def list_(
    errand: Errand,
    *,
    name: Annotated[str, typer.Option("--name", help="Whose name or address begins so.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")] = 200,
) -> None:
    """List accounts."""
    begins = f"(startswith(displayName,{literal(name)}) or startswith(userPrincipalName,{literal(name.lower())}))"
    with errand.graph() as graph:
        errand.screen.rows(graph.items("/users", both(begins if name else ""), most=limit), COLUMNS)


def show(errand: Errand, name: Name) -> None:
    """Show one account."""
    with errand.graph() as graph:
        errand.screen.record(user(graph, name), DETAILS)


def create(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="ADDRESS", help="The address to sign in with.")],
    *,
    display_name: Annotated[str, typer.Option("--name", help="The person's name.")],
    mail: Annotated[str, typer.Option("--mail", help="Where to write to the person.")] = "",
    role: Annotated[
        list[str] | None, typer.Option("--role", help="administrator, approver or auditor; may be given again.")
    ] = None,
    reason: Reason = "",
) -> None:
    """Create an account, and print the link behind which its person sets the password."""
    body: dict[str, Any] = {"userPrincipalName": name, "displayName": display_name, "accountEnabled": True}
    body |= {"mail": mail} if mail else {}
    body |= {"ostiary": {"roles": role}} if role else {}
    with errand.graph() as graph:
        created = graph.post("/users", with_reason(body, reason))
        errand.screen.say(f"Created {created.get('userPrincipalName')}.", "green")
        _link(errand, graph, str(created.get("id") or name))


def disable(errand: Errand, name: Name, *, reason: Reason = "") -> None:
    """Disable an account; every session, token and exemption of its person ends at once."""
    _change(errand, name, {"accountEnabled": False}, reason)
    errand.screen.say(f"Disabled {name}; all of this person's sessions have ended.", "green")


def enable(errand: Errand, name: Name, *, reason: Reason = "") -> None:
    """Enable an account again; what ended stays ended."""
    _change(errand, name, {"accountEnabled": True}, reason)
    errand.screen.say(f"Enabled {name}.", "green")


def roles(
    errand: Errand,
    name: Name,
    role: Annotated[list[str] | None, typer.Argument(metavar="[ROLE]...", help="The roles from now on.")] = None,
    *,
    reason: Reason = "",
) -> None:
    """Set the roles of an account: administrator, approver, auditor, or none."""
    _change(errand, name, {"ostiary": {"roles": role or []}}, reason)
    errand.screen.say(f"Roles of {name}: {', '.join(role or []) or 'none'}.", "green")


def password_link(errand: Errand, name: Name) -> None:
    """Print a link, good for one use, behind which the person sets a new password."""
    with errand.graph() as graph:
        _link(errand, graph, name)


def reset(errand: Errand, name: Name, *, reason: Reason = "") -> None:
    """Remove the second factor of a person, who is told and sets up a new one."""
    with errand.graph() as graph:
        graph.post(path("/users", name, "ostiary.resetMfa"), with_reason({}, reason).get("ostiary", {}))
    errand.screen.say(f"The second factor of {name} is gone; the next sign-in sets up a new one.", "green")


def access_pass(
    errand: Errand,
    name: Name,
    *,
    lifetime: Annotated[str, typer.Option("--lifetime", help="How long it counts: 10m to 8h.")] = "1h",
    many: Annotated[bool, typer.Option("--many", help="It counts until its end, not once.")] = False,
    reason: Reason = "",
) -> None:
    """Print a temporary access pass, with which the person can enrol a passkey and do nothing else."""
    minutes = int(seconds_of(lifetime, "--lifetime") // 60)
    body = {"lifetimeInMinutes": minutes, "isUsableOnce": not many} | with_reason({}, reason).get("ostiary", {})
    with errand.graph() as graph:
        made = graph.post(path("/users", name, "authentication/temporaryAccessPassMethods"), body)
    code, expires = made.get("temporaryAccessPass"), made.get("expires")
    if errand.given.json:
        errand.screen.event("access_pass", code=code, expires=expires, once=not many)
        return
    errand.screen.say(f"Tell this to the person, over a channel you trust; it is good until {expires}.")
    errand.screen.data(str(code))


def passkeys(
    errand: Errand,
    name: Name,
    *,
    remove: Annotated[str, typer.Option("--remove", metavar="ID", help="Take this one away.")] = "",
    part: Annotated[str, typer.Option("--part", metavar="ID", help="It stands for no machine any more.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, for either. The audit log keeps it.")] = "",
) -> None:
    """List the passkeys of a person, take one away (its person is told), or part it from the machine it stands for."""
    if part and remove:
        raise Misused("either --remove or --part")
    methods = ("authentication", "fido2Methods")
    with errand.graph() as graph:
        if part:
            body = with_reason({}, reason).get("ostiary", {})
            graph.post(path("/users", name, *methods, quote(part, safe=""), "ostiary.partFromDevice"), body)
            errand.screen.say(f"That passkey of {name} signs in, and stands for no machine.", "green")
            return
        if not remove:
            errand.screen.rows(graph.items(path("/users", name, *methods)), PASSKEYS)
            return
        graph.delete(path("/users", name, *methods, quote(remove, safe="")), reason)
    errand.screen.say(f"That passkey of {name} signs in no more; `ostiary user sign-out` ends what it opened.", "green")


def _machine(own: dict[str, Any]) -> str | None:
    """The machine whose browser made a passkey, and whether it counts for that."""
    name = own.get("deviceDisplayName") or own.get("deviceId")
    return name if name is None or own.get("isDevice") else f"{name} (does not count)"


def link(
    errand: Errand,
    name: Name,
    *,
    issuer: Annotated[str, typer.Option("--issuer", help="What the provider calls itself.")],
    subject: Annotated[str, typer.Option("--subject", help="What it calls the person (`sub`), never an address.")],
    reason: Reason = "",
) -> None:
    """Say who a person is at an upstream provider; from then on they sign in there."""
    body = {"issuer": issuer, "issuerAssignedId": subject} | with_reason({}, reason).get("ostiary", {})
    with errand.graph() as graph:
        graph.post(path("/users", name, "ostiary.link"), body)
    errand.screen.say(f"{name} is {subject} at {issuer}.", "green")


def unlink(errand: Errand, name: Name, *, reason: Reason = "") -> None:
    """Forget who a person is elsewhere, and end all their sessions."""
    with errand.graph() as graph:
        graph.post(path("/users", name, "ostiary.unlink"), with_reason({}, reason).get("ostiary", {}))
    errand.screen.say(f"{name} is nobody elsewhere any more.", "green")


def sign_out(errand: Errand, name: Name) -> None:
    """End every session of a person."""
    with errand.graph() as graph:
        graph.post(path("/users", name, "revokeSignInSessions"))
    errand.screen.say(f"All sessions of {name} have ended.", "green")


def delete(
    errand: Errand,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Reason = "",
) -> None:
    """Delete an account."""
    errand.confirm(f"Delete the account {name}, for good?", yes=yes)
    with errand.graph() as graph:
        graph.delete(path("/users", name), reason)
    errand.screen.say(f"Deleted {name}.", "green")


def erase(
    errand: Errand,
    name: Name,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, without the person's name: it stays for good.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase what is known of a person whose account is disabled: tables at once, the audit log in minutes."""
    errand.confirm(f"Erase everything that names {name}, in the audit log as well, for good?", yes=yes)
    with errand.graph() as graph:
        graph.post(path("/users", name, "ostiary.erase"), {"reason": reason})
    errand.screen.say("Erased; entries of the audit log follow, and others announce which they were.", "green")


def _change(errand: Errand, name: str, body: dict[str, Any], reason: str) -> None:
    with errand.graph() as graph:
        graph.patch(path("/users", name), with_reason(body, reason))


def _link(errand: Errand, graph: Graph, name: str) -> None:
    """The link is what was asked for, so it goes to stdout; it holds a secret and is shown once."""
    link = graph.post(path("/users", name, "ostiary.passwordLink"))
    if errand.given.json:
        errand.screen.event("password_link", url=link.get("url"), expires=link.get("expires"))
        return
    errand.screen.say(
        f"Give this link to the person, over a channel you trust; it is good until {link.get('expires')}."
    )
    errand.screen.data(str(link.get("url")))


USER: Noun = (
    "user",
    "Accounts.",
    (
        ("list", list_, ADMIN),
        ("show", show, ADMIN),
        ("create", create, ADMIN),
        ("disable", disable, ADMIN),
        ("enable", enable, ADMIN),
        ("roles", roles, ADMIN),
        ("password-link", password_link, ADMIN),
        ("reset", reset, ADMIN),
        ("access-pass", access_pass, ADMIN),
        ("passkeys", passkeys, ADMIN),
        ("link", link, ADMIN),
        ("unlink", unlink, ADMIN),
        ("sign-out", sign_out, ADMIN),
        ("delete", delete, ADMIN),
        ("erase", erase, ADMIN),
    ),
)
