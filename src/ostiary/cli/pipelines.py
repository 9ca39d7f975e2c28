"""
What a pipeline is told: how a job gets a token of its own, in the words of the forge that runs it.
"""

import re

from ostiary.cli.errand import Errand
from ostiary.client.errors import DeniedByPolicy
from ostiary.client.machine import in_ci
from ostiary.client.workload import FILE, GITHUB, GITLAB, VARIABLE, forge_of

__all__ = ["refuse_pipelines"]

_HARMLESS = re.compile(r"[A-Za-z0-9_./-]{1,200}", re.ASCII)


def refuse_pipelines(errand: Errand) -> None:
    """Raise DeniedByPolicy in a pipeline, after saying how a job gets a token without a person; else nothing."""
    if not in_ci(errand.machine):
        return
    for line in _recipe(errand):
        errand.screen.say(line)
    raise DeniedByPolicy(
        "this is a pipeline (CI is set): there is nobody to approve a sign-in, and a code in a log is anybody's",
        next_step="ostiary token --workload --client CLIENT-ID",
    )


def _recipe(errand: Errand) -> list[str]:
    environ, server = errand.machine.environ, errand.settings.server.value
    forge = forge_of(environ)
    trust = "ostiary app trust APP --name NAME --permission RESOURCE/SCOPE"
    if forge is GITHUB:
        repository, branch = (
            _of(environ.get("GITHUB_REPOSITORY"), "OWNER/REPO"),
            _of(environ.get("GITHUB_REF_NAME"), "main"),
        )
        whose = f"--github {repository} --branch {branch}"
        job = ["permissions:", "  id-token: write"]
    elif forge is GITLAB:
        project, branch = (
            _of(environ.get("CI_PROJECT_PATH"), "GROUP/PROJECT"),
            _of(environ.get("CI_COMMIT_REF_NAME"), "main"),
        )
        whose = f"--gitlab {project} --branch {branch}"
        job = ["id_tokens:", f"  {VARIABLE}:", "    aud: AUDIENCE   (`ostiary app trust` prints it)"]
    else:
        whose = "--issuer https://ISSUER --subject SUBJECT"
        job = [f"the job's id token in {VARIABLE}, or the name of its file in {FILE}"]
    return [
        f"In {forge.name if forge else 'a pipeline'} a job gets a token of its own: no secret, no person.",
        "Once, an administrator trusts it:",
        f"  {trust} {whose}",
        "The job needs:",
        *(f"  {line}" for line in job),
        "and then gets its token by:",
        f"  ostiary token --workload --server {server} --client CLIENT-ID",
    ]


def _of(value: str | None, otherwise: str) -> str:
    """What the forge says, if it can be shown as it is."""
    return value if value is not None and _HARMLESS.fullmatch(value) else otherwise
