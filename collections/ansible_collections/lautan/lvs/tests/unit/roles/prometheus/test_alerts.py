# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alerts: each is fired by its fault and by nothing else, and each is explained."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.lautan.lvs.plugins.module_utils._metrics.model import FAMILIES
from ansible_collections.lautan.lvs.tests.unit.roles.prometheus.rule_cases import CASES, document
from ansible_collections.lautan.lvs.tests.unit.roles.rendering import ROLES, rendered

RUNBOOKS = ROLES.parents[4] / "docs/runbooks"
TARGETS = [{"name": "director1", "address": "192.0.2.11", "role": "director"}]
VARIABLES: dict[str, Any] = {"ansible_managed": "Managed", "prometheus_targets": TARGETS}
METRIC = re.compile(r"\blautan_\w+")
# What prometheus-node-exporter itself tells, with the collectors that the role monitoring gives it.
NODE_METRIC = re.compile(r"\bnode_\w+")
NODE_METRICS = {"node_ipvs_backend_connections_active", "node_ipvs_backend_connections_inactive", "node_load1"}
NODE_METRICS |= {"node_cpu_seconds_total", "node_network_receive_bytes_total", "node_network_transmit_bytes_total"}


def rules(**variables: Any) -> str:
    return rendered("prometheus", "lautan.rules.yml.j2", {**VARIABLES, **variables})


ALERTS = yaml.safe_load(rules())["groups"][0]["rules"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
class TestAlert:
    def test_says_what_is_wrong_and_where_to_read_on(self, alert: dict[str, Any]) -> None:
        assert alert["labels"]["severity"] in ("critical", "warning")
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
        path, anchor = alert["annotations"]["runbook_url"].split("#")
        headings = re.findall(r"^## (.+)$", (RUNBOOKS.parents[1] / path).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {heading.lower() for heading in headings}

    def test_is_about_metrics_that_there_are(self, alert: dict[str, Any]) -> None:
        assert set(METRIC.findall(alert["expr"])) <= FAMILIES.keys()

    def test_is_fired_in_a_case(self, alert: dict[str, Any]) -> None:
        assert alert["alert"] in set().union(*(alerts for dummy, alerts in CASES.values()))


def test_every_alert_of_the_runbook_is_there() -> None:
    text = (RUNBOOKS / "alerts.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (Lautan\w+)$", text, re.MULTILINE) == [alert["alert"] for alert in ALERTS]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is tried in the lab, scenario monitoring")
@pytest.mark.parametrize("patience", [5, 60])
def test_cases(tmp_path: Path, patience: int) -> None:
    (tmp_path / "rules.yml").write_text(rules(prometheus_patience=patience))
    (tmp_path / "cases.yml").write_text(json.dumps(document("rules.yml")))
    done = subprocess.run(
        ["promtool", "test", "rules", "cases.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_options_are_obeyed() -> None:
    text = rules(
        prometheus_patience=5,
        prometheus_metrics_age=77,
        prometheus_certificate_days=2,
        prometheus_drained_hours=3,
        prometheus_runbook_url="https://wiki.example.org/alerts",
    )
    found = {alert["alert"]: alert for alert in yaml.safe_load(text)["groups"][0]["rules"]}
    assert {alert.get("for", "5s") for alert in found.values()} == {"5s"}
    assert "[90s]" in found["LautanRealServerFlapping"]["expr"]
    assert "> 77" in found["LautanMetricsStale"]["expr"]
    assert found["LautanCertificateExpires"]["expr"].endswith("< 172800")
    assert found["LautanDrainedTooLong"]["expr"].endswith("> 10800")
    url = "https://wiki.example.org/alerts#lautannomaster"
    assert found["LautanNoMaster"]["annotations"]["runbook_url"] == url


@pytest.mark.parametrize("alertmanagers", [[], ["192.0.2.42:9093"]])
def test_whom_prometheus_asks_and_tells(alertmanagers: list[str]) -> None:
    variables = {**VARIABLES, "prometheus_alertmanagers": alertmanagers, "prometheus_scrape_interval": 5}
    found = yaml.safe_load(rendered("prometheus", "prometheus.yml.j2", variables))
    assert found["scrape_configs"] == [
        {
            "job_name": "lautan",
            "static_configs": [
                {"targets": ["192.0.2.11:9100"], "labels": {"instance": "director1", "role": "director"}},
            ],
        }
    ]
    assert found["global"] == {"scrape_interval": "5s", "scrape_timeout": "5s", "evaluation_interval": "5s"}
    told = found.get("alerting", {"alertmanagers": [{"static_configs": [{"targets": []}]}]})
    assert told["alertmanagers"][0]["static_configs"][0]["targets"] == alertmanagers


def test_dashboard_shows_metrics_that_there_are() -> None:
    dashboard = json.loads((ROLES / "prometheus/files/lautan-lvs.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert expressions
    for expression in expressions:
        assert set(METRIC.findall(expression)) <= FAMILIES.keys(), expression
        assert set(NODE_METRIC.findall(expression)) <= NODE_METRICS, expression
        assert METRIC.search(expression) or NODE_METRIC.search(expression) or "ALERTS" in expression
