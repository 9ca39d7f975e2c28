"""
What this machine is: the headless rules as a table.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ostiary.client.machine import Machine, headless_because, in_ci, this_machine

DESKTOP = {"DISPLAY": ":0"}

TABLE = [
    ({"DISPLAY": ":0"}, "linux", (), False),
    ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", (), False),
    ({}, "darwin", (), False),
    ({}, "linux", (), True),
    ({"DISPLAY": ""}, "linux", (), True),
    ({**DESKTOP, "SSH_CONNECTION": "1 2 3 4"}, "linux", (), True),
    ({**DESKTOP, "SSH_TTY": "/dev/pts/0"}, "linux", (), True),
    ({"SSH_CONNECTION": "1 2 3 4"}, "darwin", (), True),
    ({**DESKTOP, "CI": "true"}, "linux", (), True),
    ({**DESKTOP, "CI": "1"}, "linux", (), True),
    ({**DESKTOP, "CI": "false"}, "linux", (), False),
    (DESKTOP, "linux", ("/.dockerenv",), True),
    (DESKTOP, "linux", ("/run/.containerenv",), True),
    ({**DESKTOP, "container": "podman"}, "linux", (), True),
]


@pytest.mark.parametrize(("environ", "platform", "files", "headless"), TABLE)
def test_a_browser_is_opened_only_where_a_person_would_see_it(
    environ: Mapping[str, str], platform: str, files: tuple[str, ...], headless: bool
) -> None:
    """SSH, no display, a container, a pipeline: headless, with the reason in words."""
    machine = Machine(environ=environ, platform=platform, exists=lambda path: path in files)
    because = headless_because(machine)
    assert (because is not None) is headless
    if because is not None:
        assert because.startswith(("this is", "there is"))


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("1", True), ("TRUE", True), ("false", False), ("", False)]
)
def test_a_pipeline_is_recognised(value: str, expected: bool) -> None:
    """`CI=true` is what pipelines set; `CI=false` is somebody's way to say that it is none."""
    assert in_ci(Machine(environ={"CI": value})) is expected


def test_a_program_that_cannot_be_started_opens_no_browser() -> None:
    """`OSTIARY_BROWSER` names a program that is not there: the person is shown the address instead."""
    assert not Machine(environ={"OSTIARY_BROWSER": "/nonexistent/browser --new"}).open_browser("https://x")


def test_a_user_whom_the_machine_does_not_know_has_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user id without an entry and without HOME: the local door works, nothing falls over."""

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    assert this_machine().home == Path("/")


def test_a_moment_is_shown_with_its_zone_and_its_day_when_it_is_another() -> None:
    """ "ends at", in clock time and zone."""
    machine = Machine(wall=lambda: 1_700_000_000.0)
    zone = machine.local_time(1_700_000_000.0).split()[-1]
    assert machine.local_time(1_700_000_000.0 + 86_400 * 40).startswith("2023-12-2")
    assert zone
