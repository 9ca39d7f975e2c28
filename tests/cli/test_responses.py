"""`ostiary responses validate`: a file is judged here, without a server."""

from pathlib import Path

import pytest

from tests.cli.conftest import Program


def test_a_file_that_can_be_set_is_shown_with_what_it_takes_away(program: Program, tmp_path: Path) -> None:
    """Parts of it are enough; what the admin API puts around it is no part."""
    file = tmp_path / "responses.yaml"
    around = "id: policy\n'@odata.context': x\n'@odata.etag': '\"v\"'\n"
    file.write_text(f"{around}severities: {{high: [alert]}}\nblockLength: PT2H\n")
    done = program.run("responses", "validate", str(file))
    assert done.returncode == 0, done.stderr
    assert "High:         alert" in done.stdout
    assert "PT2H" in done.stdout
    assert "Less than the default: high: endExemption, revokeSessions" in done.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("severities: {high: [shout]}", "severities"), ("rules: {no_rule: [alert]}", "rules"),
        ("blockLength: PT1M", "5 minutes"), ("severity: {}", "severity is no part"), ("- alert", "no object"),
        ("confirmed: alert", "confirmed"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_set_is_told_by_its_part(program: Program, tmp_path: Path, text: str, says: str) -> None:
    """Status 2, and the place."""
    file = tmp_path / "responses.yaml"
    file.write_text(text)
    done = program.run("responses", "validate", str(file))
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
