# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drill reports."""

from __future__ import annotations

import json

import pytest
import yaml

from ansible_collections.lautan.lvs.plugins.filter import drill_lines, drill_look, drill_plan, drill_report
from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_plan import LIMITS
from ansible_collections.lautan.lvs.tests.unit.plugins.plugin_utils import test_drill_look, test_drill_plan

report = drill_report.FilterModule().filters()["drill_report"]
lines = drill_lines.FilterModule().filters()["drill_lines"]
STEP = {"fault": "keepalived-stopped", "limits": LIMITS["director"], "optional": False}
BEFORE = {"victim": "director1", "holders": {"192.0.2.100": ["director1"], "192.0.2.101": ["director1"]}}
AFTER = {"holders": {vip: ["director2"] for vip in BEFORE["holders"]}, "left": []}
NOTICED = {
    "requests": 600,
    "failed": 0,
    "slow": 3,
    "gap": 0.1234,
    "gap_at": 1000.0,
    "hurt_until": 1000.5,
    "held_alive": True,
    "held_gap": 0.3,
    "held_server": "rs1",
    "error": "",
}
SECONDS = [{"second": 0, "answered": {"rs1": 20}, "failed": 0}]


def run(noticed: dict | None = None, **more: object) -> dict:
    load = {"noticed": {**NOTICED, **(noticed or {})}, "seconds": SECONDS}
    return {
        "date": "2026-11-28T08:00:00+00:00",
        "impossible": "",
        "happened": True,
        "whole": 31.6,
        "load": load,
        **more,
    }


def test_a_fault_that_went_well() -> None:
    told = report(STEP, BEFORE, AFTER, run())
    assert (told["victim"], told["missed"], told["skipped"]) == ("director1", [], "")
    assert (told["load"]["hurt"], told["load"]["held"], told["load"]["seconds"]) == (0, "alive", SECONDS)
    assert json.loads(json.dumps(told)) == told
    assert lines([told]) == [
        "fault               victim     VIPs                    gap s  failed  slow  hurt s  held   whole s  verdict",
        "keepalived-stopped  director1  director1 -> director2  0.123  0/600   3     0       alive  32       well",
    ]


@pytest.mark.parametrize(
    ("noticed", "more", "missed"),
    [
        ({"gap": 2.5}, {}, "gap: 2.5 s, and the limit is 2"),
        ({"failed": 1}, {}, "failed: 1 requests, and the limit is 0"),
        ({}, {"whole": 301.0}, "whole: 301 s, and the limit is 300"),
        (
            {"held_alive": False, "error": "reset"},
            {},
            "the held connection was lost, though rs1 lived: reset",
        ),
        ({}, {"happened": False}, "it is not known to have happened: see journalctl --unit=lautan-drill there"),
        ({}, {"load": {"msg": "no way"}}, "what clients noticed is not known: no way"),
        ({}, {"load": {}}, "what clients noticed is not known: the load did not end"),
    ],
)
def test_what_is_not_as_it_should_be(noticed: dict, more: dict, missed: str) -> None:
    told = report(STEP, BEFORE, AFTER, run(noticed, **more))
    assert told["missed"] == [missed]
    assert lines([told])[1].endswith("missed")
    assert lines([told])[2:] == [f"! keepalived-stopped of director1: {missed}"]


def test_seconds_in_which_requests_failed() -> None:
    """However many there are in each of them."""
    bad = [{"second": second, "answered": {}, "failed": second % 3} for second in range(33)]
    told = report(
        {**STEP, "limits": {**STEP["limits"], "failed": 99}},
        BEFORE,
        AFTER,
        run(load={"noticed": NOTICED, "seconds": bad}),
    )
    assert told["missed"] == ["hurt: 22 s, and the limit is 10"]


def test_the_limit_itself_is_no_fault() -> None:
    assert report(STEP, BEFORE, AFTER, run({"gap": 2.0}, whole=300.0))["missed"] == []


def test_a_connection_to_the_victim_may_die_with_it() -> None:
    step = {"fault": "frozen", "limits": LIMITS["real server"], "optional": False}
    noticed = {"held_alive": False, "held_server": "rs1", "error": "reset", "failed": 7}
    told = report(step, {**BEFORE, "victim": "rs1"}, {**AFTER, "holders": BEFORE["holders"]}, run(noticed))
    assert (told["missed"], told["load"]["held"]) == ([], "died with it")
    assert lines([told])[1].split()[:3] == ["frozen", "rs1", "director1"]


def test_a_cluster_that_is_not_whole() -> None:
    after = {"holders": {"192.0.2.100": []}, "left": ["director1 does not answer on ssh"]}
    told = report(STEP, BEFORE, after, run(whole=400.0))
    assert (told["whole"], told["missed"]) == (None, ["director1 does not answer on ssh"])
    assert "director1 -> none" in lines([told])[1]


@pytest.mark.parametrize(("optional", "missed"), [(True, []), (False, ["it is a container"])])
def test_what_is_not_possible_is_left_out(optional: bool, missed: list[str]) -> None:
    impossible = run(impossible="it is a container", happened=False)
    told = report({**STEP, "optional": optional}, BEFORE, {**AFTER, "holders": BEFORE["holders"]}, impossible)
    assert (told["missed"], told["skipped"], told["load"]) == (missed, "it is a container", None)
    assert "was left out: it is a container" in "\n".join(lines([told])) or missed


def test_everything_is_documented() -> None:
    def contents(documentation: str) -> dict:
        return yaml.safe_load(documentation)["_value"]["contains"]

    planned = drill_plan.FilterModule().filters()["drill_plan"](
        test_drill_plan.cluster(), test_drill_plan.asked("frozen"), test_drill_plan.RULES, test_drill_plan.SATURDAY
    )
    assert set(planned) == set(contents(drill_plan.RETURN))
    assert set(planned["steps"][0]) == set(contents(drill_plan.RETURN)["steps"]["contains"])
    look = drill_look.FilterModule().filters()["drill_look"](test_drill_look.CLUSTER, test_drill_look.WELL)
    assert set(look) == set(contents(drill_look.RETURN))
    assert set(report(STEP, BEFORE, AFTER, run())) == set(contents(drill_report.RETURN))
