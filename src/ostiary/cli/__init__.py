"""
The program `ostiary`: the verbs that people type.

Owns words, flags, exit statuses and the screen; what happens is `client`'s. A verb is one file and one line in a tuple
below. A fault becomes its exit status here and nowhere else (docs/cli.md has the table).
"""

import logging
import sys
from collections.abc import Sequence
from importlib.metadata import version as version_of

import typer

from ostiary.cli.app import APP
from ostiary.cli.audit import AUDIT
from ostiary.cli.detections import DETECTIONS
from ostiary.cli.device import DEVICE
from ostiary.cli.device_rule import DEVICE_RULE
from ostiary.cli.device_webhook import DEVICE_WEBHOOK
from ostiary.cli.docker_credential import docker_credential
from ostiary.cli.drill import DRILL
from ostiary.cli.exemption import EXEMPTION
from ostiary.cli.git_credential import git_credential
from ostiary.cli.group import GROUP
from ostiary.cli.keys import KEYS
from ostiary.cli.kill_switch import KILL_SWITCH
from ostiary.cli.kube_token import kube_token
from ostiary.cli.log_sink import LOG_SINK
from ostiary.cli.login import login
from ostiary.cli.logout import logout
from ostiary.cli.notice import NOTICE
from ostiary.cli.output import Screen
from ostiary.cli.policy import POLICY
from ostiary.cli.provisioner import PROVISIONER
from ostiary.cli.report import REPORT
from ostiary.cli.request import REQUEST
from ostiary.cli.responses import RESPONSES
from ostiary.cli.review import REVIEW
from ostiary.cli.run import run
from ostiary.cli.signal_stream import SIGNAL_STREAM
from ostiary.cli.signins import SIGNINS
from ostiary.cli.status import status
from ostiary.cli.token import token
from ostiary.cli.user import USER
from ostiary.cli.verb import HELPING, SIGNING_IN, Noun, Verb, add, add_noun, root
from ostiary.client.errors import Exit, OstiaryError
from ostiary.client.machine import Machine, this_machine

__all__ = ["NOUNS", "VERBS", "build", "for_docker", "for_git", "main"]

VERBS: tuple[Verb, ...] = (
    ("login", login, SIGNING_IN),
    ("logout", logout, SIGNING_IN),
    ("status", status, SIGNING_IN),
    ("token", token, SIGNING_IN),
    ("run", run, SIGNING_IN),
    ("kube-token", kube_token, HELPING),
    ("git-credential", git_credential, HELPING),
    ("docker-credential", docker_credential, HELPING),
)
NOUNS: tuple[Noun, ...] = (
    EXEMPTION,
    REQUEST,
    REVIEW,
    REPORT,
    SIGNINS,
    AUDIT,
    DETECTIONS,
    RESPONSES,
    USER,
    GROUP,
    PROVISIONER,
    DEVICE,
    DEVICE_RULE,
    DEVICE_WEBHOOK,
    APP,
    POLICY,
    KEYS,
    KILL_SWITCH,
    NOTICE,
    SIGNAL_STREAM,
    LOG_SINK,
    DRILL,
)

ABOUT = "Sign in on machines without a browser, and administer who may."


def build() -> typer.Typer:
    """The program as Typer knows it."""
    app = typer.Typer(
        help=ABOUT, no_args_is_help=True, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False
    )
    app.callback()(root(show_version))
    for verb in VERBS:
        add(app, verb)
    for noun in NOUNS:
        add_noun(app, noun)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program with *arguments* (those of the process by default) and leave with its exit status."""
    machine = this_machine()
    _set_log(machine)
    sys.exit(_call(list(sys.argv[1:] if arguments is None else arguments), machine))


def for_git() -> None:
    """The program `git-credential-ostiary`: git puts the name together, and calls it with an operation."""
    main(["git-credential", *sys.argv[1:]])


def for_docker() -> None:
    """The program `docker-credential-ostiary`: the same of Docker's."""
    main(["docker-credential", *sys.argv[1:]])


def show_version(wanted: bool) -> None:
    """`--version`"""
    if wanted:
        typer.echo(f"ostiary {version_of('ostiary')}")
        raise typer.Exit


def _call(arguments: list[str], machine: Machine) -> int:
    screen = Screen(as_json="--json" in arguments)
    try:
        build()(arguments, prog_name="ostiary")
    except SystemExit as end:
        return _status(end)
    except OstiaryError as fault:
        screen.error(fault)
        return int(fault.exit)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)
    except Exception as fault:
        if machine.environ.get("OSTIARY_LOG") == "debug":
            raise
        screen.error(
            OstiaryError(f"unexpected: {type(fault).__name__}: {fault}", next_step="OSTIARY_LOG=debug says more")
        )
        return int(Exit.UNEXPECTED)
    return int(Exit.OK)


def _status(end: SystemExit) -> int:
    return end.code if isinstance(end.code, int) else int(Exit.OK if end.code is None else Exit.UNEXPECTED)


def _set_log(machine: Machine) -> None:
    """`OSTIARY_LOG`: one line a request. httpx's own lines hold method, address and status, no header and no body."""
    if machine.environ.get("OSTIARY_LOG") in ("info", "debug"):
        logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(name)s %(message)s", level=logging.WARNING)
        logging.getLogger("httpx").setLevel(logging.INFO)
