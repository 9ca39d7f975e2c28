"""
Dashboard and alert rules: Prometheus' own tool accepts them, their tests hold, and they ask only for what there is.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ostiary.app.metrics import METRICS
from ostiary.core.logs.kinds import Kind
from ostiary.web.oauth import device_authorization, introspection, token

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "ostiary.rules.yml"
TESTS = RULES.with_name("ostiary.rules.test.yml")
BOARD = ROOT / "deploy" / "grafana" / "ostiary.json"
ROUTES = (device_authorization.PATH, introspection.PATH, token.PATH)
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def promtool(*words: str, stdin: str = "") -> str:
    """What it says; it must find nothing wrong."""
    program = Path(sys.executable).with_name("promtool")
    found = str(program) if program.exists() else shutil.which("promtool")
    assert found, "scripts/setup --test brings promtool"
    done = subprocess.run([found, *words], input=stdin, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def alerts() -> list[dict[str, Any]]:
    """Every rule."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def queries() -> Iterator[str]:
    """Every expression of rules and dashboard."""
    yield from (rule["expr"] for rule in alerts())
    for panel in json.loads(BOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


def test_the_rules_are_rules_and_fire_when_they_should() -> None:
    """A quiet service alarms nobody; what each is about makes it fire."""
    assert f"{len(alerts())} rules found" in promtool("check", "rules", str(RULES))
    assert "SUCCESS" in promtool("test", "rules", str(TESTS))


def test_each_rule_has_a_test_or_is_as_simple_as_one() -> None:
    """The rules whose arithmetic could be wrong are tried."""
    tried = TESTS.read_text()
    assert len([rule for rule in alerts() if rule["alert"] in tried]) >= 20


def test_rules_and_dashboard_ask_for_what_is_exposed() -> None:
    """A name that is misspelt would never alarm; nor would a kind of entry or a route that there is none of."""
    exposed = {metric.name + suffix for metric in METRICS for suffix in SUFFIXES[metric.form]}
    labels = {label for metric in METRICS for label in metric.labels} | {"le", "instance", "job"}
    for query in queries():
        assert set(re.findall(r"\bostiary_[a-z_]+", query)) <= exposed, query
        for label, _, value in re.findall(r"([a-z_]+)(=~|=|!=)\"([^\"]*)\"", query):
            assert label in labels, query
            if label == "kind":
                pattern = re.compile(value)
                # as many kinds as the pattern has words: none is misspelt
                assert sum(1 for kind in Kind if pattern.fullmatch(kind.value)) == value.count("|") + 1, query
            if label == "route":
                assert value in ROUTES, query


def test_each_alert_has_a_runbook() -> None:
    """Whoever is woken by it finds what to do."""
    page = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-")
        for line in page.splitlines()
        if line[:3] == "## "
    }
    for rule in alerts():
        place, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert (place, anchor in anchors) == ("docs/runbooks.md", True), rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    """Every panel has its own id, a place on the grid and a query; nothing overlaps."""
    board = json.loads(BOARD.read_text())
    assert board["uid"] == "ostiary"
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        grid = panel["gridPos"]
        cells = {(x + grid["x"], y + grid["y"]) for x in range(grid["w"]) for y in range(grid["h"])}
        assert not cells & taken, panel["title"]
        assert grid["x"] + grid["w"] <= 24
        taken |= cells
        assert panel["type"] == "row" or panel["targets"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.parametrize("form", ["counter", "gauge", "histogram"])
def test_names_follow_the_conventions(form: str) -> None:
    """Base units, no unit twice, no `_total` but of counters."""
    for metric in METRICS:
        if metric.form == form:
            assert re.fullmatch(r"ostiary(_[a-z]+)+", metric.name)
            assert not metric.name.endswith(("_total", "_count", "_sum", "_bucket"))
            assert metric.help.endswith((".", "`"))
