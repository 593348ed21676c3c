# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/keepalived_verdict.py: nothing that went wrong with a change of keepalived may pass for right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from tools.keepalived_changes import Change, Config, plan, put
from tools.keepalived_verdict import Judge, Look, Outcome, read_look, report

TEXT = (Path(__file__).parent / "fixtures" / "director1-keepalived.conf").read_text(encoding="utf-8")
ORIGINAL = parse(TEXT).document

# As a terminal gives it: raw tasks have one.
TOLD = """time 1764056263.512341877\r
sha256 446a456348eeebd83fc52c97643165013eec75b62f6b472fd4cf419e42920caf -\r
main 812\r
children 1812 1813\r
addresses 127.0.0.1/8 ::1/128 198.18.0.11/24 198.18.0.100/32 fd00:c612::100/128 fd00:c612::11/64\r
-A -f 1021 -s rr -o\r
-a -f 1021 -r 198.18.0.21:0 -g -w 1\r
-A -t 198.18.0.100:443 -s mh -b mh-fallback,mh-port\r
-a -t 198.18.0.100:443 -r 198.18.0.21:443 -g -w 0\r
-a -t 198.18.0.100:443 -r 198.18.0.22:443 -g -w 12\r
-A -t [fd00:c612::100]:443 -s mh -b mh-fallback,mh-port\r
-a -t [fd00:c612::100]:443 -r [fd00:c612::21]:443 -g -w 1\r
Shared connection to 198.18.0.11 closed.\r
"""


def test_read_look() -> None:
    look = read_look(TOLD)
    assert look.time == pytest.approx(1764056263.512)
    assert look.sha256 == "446a456348eeebd83fc52c97643165013eec75b62f6b472fd4cf419e42920caf"
    assert (look.main, look.children) == ("812", {"1812", "1813"})
    assert {"198.18.0.100", "fd00:c612::100"} < look.addresses
    assert look.schedulers == {"-t 198.18.0.100:443": "mh", "-t [fd00:c612::100]:443": "mh"}
    assert look.weights == {
        ("-t 198.18.0.100:443", "198.18.0.21:443"): 0,
        ("-t 198.18.0.100:443", "198.18.0.22:443"): 12,
        ("-t [fd00:c612::100]:443", "[fd00:c612::21]:443"): 1,
    }


def test_a_dead_keepalived_has_no_children() -> None:
    look = read_look(TOLD.replace("main 812", "main 0").replace("children 1812 1813", "children"))
    assert (look.main, look.children) == ("0", frozenset())


@pytest.mark.parametrize("word", ["time", "sha256", "main", "children", "addresses"])
def test_half_a_look_is_none(word: str) -> None:
    lines = [line for line in TOLD.splitlines() if not line.startswith(word)]
    with pytest.raises(ValueError, match=f"did not tell its {word}"):
        read_look("\n".join(lines))


# --- A director that does as it is told ---


class Director:
    """What a director looks like that runs with a configuration."""

    def __init__(self) -> None:
        self.config, self.time = ORIGINAL, 1000.0

    def look(self) -> Look:
        text = json.dumps(self.config, sort_keys=True)
        lines = [f"time {self.time}", f"sha256 {hashlib.sha256(text.encode()).hexdigest()} -"]
        lines += ["main 812", "children 1812 1813"]
        vips = [
            item["ip"]
            for instance in self.config["vrrp_instances"]
            for key in ("virtual_ipaddress", "virtual_ipaddress_excluded")
            for item in instance[key]
        ]
        lines.append(f"addresses 198.18.0.11/24 {' '.join(vips)}")
        for service in self.config["virtual_servers"]:
            place = self.endpoint(service)
            lines.append(f"-A -t {place} -s {service['lvs_sched']}")
            lines += [
                f"-a -t {place} -r {self.endpoint(server)} -g -w {server['weight']}"
                for server in service["real_servers"]
            ]
        return read_look("\n".join(lines))

    def endpoint(self, item: Config) -> str:
        ip = f"[{item['ip']}]" if ":" in item["ip"] else item["ip"]
        return f"{ip}:{item['port']}"

    def apply(self, change: Change) -> tuple[dict[str, Any], Look]:
        self.time += 4 if change.valid else 1
        if not change.valid:
            said = f"so and so: {change.says}: wrong"
            return {"failed": True, "changed": False, "errors": [said], "msg": said}, self.look()
        self.config = change.config
        return {"changed": True}, self.look()


def outcomes(changes: list[Change]) -> list[Outcome]:
    director = Director()
    judge = Judge(ORIGINAL, director.look())
    return [judge.outcome(change, *director.apply(change)) for change in changes]


def test_nothing_is_wrong_with_a_hundred_good_ones() -> None:
    every = outcomes(plan(ORIGINAL, "198.18.0.100", 100, 30))
    assert [each.faults for each in every] == [()] * 100
    assert not any(each.restarted for each in every)
    assert {(each.change.valid, each.seconds) for each in every} == {(True, 4.0), (False, 1.0)}


# --- What must be noticed ---

WEIGHT = Change("weight", put(ORIGINAL, "virtual_servers[0].real_servers[0].weight", 7))
SERVICE = Change(
    "service",
    put(ORIGINAL, "virtual_servers", lambda old: [*old, old[0] | {"ip": "198.18.0.101"}]),
)
PRIORITY = Change("priority", put(ORIGINAL, "vrrp_instances[0].priority", 300), "module", "priority")

Spoil = Callable[[dict[str, Any], Look, Look], tuple[dict[str, Any], Look]]


@pytest.mark.parametrize(
    ("change", "spoil", "fault"),
    [
        (WEIGHT, lambda done, look, old: ({"failed": True, "msg": "no"}, look), "it failed: no"),
        (WEIGHT, lambda done, look, old: ({"changed": False}, look), "changed nothing"),
        (WEIGHT, lambda done, look, old: (done, replace(look, sha256=old.sha256)), "the file did not change"),
        (
            WEIGHT,
            lambda done, look, old: (done, replace(look, addresses=frozenset({"198.18.0.11"}))),
            "addresses wanted",
        ),
        (WEIGHT, lambda done, look, old: (done, replace(look, main="999")), "was restarted"),
        (WEIGHT, lambda done, look, old: (done, replace(look, children=frozenset({"1812", "9"}))), "was restarted"),
        (WEIGHT, lambda done, look, old: (done, replace(look, children=frozenset())), "was restarted"),
        (WEIGHT, lambda done, look, old: (done, replace(look, schedulers={})), "virtual servers wanted"),
        (SERVICE, lambda done, look, old: (done, replace(look, schedulers=old.schedulers)), "virtual servers wanted"),
        (PRIORITY, lambda done, look, old: ({"changed": False}, look), "it was not refused"),
        (PRIORITY, lambda done, look, old: ({}, look), "it was not refused"),
        (PRIORITY, lambda done, look, old: (done | {"errors": ["no python"]}, look), "not because of priority"),
        (PRIORITY, lambda done, look, old: ({"failed": True, "msg": "unreachable"}, look), "not because of priority"),
        (PRIORITY, lambda done, look, old: (done | {"changed": True}, look), "changed something"),
        (PRIORITY, lambda done, look, old: (done, replace(look, sha256="0")), "the file changed"),
        (PRIORITY, lambda done, look, old: (done, replace(look, addresses=frozenset())), "addresses changed"),
        (PRIORITY, lambda done, look, old: (done, replace(look, schedulers={})), "virtual servers or addresses"),
        (PRIORITY, lambda done, look, old: (done, replace(look, main="0")), "was restarted"),
    ],
)
def test_fault(change: Change, spoil: Spoil, fault: str) -> None:
    director = Director()
    first = director.look()
    done, look = director.apply(change)
    right = Judge(ORIGINAL, first).outcome(change, done, look)
    assert right.faults == ()
    wrong = Judge(ORIGINAL, first).outcome(change, *spoil(done, look, first))
    assert any(fault in line for line in wrong.faults), wrong.faults
    assert wrong.restarted == (fault == "was restarted")


def test_a_process_more_is_no_restart() -> None:
    """One that tries the file, before a reload."""
    director = Director()
    judge = Judge(ORIGINAL, director.look())
    done, look = director.apply(WEIGHT)
    assert judge.outcome(WEIGHT, done, replace(look, children=look.children | {"2000"})).faults == ()


def test_one_restart_counts_once() -> None:
    director = Director()
    judge = Judge(ORIGINAL, director.look())
    again = {"main": "900", "children": frozenset({"1900", "1901"})}
    restarted = []
    for change in (WEIGHT, SERVICE, PRIORITY):
        done, look = director.apply(change)
        restarted.append(judge.outcome(change, done, replace(look, **again)).restarted)
    assert restarted == [True, False, False]


def test_a_weight_that_keepalived_never_took() -> None:
    director = Director()
    first = director.look()
    judge = Judge(ORIGINAL, first)
    assert judge.outcome(WEIGHT, *director.apply(WEIGHT)).faults == ()
    done, look = director.apply(PRIORITY)
    (fault,) = judge.outcome(PRIORITY, done, replace(look, weights=first.weights)).faults
    assert "weights that nobody asked for" in fault
    assert "198.18.0.21:443" in fault


def test_a_real_server_that_is_not_well_is_nobodys_fault() -> None:
    director = Director()
    judge = Judge(ORIGINAL, director.look())
    done, look = director.apply(PRIORITY)
    well = dict(list(look.weights.items())[1:])
    assert judge.outcome(PRIORITY, done, replace(look, weights=well)).faults == ()


def test_the_same_configuration_must_give_the_same_file() -> None:
    director = Director()
    judge = Judge(ORIGINAL, director.look())
    again = Change("as it was", ORIGINAL)
    assert judge.outcome(WEIGHT, *director.apply(WEIGHT)).faults == ()
    done, look = director.apply(again)
    (fault,) = judge.outcome(again, done, replace(look, sha256="0")).faults
    assert "not the one that the same configuration gave" in fault


# --- The table ---


def test_report() -> None:
    right, wrong = outcomes([WEIGHT, PRIORITY])
    wrong = replace(wrong, faults=("it was not refused",), restarted=True)
    lines = [" ".join(line.split()) for line in report([right, wrong]).splitlines()]
    assert lines == [
        "valid, applied 1 of 1 4.0 s each (median), 4.0 s at most",
        "weight 1 of 1",
        "invalid, refused 0 of 1 1.0 s each (median), 1.0 s at most",
        "priority 0 of 1 by module",
        "restarts 1",
        "change 2, priority: it was not refused",
    ]


def test_report_without_invalid_ones() -> None:
    assert "invalid, refused" in report(outcomes([WEIGHT]))
