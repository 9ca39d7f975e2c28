"""
docs/attacks.md is the table of all plots: each attack, what stops it all by itself, and the test that plays both ways.

`python -m tests.attacks.test_table` writes it anew; read the diff.
"""

from pathlib import Path
from types import ModuleType

from tests.attacks import (
    test_asked_for,
    test_deceived_people,
    test_guessing,
    test_hostile_pages,
    test_other_persons,
    test_relayed_codes,
    test_spoofed_headers,
    test_stolen_tokens,
)
from tests.attacks.plots import Attack

PAGE = Path(__file__).parents[2] / "docs" / "attacks.md"
MODULES: tuple[ModuleType, ...] = (
    test_relayed_codes,
    test_asked_for,
    test_other_persons,
    test_stolen_tokens,
    test_guessing,
    test_spoofed_headers,
    test_hostile_pages,
    test_deceived_people,
)
PLAYED = (
    "in another country", "in another network", "another person's session", "made when the victim clicks",
    "two people for one code", "a replayed device code", "polled with another key", "a stolen refresh token",
    "user codes guessed from one address", "user codes guessed from 1,000 addresses",
    "passwords of one account guessed from one address", "passwords of one account guessed from 1,000 addresses",
    "X-Forwarded-For", "Forwarded from", "Client-Cert", "Host with", "clickjacking", "cross-site forms",
    "an open redirect", "session fixation", "a look-alike name", "approval fatigue", "cannot take a number",
)  # fmt: skip
"""What must be among them, whatever else there is."""

HEAD = """\
# Attacks, and what stops them

Each attack is played against a running server, over TLS and from addresses that its geo files put elsewhere; where a
browser is the point, by a page in Chromium. Each mitigation beside it stops it *all by itself*: the attack is played
once for each, with the others of its row switched off, and the refusal is the one that this mitigation gives (where no
code exists, strangers are not told which rule it was, and the journal names it); and once with the whole row off, and
then it succeeds. So a row says two things: what is enough, and that without any of it nothing else would help.

M is RFC 10027's number ([rfc10027](rfc10027.md)), R is a rule of ours ([rules](rules.md)). *Policy*, *registration* and
*exemption* say where an administrator switches a mitigation; everything else is always on, and is off in its test only
because the test puts another rule in its place. The tests are in `tests/attacks/`.

| Attack | Stopped by each of | Test |
|---|---|---|
"""
TAIL = """
What does not help, and is played as well: short-lived codes (M2) stop no code that is made when the victim clicks. What
stops only most of the time: the number (M16) is guessed once in a hundred, with one try. What cannot be stopped here: a
person who helps the attacker knowingly, and one who reads the number or a start ticket out to him.

Copies of device codes and tokens against every setting of `dpop` (M12) are in `test_m12_copies.py`, of `certificate` in
`test_m12_certificate_copies.py`; a flood from a thousand addresses (R21) in `test_r21_flood.py`, bad input to every
endpoint and page in `test_bad_input.py`, and what thieves of the data folder or of the logs find (R17) in
`test_r17_secrets.py`.
"""


def attacks() -> list[tuple[Attack, str]]:
    """Every attack, with the file that plays it."""
    return [
        (attack, f"`{str(module.__name__).rpartition('.')[2]}.py`") for module in MODULES for attack in module.ATTACKS
    ]


def page() -> str:
    """docs/attacks.md."""
    rows = []
    for attack, file in attacks():
        ways = [f"{one.by.number} {one.by.name}" + where(one.by.how) for one in attack.stops]
        rows.append(f"| {attack.name} | {'; '.join(ways)} | {file} |\n")
    return HEAD + "".join(rows) + TAIL


def where(how: str) -> str:
    """In brackets, unless it is always on."""
    return "" if how == "always on" else f" ({how})"


def test_the_page_is_the_table_of_the_plots() -> None:
    """What is documented is what is played."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_attack_that_must_be_played_is() -> None:
    """Each by its words, and no two under one name."""
    names = [attack.name for attack, _ in attacks()]
    assert [words for words in PLAYED if not any(words in name for name in names)] == []
    assert len(set(names)) == len(names)
    assert all(attack.stops for attack, _ in attacks())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
