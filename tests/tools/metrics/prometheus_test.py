# SPDX-License-Identifier: LGPL-2.1-or-later
"""Metrics, alert rules, dashboard and their page, held against each other and by promtool."""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
sys.path.insert(0, str(TOP / "tests/support"))
import tap  # noqa: E402  pylint: disable=wrong-import-position
from promtool import check_metrics, promtool  # noqa: E402  pylint: disable=wrong-import-position

RENDER = sys.argv.pop(1)
RULES = TOP / "packaging/prometheus/headgate.rules.yml"
DASHBOARD = json.loads((TOP / "packaging/grafana/headgate.json").read_text())
PAGE = (TOP / "docs/metrics.md").read_text()
NODE = (HERE / "node.json").read_text()
ALERTS = re.findall(r"- alert: Headgate(\w+)\n", RULES.read_text())
ROWS = ["Overview", "Ingest", "Archive", "Delivery", "Encoding", "Processes"]


def rendered(what, text=None):
    return subprocess.run([RENDER, what], input=text, capture_output=True, text=True, check=True).stdout


def known():
    """Series that a node may tell, by name: the labels that they may have."""
    out = {}
    for line in rendered("names").splitlines():
        name, kind, labels = line.split("\t")
        names = [name + end for end in ("_bucket", "_sum", "_count")] if kind == "histogram" else [name]
        for one in names:
            out[one] = {label for label in labels.split(", ") if label} | ({"le"} if one.endswith("_bucket") else set())
    return out


def expect_known(expression, where):
    """Every series that it names is one of ours, with labels that it has."""
    series = known()
    found = re.findall(r"\b(headgate_\w+)(?:\{([^}]*)\})?", re.sub(r"instance:headgate_\w+:sum", "", expression))
    for name, selector in found:
        assert name in series, f"{where}: no node tells {name}"
        for label in re.findall(r"(\w+)\s*[=!]~?\s*\"", selector):
            assert label in series[name] | {"job", "instance"}, f"{where}: {name} has no label {label}"
    return {name for name, _ in found}


def rule_expressions():
    """The `expr` of each rule, whichever way YAML writes them: what is indented deeper belongs to it."""
    out, lines = [], RULES.read_text().splitlines()
    for number, line in enumerate(lines):
        if match := re.match(r"( +)expr: (.*)", line):
            more = []
            for following in lines[number + 1:]:
                if not following.startswith(match[1] + "  "):
                    break
                more.append(following.strip())
            out.append(" ".join([match[2], *more]))
    return out


def test_the_text_is_as_prometheus_wants_it():
    check_metrics(rendered("text", NODE))


def test_openmetrics_ends_and_names_counters_as_it_should():
    text = rendered("openmetrics", NODE)
    assert text.endswith("\n# EOF\n")
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name = re.match(r"\w+", line)[0]
        family = next((name[:len(name) - len(end)] for end in ("_total", "_bucket", "_sum", "_count", "")
                       if name.endswith(end) and name[:len(name) - len(end)] in types), None)
        assert family, f"{name} has no TYPE"
        assert (types[family] == "counter") == name.endswith("_total"), line


def test_the_page_has_the_programs_own_table():
    assert rendered("table") in PAGE, "docs/metrics.md: put there what `metrics-render table` prints"


def test_the_pages_scrape_configuration_is_right():
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    assert blocks, "docs/metrics.md has no configuration"
    for block in blocks:
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(block)
            file.flush()
            promtool("check", "config", "--syntax-only", file.name)


def test_rules_are_right_and_name_what_there_is():
    promtool("check", "rules", RULES)
    text = RULES.read_text()
    assert len(set(ALERTS)) == len(ALERTS) == text.count("runbook: >-") == text.count("- alert: ") == text.count("severity: ")
    expressions = rule_expressions()
    assert len(expressions) > len(ALERTS)
    for expression in expressions:
        expect_known(expression, "rules")


def test_every_alert_fires_when_it_should():
    test = HERE / "headgate.rules.test.yml"
    promtool("test", "rules", test)
    text = test.read_text()
    for alert in ALERTS:
        assert f'alertname="Headgate{alert}"' in text, f"{alert} has no test"


def test_whatever_is_wrong_with_a_stream_wakes_somebody():
    kinds = re.findall(r'^headgate_streams_alarmed\{kind="([^"]+)"', rendered("text", NODE), re.M)
    assert len(kinds) > 10
    selectors = re.findall(r'headgate_streams_alarmed\{kind=~?"([^"]+)"', " ".join(rule_expressions()))
    woken = {kind for one in selectors for kind in one.split("|")}
    assert woken == set(kinds), f"no rule, or no such condition: {woken ^ set(kinds)}"


def panels():
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def test_the_dashboard_shows_what_there_is():
    shown = set()
    for panel in panels():
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            shown |= expect_known(target["expr"], panel["title"])
            assert target["datasource"]["uid"] == "${datasource}", panel["title"]
    for annotation in DASHBOARD["annotations"]["list"]:
        expect_known(annotation["expr"], "annotations")
    assert len(shown) > 40


def test_the_dashboards_expressions_can_be_evaluated():
    """Prometheus' parser reads each, as a rule's."""
    expressions = [target["expr"] for panel in panels() for target in panel["targets"]]
    for word, value in (("$__rate_interval", "1m"), ("$instance", ".*")):
        expressions = [one.replace(word, value) for one in expressions]
    rules = [{"record": f"a:b{number}:c", "expr": one} for number, one in enumerate(expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        assert f"SUCCESS: {len(rules)} rules found" in promtool("check", "rules", file.name)


def test_the_dashboard_is_put_together_as_grafana_wants_it():
    for field in ("title", "uid", "schemaVersion", "panels", "templating", "time"):
        assert field in DASHBOARD, field
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    assert variables["instance"]["datasource"]["uid"] == "${datasource}"
    assert [one["title"] for one in DASHBOARD["panels"] if one["type"] == "row"] == ROWS
    ids = [one["id"] for one in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert all(0 <= x < 24 for x, _ in cells) and not cells & taken, f"{panel['title']} is in the way"
        taken |= cells
        if panel["type"] != "row":
            assert panel["fieldConfig"]["defaults"]["unit"] and panel["datasource"]["type"] == "prometheus"


tap.run(globals())
