# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drill breaks, and what it refuses."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest

from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_faults import DIRECTOR, FAULTS, REAL_SERVER
from ansible_collections.lautan.lvs.plugins.plugin_utils._drill_plan import LIMITS, drill_plan

SATURDAY = 1795852800.0  # 2026-11-28 08:00 UTC
RULES = {"window": ["Sat 06:00-12:00"], "timezone": "UTC", "seconds": 20, "limits": {}}


def cluster(directors: int = 2, real_servers: int = 3, conference: bool = True) -> dict:
    return {
        "domain": "conference.example.org",
        "directors": [{"name": f"director{n}", "address": f"192.0.2.1{n}"} for n in range(1, directors + 1)],
        "real_servers": [{"name": f"rs{n}", "address": f"192.0.2.2{n}"} for n in range(1, real_servers + 1)],
        "vips": ["192.0.2.100"],
        "conference": conference,
    }


def asked(fault: str, **more: object) -> dict:
    return {"fault": fault, "host": "", "confirm": "conference.example.org", "force": False, **more}


def plan(fault: str, rules: dict | None = None, now: float = SATURDAY, of: dict | None = None, **more: object) -> dict:
    return drill_plan(of or cluster(), asked(fault, **more), {**RULES, **(rules or {})}, now)


def test_one_fault() -> None:
    planned = plan("keepalived-stopped")
    assert planned["mistakes"] == []
    (step,) = planned["steps"]
    assert (step["fault"], step["kind"], step["host"]) == ("keepalived-stopped", DIRECTOR, "")
    assert step["undone"] == "keepalived is started after 20 s"
    assert step["limits"] == LIMITS[DIRECTOR]
    assert step["optional"] is False


def test_a_host_says_what_kind_of_fault_it_is() -> None:
    (step,) = plan("cable", host="rs2")["steps"]
    assert (step["kind"], step["host"], step["limits"]) == (REAL_SERVER, "rs2", LIMITS[REAL_SERVER])
    (step,) = plan("cable")["steps"]
    assert (step["kind"], step["host"]) == (DIRECTOR, "")


def test_several_in_their_order() -> None:
    assert [step["fault"] for step in plan("frozen, keepalived-killed")["steps"]] == ["frozen", "keepalived-killed"]


def test_all_of_them_to_every_kind_of_host() -> None:
    steps = plan("all")["steps"]
    assert {(step["fault"], step["kind"]) for step in steps} == {
        (name, kind) for name, fault in FAULTS.items() for kind in fault.of
    }
    assert all(step["optional"] for step in steps)
    assert {step["kind"] for step in plan("all", host="rs1")["steps"]} == {REAL_SERVER}
    without = plan("all", of=cluster(conference=False))
    assert without["mistakes"] == []
    assert "janus-killed" not in {step["fault"] for step in without["steps"]}


def test_limits_of_the_inventory_take_the_place_of_some() -> None:
    (step,) = plan("frozen", {"limits": {"real_server": {"failed": 5}}})["steps"]
    assert step["limits"] == {**LIMITS[REAL_SERVER], "failed": 5}


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        ({"fault": ""}, "fault=: name one with -e fault=NAME: keepalived-stopped, "),
        ({"fault": "fire"}, "fault=fire: is none of keepalived-stopped, "),
        ({"fault": "frozen", "host": "rs9"}, "host=rs9: is not in the cluster, which has director1, director2, rs1, "),
        ({"fault": "frozen", "host": "director1"}, "fault=frozen: director1 is a director, and it happens to a real s"),
        ({"fault": "janus-killed", "of": cluster(conference=False)}, "fault=janus-killed: there is no conference"),
        ({"fault": "reboot", "of": cluster(directors=1)}, "fault=reboot: there is only one director"),
        ({"fault": "frozen", "of": cluster(real_servers=1)}, "fault=frozen: there is only one real server"),
        ({"fault": "frozen", "confirm": ""}, "confirm='': say that you mean this cluster with -e confirm=conference."),
        ({"fault": "frozen", "confirm": "other.example.org"}, "confirm='other.example.org': say that you mean this"),
        (
            {"fault": "frozen", "now": SATURDAY + 86400},
            "drill_window: it is Sun 08:00 UTC, and drills are for Sat 06:00",
        ),
        ({"fault": "frozen", "rules": {"window": []}}, "drill_window: it is Sat 08:00 UTC, and the inventory has no"),
        ({"fault": "frozen", "rules": {"window": "Sat"}}, "drill_window='Sat': must be a list"),
        ({"fault": "frozen", "rules": {"window": ["Sat 6"]}}, "drill_window[0]='Sat 6': must be days and hours"),
        ({"fault": "frozen", "rules": {"timezone": "Mars"}}, "drill_timezone='Mars': is no time zone"),
        ({"fault": "frozen", "rules": {"seconds": 4}}, "drill_seconds=4: must be 5 to 300"),
        ({"fault": "frozen", "rules": {"seconds": 301}}, "drill_seconds=301: must be 5 to 300"),
        (
            {"fault": "frozen", "rules": {"limits": {"client": {}}}},
            "drill_limits.client: is none of director, real_serv",
        ),
        (
            {"fault": "frozen", "rules": {"limits": {"director": {"gaps": 1}}}},
            "drill_limits.director.gaps: is none of gap, failed, hurt, whole",
        ),
        (
            {"fault": "frozen", "rules": {"limits": {"director": {"gap": "1 s"}}}},
            "drill_limits.director.gap='1 s': must be a number",
        ),
    ],
)
def test_what_is_refused(options: dict, mistake: str) -> None:
    (found,) = plan(**options)["mistakes"]
    assert found.startswith(mistake)


def test_all_mistakes_at_once() -> None:
    assert len(plan("fire", {"window": ["x"], "seconds": 1}, confirm="", host="")["mistakes"]) == 4


def test_force_is_for_the_hour_and_for_nothing_else() -> None:
    assert plan("frozen", {"window": []}, force=True)["mistakes"] == []
    assert len(plan("frozen", {"window": ["x"]}, force=True, confirm="")["mistakes"]) == 2


@pytest.mark.parametrize("name", FAULTS)
def test_commands_can_be_handed_over(name: str) -> None:
    """They are put between quotes of the kind that they must not have, and sh understands them."""
    fault = FAULTS[name]
    assert "'" not in fault.do + fault.undo
    for command in (fault.do, fault.undo, fault.possible or "true"):
        subprocess.run(["sh", "-n", "-c", f"{{ {command}; }} && true"], check=True)
    assert fault.reboots or fault.undo != "true"


@pytest.mark.skipif(shutil.which("nft") is None, reason="nft is not installed")
@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.do.startswith("nft ")])
def test_rules_are_understood(name: str) -> None:
    rules = shlex.split(FAULTS[name].do)[1].replace("$INTERFACE", "lo")
    done = subprocess.run(["nft", "--check", rules], capture_output=True, text=True, check=False)
    assert "syntax error" not in done.stderr
