"""
`ostiary device register`: machines that are known by their client certificate (RFC 8705).
"""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.client.errors import Misused

__all__ = ["read_certificate", "register"]

LARGEST = 8192  # bytes of a certificate's file; the server takes no more
_KEY = b"PRIVATE KEY-----"


def register(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call the machine.")],
    *,
    certificate: Annotated[Path, typer.Option("--certificate", help="Its client certificate (PEM or DER file).")],
    owner: Annotated[str, typer.Option("--owner", help="Whose it is (address).")],
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")],
    until: Annotated[str, typer.Option("--until", help="End, if earlier (2026-12-31T00:00:00Z).")] = "",
    managed: Annotated[bool, typer.Option("--managed", help="It is managed.")] = False,
    compliant: Annotated[bool, typer.Option("--compliant", help="It complies.")] = False,
) -> None:
    """Put a machine into the inventory that comes with this certificate; it ends with it, or in ninety days."""
    ours: dict[str, Any] = {"certificate": read_certificate(certificate), "owner": owner, "reason": reason}
    ours |= {"expirationDateTime": until} if until else {}
    said = {key: True for key, given in (("isManaged", managed), ("isCompliant", compliant)) if given}
    with errand.graph() as graph:
        made = graph.post("/devices", {"displayName": name, **said, "ostiary": ours})
    ends = (made.get("ostiary") or {}).get("expirationDateTime")
    errand.screen.say(f"Registered {made.get('displayName')} until {ends}.", "green")
    errand.screen.record(made, (("ID", lambda r: r.get("id")), ("Certificate", _thumbprint)))


def _thumbprint(made: Mapping[str, Any]) -> object:
    return (made.get("ostiary") or {}).get("certificateThumbprint")


def read_certificate(file: Path) -> str:
    """The certificate as the server takes it. Raises Misused for what is none, and before a private key is sent."""
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
    except OSError as fault:
        raise Misused(f"{file}: {fault.strerror}") from fault
    if _KEY in raw:
        raise Misused(f"{file} holds a private key: name a file with the certificate alone")
    if not raw or len(raw) > LARGEST:
        raise Misused(f"{file} is no certificate (at most {LARGEST} bytes)")
    return b64encode(raw).decode()
