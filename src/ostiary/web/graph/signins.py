"""
`/auditLogs/signIns`: the stories of sign-ins.
"""

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.signin import SIGN_IN
from ostiary.core.graph.signin_story import SIGN_IN_STORY
from ostiary.services.logs.sign_ins import signin_story, signins
from ostiary.web.graph.resource import Path, listing, reading

__all__ = ["PATHS"]

PATHS: tuple[Path, ...] = (
    Path(f"/{SIGN_IN.name}", (listing(SIGN_IN, Action.READ_LOGS, lambda c: signins(c.house, c.visit, c.query)),)),
    Path(
        f"/{SIGN_IN.name}/{{id}}",
        (reading(SIGN_IN_STORY, Action.READ_LOGS, lambda c: signin_story(c.house, c.visit, c.path["id"])),),
    ),
)
