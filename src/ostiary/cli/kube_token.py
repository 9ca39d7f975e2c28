"""
`ostiary kube-token`: the credential plugin of kubectl and of whatever else uses its configuration.

Speaks `ExecCredential` of client.authentication.k8s.io, v1 and v1beta1, in the version that `KUBERNETES_EXEC_INFO` asks
for: what answers in another one is not understood (Kubernetes, "Authenticating", client-go credential plugins).
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.handed import handed, refuse_bound
from ostiary.cli.login import login
from ostiary.cli.token import scope_of
from ostiary.client.cache import Access
from ostiary.client.errors import Misused, NotSignedIn, plain

__all__ = ["kube_token"]

VARIABLE = "KUBERNETES_EXEC_INFO"
VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What kubectl asks for, and whether it lets the person's terminal through."""

    version: str
    interactive: bool


def kube_token(
    errand: Errand,
    *,
    resource: Annotated[str, typer.Option("--resource", help="For this resource (its address).")] = "",
    scope: Annotated[str, typer.Option("--scope", help="With these scopes.")] = "",
) -> None:
    """Answer kubectl, which calls this, with an access token (ExecCredential)."""
    wanted = scope_of(resource, scope) or _configured(errand)
    asked = _asked(errand.machine.environ.get(VARIABLE, ""))
    try:
        access = handed(errand, wanted)
    except NotSignedIn:
        if not (asked.interactive and errand.may_ask):
            raise
        login(errand, bearer=True, scope=wanted)  # which speaks on stderr; stdout is kubectl's
        refuse_bound(errand, wanted)
        access = handed(errand, wanted)
    errand.screen.data(json.dumps(_credential(asked.version, access)))


def _configured(errand: Errand) -> str:
    """The profile's scope; never the sign-in's own, which may be the admin API's."""
    if errand.settings.scope is None:
        raise Misused("whose token? nothing is handed to a cluster by default", next_step="--resource ADDRESS")
    return errand.settings.scope.value


def _credential(version: str, access: Access) -> dict[str, Any]:
    ends = datetime.fromtimestamp(int(access.expires_at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": version,
        "kind": "ExecCredential",
        "status": {"token": access.token, "expirationTimestamp": ends},
    }


def _asked(text: str) -> Asked:
    """Read *text*, the variable's value. Raises Misused."""
    if not text:
        raise Misused(
            f"{VARIABLE} is not set: kubectl sets it for what its configuration calls (users[].user.exec)",
            next_step="ostiary token   (for a token outside of kubectl)",
        )
    document = _object(_parsed(text))
    version, spec = document.get("apiVersion"), _object(document.get("spec"))
    if document.get("kind") != "ExecCredential" or version not in VERSIONS:
        raise Misused(
            f"{VARIABLE} asks for {plain(version, 80) or 'no apiVersion'!r}; this speaks {' and '.join(VERSIONS)}",
            next_step=f"apiVersion: {VERSIONS[0]} in users[].user.exec of the kubeconfig",
        )
    _check_cluster(_object(spec.get("cluster")))
    return Asked(version, spec.get("interactive") is True)  # whoever does not say so does not let anybody type


def _check_cluster(cluster: dict[str, Any]) -> None:
    """Where kubectl tells whom it calls (`provideClusterInfo`), that must be somebody a token can be sent to."""
    server = cluster.get("server")
    if cluster.get("insecure-skip-tls-verify") or (server and not str(server).lower().startswith("https://")):
        raise Misused("the cluster is called without https, or without looking at its certificate: it gets no token")


def _parsed(text: str) -> object:
    try:
        return json.loads(text) if len(text) <= _LIMIT else None
    except (ValueError, RecursionError):
        return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
