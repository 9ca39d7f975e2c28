"""`ostiary policy test` over files alone: what people write in CI, and what its status says."""

import json
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli import main

BLOCK: dict[str, Any] = {
    "displayName": "Block device code flow",
    "state": "enabled",
    "conditions": {
        "users": {"includeUsers": ["All"], "excludeGroups": ["exception"]},
        "applications": {"includeApplications": ["All"]},
        "clientAppTypes": ["all"],
        "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
    },
    "grantControls": {"operator": "OR", "builtInControls": ["block"]},
}
OUTSIDE: dict[str, Any] = {
    **BLOCK,
    "displayName": "Outside",
    "conditions": {
        **BLOCK["conditions"],
        "users": {"includeUsers": ["All"]},
        "locations": {"includeLocations": ["All"], "excludeLocations": ["office"]},
    },
}
OFFICE = {"id": "office", "displayName": "Office", "ipRanges": [{"cidrAddress": "203.0.113.0/24"}]}
CASES = """
policies: [policies.json]
locations: [office.yaml]
defaults:
  user: alice
  groups: [exception]
  roles: []
  resource: api
  clientType: mobileAppsAndDesktopClients
  transferMethod: deviceCodeFlow
cases:
  - name: in the office
    facts: {person: {address: 203.0.113.9}}
    expect: allowed
  - name: elsewhere
    facts: {person: {address: 198.51.100.7}}
    expect: blocked
    rules: [Outside]
  - name: nobody knows where
    expect: blocked
  - name: without an exemption
    facts: {groups: [], person: {address: 203.0.113.9}}
    expect: blocked
    rules: [Block device code flow]
"""


def write(folder: Path, cases: str = CASES, *policies: Any) -> Path:
    """The files of one policy test."""
    (folder / "policies.json").write_text(json.dumps(policies or (BLOCK, OUTSIDE)))
    (folder / "office.yaml").write_text(json.dumps(OFFICE))
    (folder / "cases.yaml").write_text(cases)
    return folder / "cases.yaml"


def status(file: Path, *flags: str) -> int:
    """What the program leaves with."""
    with pytest.raises(SystemExit) as end:
        main(["policy", "test", str(file), *flags])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_a_file_of_cases_passes_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0, a line each."""
    assert status(write(tmp_path)) == 0
    out, err = capsys.readouterr()
    assert [line.split("\t")[0] for line in out.splitlines()] == ["ok"] * 4
    assert "4 passed, 0 failed" in err


def test_a_case_that_comes_out_otherwise_is_status_10_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what was expected, and what decided of each policy."""
    wrong = CASES.replace("rules: [Outside]", "rules: [Other]").replace("expect: allowed", "expect: controls")
    assert status(write(tmp_path, wrong)) == 10
    out, err = capsys.readouterr()
    assert "expected controls, got allowed" in out
    assert "rules: expected Other, got Outside" in out
    assert "Outside: notApplied (locations)" in out
    assert "2 passed, 2 failed" in err


def test_json_lines_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One event a case."""
    assert status(write(tmp_path), "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(e["event"], e["passed"], e["outcome"]) for e in events][:2] == [
        ("case", True, "allowed"), ("case", True, "blocked"),
    ]  # fmt: skip


BAD = (
    ("cases: []", "cases: must be a list"),
    ("policies: [policies.json]\ncases: [{expect: maybe}]", "expect: must be one of"),
    ("policies: [policies.json]\ncases: [{expect: allowed, facts: {mood: good}}]", "there is no such fact"),
    ("policies: [policies.json]\ncases: [{expect: allowed, unknown: guess}]", "unknown: must be one of"),
    ("policies: [policies.json]\ncases: [{expect: allowed, colour: red}]", "colour: is not known"),
    ("policies: [policies.json]\nextra: 1\ncases: [{expect: allowed}]", "extra: is not known"),
    ("policies: [missing.json]\ncases: [{expect: allowed}]", "No such file"),
    ("policies: &a [policies.json]\ncases: *a", "aliases are not taken"),
    ("policies: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
    ("policies: [policies.json", "flow sequence"),
)


@pytest.mark.parametrize(("cases", "said"), BAD, ids=[said for _, said in BAD])
def test_a_file_that_cannot_be_used_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cases: str, said: str
) -> None:
    """Status 2, and nothing was run."""
    if not cases.startswith("policies"):
        cases = f"policies: [policies.json]\n{cases}"
    assert status(write(tmp_path, cases)) == 2
    assert said in capsys.readouterr().err


def test_a_policy_that_could_not_be_saved_fails_the_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """R4: CI learns it before the server does, with the JSON path."""
    broken = {**BLOCK, "grantControls": {"builtInControls": ["approvedApplication"]}}
    assert status(write(tmp_path, CASES, broken)) == 2
    assert "$.grantControls.builtInControls" in capsys.readouterr().err
