"""
Ten questions that auditors ask, each answered by the one command that docs/signins.md names for it, run by an auditor
who signed in read-only, against a server on which a whole history was played.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ostiary.core.words.instants import days, to_iso
from tests.attacks.stage import raised
from tests.attacks.test_bad_input import token_of
from tests.auditor.history import (
    ALICE_SAYS,
    ALICE_TICKET,
    BEA_SAYS,
    ENFORCED_FOR,
    SECOND_FACTOR,
    History,
)
from tests.journeys.test_cli import Installed, installed
from tests.services.test_r18_tokens import claims

PAGE = (Path(__file__).parents[2] / "docs" / "signins.md").read_text()
QUESTION = re.compile(r"^\| (\d+)\. (.+?) \| `ostiary (.+?)`(?:: .+?)? \|$", re.MULTILINE)


@dataclass(frozen=True)
class Auditor:
    """Otto at his terminal."""

    program: Installed = field(repr=False)
    history: History = field(repr=False)
    answers: dict[str, str] = field(default_factory=dict, repr=False)

    def day(self, moment: int) -> str:
        """The date of *moment*."""
        return to_iso(moment)[:10]  # type: ignore[arg-type]

    def answer(self, command: str) -> str:
        """What *command* of the page prints, with the page's examples replaced by what is asked about here."""
        history = self.history
        asked = {
            "2026-10-01": self.day(history.server.clock.now() + days(1)), "2026-07-01": self.day(history.began),
            "2026-08-17": self.day(history.quiet), "POLICY": SECOND_FACTOR,
        }  # fmt: skip
        words = [asked.get(word, word) for word in command.split()]
        words = [self.sign_in if word == "ID" else self.request if word == "REQUEST" else word for word in words]
        done = self.program.run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    @property
    def sign_in(self) -> str:
        """The id of Alice's sign-in, from the answer to the first question."""
        return next(row["ID"] for row in self.who() if row["Person"] == self.history.name("alice"))

    @property
    def request(self) -> str:
        """The id of her request, from what is told of her sign-in."""
        found = re.search(r"^Exemption: +([0-9a-f-]{36})$", self.told(COMMANDS[3]), re.MULTILINE)
        assert found, self.told(COMMANDS[3])
        return found[1]

    def who(self) -> list[dict[str, str]]:
        """The answer to the first question."""
        return list(csv.DictReader(self.told(COMMANDS[1]).splitlines()))

    def told(self, command: str) -> str:
        """As `answer`, asked once: commands that answer several questions give one answer."""
        if command not in self.answers:
            self.answers[command] = self.answer(command)
        return self.answers[command]


@pytest.fixture(scope="module")
def otto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Auditor]:
    """An auditor, who comes when everything has happened."""
    with raised(tmp_path_factory.mktemp("stage")) as stage, ExitStack() as scene:
        history, program = History(stage, scene), installed(stage.server, tmp_path_factory.mktemp("otto"))
        yield Auditor(Installed({**program.environ, "OSTIARY_TOKEN": token_of(history.person("otto"))}), history)


def _who(otto: Auditor, said: str) -> None:
    assert {row["Person"] for row in otto.who()} == {otto.history.name(name) for name in ("alice", "emil", "bea")}
    assert {row["Result"] for row in otto.who()} == {"success"}
    assert otto.history.name("dana") not in said


def _when(otto: Auditor, said: str) -> None:
    """Each person with the time in which they could, and how often they did; Dana could, and did not."""
    accounts = {re.findall(r"<th>Who</th><td>([^<]+)", part)[0]: part for part in said.split("<section")[1:]}
    people = {name: accounts[otto.history.name(name)] for name in ("alice", "emil", "bea", "dana")}
    assert len(people) == len(accounts)
    ran = {name: re.findall(r"<th>Ran</th><td>([^<]+) to ([^<]+)", part) for name, part in people.items()}
    today = otto.day(otto.history.began)
    assert ran.pop("dana") == []
    assert all(start.startswith(today) and start <= end for ((start, end),) in ran.values()), ran
    assert "Granted and never used: 1" in said
    assert all(otto.history.name("bea") in part for part in people.values())  # who approved, or opened


def _why(otto: Auditor, said: str) -> None:
    first = _story(said)[0]
    assert first["Step"] == "user:request:made"
    assert (first["By"], first["Why"]) == (otto.history.name("alice"), ALICE_SAYS)


def _who_allowed(otto: Auditor, said: str) -> None:
    assert f"Reason:           {ALICE_SAYS}" in said
    assert f"Ticket:           {ALICE_TICKET}" in said
    bea, carl = _table(said)
    for row, name, why in ((bea, "bea", "known incident"), (carl, "carl", "agreed on the call")):
        assert (row["Decision"], row["By"], row["Why"]) == ("Approve", otto.history.name(name), why)
        assert row["With"] == "pwd, otp, mfa"
        assert row["Time"].startswith(otto.day(otto.history.began))


def _from_where(otto: Auditor, said: str) -> None:
    alice = otto.history.alice
    assert _field(said, "From") == alice.at
    assert _field(said, "Decided from") == alice.decided
    assert alice.at != alice.decided


def _what_was_done(otto: Auditor, said: str) -> None:
    assert "User.Read" in _field(said, "Scopes")
    assert _field(said, "Refreshes") == "2"
    tokens = [row["Token"] for row in _story(said) if row["Token"]]
    assert len(set(tokens)) == 3  # the first one, and one by each refresh
    assert claims(otto.history.alice.tokens["access_token"])["jti"] == tokens[-1]


def _how_it_ended(otto: Auditor, said: str) -> None:
    last = _story(said)[-1]
    assert (last["Step"], last["Why"], last["Time"]) == ("ended", "idle", _field(said, "Ended"))
    ended = next(row["ID"] for row in otto.who() if row["Person"] == otto.history.name("emil"))
    emils = _story(otto.answer(f"signins show {ended}"))[-1]
    assert (emils["Step"], emils["Why"]) == ("ended", "exemption_ended")


def _which_rule_stood(otto: Auditor, said: str) -> None:
    """Two days before it was enforced it was report-only; today it is not."""
    stood, document = said.split("\n", 1)
    assert json.loads(document)["state"] == "enabledForReportingButNotEnforced"
    assert stood.startswith(f"From {otto.day(otto.history.quiet)}T00:00:00")
    assert json.loads(document)["displayName"] == SECOND_FACTOR


def _who_changed_it(otto: Auditor, said: str) -> None:
    changed, made = _rows(said)
    assert (changed["Activity"], made["Activity"]) == ("changed", "created")
    assert changed["By"] == made["By"] == otto.history.name("bea")
    assert changed["Why"] == ENFORCED_FOR
    assert changed["What"] == '$.state: "enabledForReportingButNotEnforced" -> "enabled"'
    assert changed["Time"].startswith(otto.day(otto.history.server.clock.now()))


def _unreviewed(otto: Auditor, said: str) -> None:
    (row,) = _rows(said)
    assert (row["ID"], row["Person"], row["Break-glass"]) == (otto.history.glass, otto.history.name("bea"), "yes")
    assert row["Reason"] == BEA_SAYS


def _field(said: str, name: str) -> str:
    (found,) = re.findall(rf"^{name}: +(.*)$", said, re.MULTILINE)
    return str(found)


def _table(said: str) -> list[dict[str, str]]:
    """The rows below a record."""
    return _rows(said.partition("\n\n")[2])


def _rows(said: str) -> list[dict[str, str]]:
    heading, *lines = (line.split("\t") for line in said.splitlines())
    return [dict(zip(heading, line, strict=True)) for line in lines]


_story = _table
QUESTIONS: dict[int, Callable[[Auditor, str], None]] = dict(
    enumerate(
        (
            _who, _when, _why, _who_allowed, _from_where, _what_was_done, _how_it_ended, _which_rule_stood,
            _who_changed_it, _unreviewed,
        ),
        1,
    )
)  # fmt: skip
ROWS = {int(number): (question, command) for number, question, command in QUESTION.findall(PAGE)}
COMMANDS = {number: command for number, (_, command) in ROWS.items()}


def test_the_page_names_ten_questions_and_each_is_asked_here() -> None:
    """Neither the page nor this file has one that the other has not."""
    assert list(ROWS) == sorted(QUESTIONS) == list(range(1, 11))


@pytest.mark.parametrize("number", sorted(QUESTIONS))
def test_one_command_answers(otto: Auditor, number: int) -> None:
    """As the page has it, and the answer is what happened."""
    QUESTIONS[number](otto, otto.told(COMMANDS[number]))
