"""
A pipeline's own token for one of the server's (RFC 8693): nobody is asked anything, and nothing is kept.

Owns where pipelines find the token that their forge gives a job (GitHub Actions at an address, GitLab and others in a
variable or a file) and the exchange. What is found is a secret: it goes to the server's token endpoint and nowhere
else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ostiary.client.discovery import Server, checked_address
from ostiary.client.errors import DeniedByPolicy, Misused, OstiaryError, ServerFault, Unreachable
from ostiary.client.exchange import Call, Exchange, Lost, needed
from ostiary.client.machine import Machine
from ostiary.client.tokens import Granted, raise_refusal, read_grant, redeem

__all__ = ["EXCHANGE", "FILE", "GITHUB", "GITLAB", "VARIABLE", "Forge", "exchange_workload", "forge_of"]

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
FILE, VARIABLE = "OSTIARY_ID_TOKEN_FILE", "OSTIARY_ID_TOKEN"
GITHUB_URL, GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

LARGEST = 16_384
"""Characters of an id token."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Forge:
    """A pipeline service that we can tell by its variables."""

    name: str
    mark: str
    """The variable that it sets to `true` in every job."""


GITHUB, GITLAB = Forge("GitHub Actions", "GITHUB_ACTIONS"), Forge("GitLab", "GITLAB_CI")
_FORGES = (GITHUB, GITLAB)


def forge_of(environ: Mapping[str, str]) -> Forge | None:
    """Whose job this is; None for a pipeline that we do not know."""
    return next((forge for forge in _FORGES if environ.get(forge.mark, "").lower() == "true"), None)


def exchange_workload(
    server: Server, machine: Machine, client_id: str, *, scope: str | None, audience: str | None
) -> Exchange[Granted]:
    """
    An access token for the workload that this job is, as the application *client_id*; *audience* is whom the id token
    is asked for, the server's issuer by default.

    Raises Misused where the job has no id token, DeniedByPolicy, Unreachable, ServerFault.
    """
    subject = yield from _id_token(machine, audience or server.issuer)
    form = {"grant_type": EXCHANGE, "client_id": client_id, "subject_token": subject, "subject_token_type": JWT}
    if scope is not None:
        form["scope"] = scope
    answer = yield from redeem(server, form)
    if isinstance(answer, Lost):
        raise Unreachable(f"no answer from {server.token_endpoint}: {answer.reason}")
    if answer.status == 200:
        return read_grant(answer, server, client_id, scope or "")
    return raise_refusal(answer, otherwise=DeniedByPolicy)


def _id_token(machine: Machine, audience: str) -> Exchange[str]:
    """What this job can show of itself: a file, a variable, or GitHub's address."""
    environ = machine.environ
    if environ.get(FILE):
        return _checked(_read(Path(environ[FILE])), f"the file of {FILE}")
    if environ.get(VARIABLE):
        return _checked(environ[VARIABLE], VARIABLE)
    if environ.get(GITHUB_URL) and environ.get(GITHUB_TOKEN):
        return (yield from _from_github(environ[GITHUB_URL], environ[GITHUB_TOKEN], audience))
    raise Misused("this job has no id token", next_step=_missing(environ))


def _missing(environ: Mapping[str, str]) -> str:
    forge = forge_of(environ)
    if forge is GITHUB:
        return "give the job `permissions: id-token: write`"
    if forge is GITLAB:
        return f"give the job `id_tokens: {VARIABLE}: aud: <the server's issuer>`"
    return f"put the job's id token (a JWT of its issuer) into {VARIABLE}, or its file's name into {FILE}"


def _read(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            return file.read(LARGEST + 1).strip()
    except (OSError, ValueError) as fault:
        raise Misused(f"{FILE}: {str(path)[:80]} cannot be read ({type(fault).__name__})") from None


def _checked(text: str, source: str) -> str:
    """*text*, when it has the looks of a JWT. Of what it is nothing is told."""
    if len(text) > LARGEST or not _TOKEN.fullmatch(text):
        raise Misused(f"{source} holds no id token")
    return text


def _from_github(address: str, token: str, audience: str) -> Exchange[str]:
    """GitHub's request for a job's token: `audience` beside what the address already says."""
    checked_address(address.partition("?")[0])
    url = f"{address}{'&' if '?' in address else '?'}audience={quote(audience, safe='')}"
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    answer = yield from needed(Call("GET", url, headers=headers))
    if answer.status != 200:
        raise ServerFault(f"the forge answered {answer.status} when it was asked for the job's id token")
    try:
        return _checked(str(answer.fields().get("value", "")), "the forge's answer")
    except OstiaryError as fault:
        raise ServerFault(fault.message) from None
