"""
`/auditLogs/signIns`: the stories of sign-ins.
"""

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.signin import SIGN_IN
from ostiary.services.logs.sign_ins import signin, signins
from ostiary.web.graph.resource import Path, listing, reading

__all__ = ["PATHS"]

PATHS: tuple[Path, ...] = (
    Path(f"/{SIGN_IN.name}", (listing(SIGN_IN, Action.READ_LOGS, lambda c: signins(c.house, c.visit, c.query)),)),
    Path(
        f"/{SIGN_IN.name}/{{id}}",
        (reading(SIGN_IN, Action.READ_LOGS, lambda c: signin(c.house, c.visit, c.path["id"])),),
    ),
)
