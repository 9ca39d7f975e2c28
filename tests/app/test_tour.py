"""`make tour` plays the whole story, and every step of it is checked by the tour itself."""

from pathlib import Path

import pytest

from ostiary.app.console import Refused
from ostiary.app.tour import play
from tests.server import Server


def test_the_story_is_played_from_refused_to_ended(server: Server) -> None:
    """What the README promises, by the real command, the real pages and the real local door."""
    said: list[str] = []
    play(server.data, server.clock, said.append)
    steps = [line[0] for line in said if line[:1].isdigit()]
    assert steps == ["1", "2", "3", "4", "5"]
    assert any("signed in: True" in line for line in said)
    assert "userinfo" in "".join(said)
    assert server.people["alice"].password not in "".join(said)
    assert not (server.data / "tour").exists()


def test_a_tour_of_nothing_says_what_to_start(tmp_path: Path, server: Server) -> None:
    """The next command, not a stack trace."""
    with pytest.raises(Refused, match="make run"):
        play(tmp_path, server.clock, print)
