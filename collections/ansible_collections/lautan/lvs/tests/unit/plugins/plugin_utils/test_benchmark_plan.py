# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ways and runs a benchmark has, and what is made of what was seen."""

from __future__ import annotations

import base64
import gzip
from collections import Counter
from pathlib import Path

import pytest
import yaml

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_plan import benchmark_plan, benchmark_runs
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_results import _SAMPLE, _mistakes
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_samples import benchmark_samples, read_witness
from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_timeline import benchmark_timeline

DEFAULTS = yaml.safe_load((Path(__file__).parents[4] / "roles/benchmark/defaults/main.yml").read_text())
SERVERS = [{"name": f"rs{number}", "address": f"192.0.2.2{number}"} for number in (1, 2, 3)]
CLUSTER = {
    "domain": "conference.example.org",
    "vip": "192.0.2.100",
    "forwarding": "dr",
    "conference": True,
    "real_servers": SERVERS,
    "hosts": ["director1", "rs1", "rs2", "rs3"],
    "ports": [80, 443],
}
ASKED = {
    "profile": "full",
    "profiles": DEFAULTS["benchmark_profiles"],
    "port": 18100,
    "leave_out": [],
    "uplink_mbit": 100,
    "load_hosts": ["client"],
}
RUN = {"director": "192.0.2.11", "seed": 1, "load_hosts": 1}


def plan(cluster=(), **asked) -> dict:
    return benchmark_plan({**CLUSTER, **dict(cluster)}, {**ASKED, **asked})


def test_all_ways_have_ports_of_their_own() -> None:
    told = plan()
    assert told["mistakes"] == []
    ways = [(way["path"], way["scheduler"], len(way["servers"]), way["port"]) for way in told["paths"]]
    assert ways == [
        ("direct", None, 1, 18100),
        ("dr", "rr", 1, 18102),
        ("dr", "rr", 2, 18104),
        ("dr", "rr", 3, 18106),
        ("dr", "wlc", 3, 18108),
        ("dr", "sh", 3, 18110),
        ("dr", "mh", 3, 18112),
        ("nat", "rr", 3, 18114),
        ("haproxy", "rr", 3, 18116),
        ("nginx", "rr", 3, 18118),
    ]
    assert told["ports"] == {"first": 18100, "last": 18119}


def test_what_is_left_out_is_not_there() -> None:
    told = plan(leave_out=["haproxy", "nginx", "nat"], profile="quick")
    assert {way["path"] for way in told["paths"]} == {"direct", "dr"}
    assert {run["about"]["path"] for run in benchmark_runs(told, "closed", 1, [], RUN)} == {"direct", "dr"}


def test_one_real_server() -> None:
    told = plan({"real_servers": SERVERS[:1], "conference": False})
    assert [len(way["servers"]) for way in told["paths"]] == [1] * len(told["paths"])
    assert [way["group"] for way in told["paths"]].count("growth") == 0
    assert "signalling" not in told["profile"]["open"]


def test_all_mistakes_at_once() -> None:
    told = plan({"forwarding": "tun"}, profile="slow", leave_out=["dr"], port=80, uplink_mbit=-1, load_hosts=["rs1"])
    assert told["mistakes"] == [
        "lvs_forwarding=tun: a benchmark compares other ways with dr, and needs that",
        "profile=slow: is none of quick, full",
        "benchmark_leave_out: dr is none of nat, haproxy, nginx",
        "benchmark_port=80: must be 1024 to 65535",
        "benchmark_uplink_mbit=-1: must not be negative",
        "benchmark_load_hosts: rs1 is in the cluster, and would measure itself",
    ]
    assert "nobody who asks" in plan(load_hosts=[])["mistakes"][0]
    assert plan({"ports": [443, 18105]})["mistakes"] == [
        "benchmark_port=18100: ports to 18119 are needed, and the cluster has 18105 itself"
    ]
    own = {
        "rounds": 0,
        "seconds": 1.5,
        "warmup": 0,
        "closed": {"signalling": ["dr"], "small": ["drr"]},
        "open": {"small": {"paths": ["dr"], "shares": [0.5]}, "connect": {"paths": ["dr"]}},
    }
    assert plan(profiles={"full": own})["mistakes"] == [
        "benchmark_profiles.full.rounds=0: must be a whole number from 1",
        "benchmark_profiles.full.seconds=1.5: must be a whole number from 1",
        "benchmark_profiles.full.closed.signalling: is none of small, download, connect, tls",
        "benchmark_profiles.full.closed.small: drr is none of direct, growth, dr, schedulers, nat, haproxy, nginx",
        "benchmark_profiles.full.open.small.shares: closed.small must have dr, of which they are",
        "benchmark_profiles.full.open.connect: must have shares (of what LVS-DR did at most) or rates (a second)",
    ]
    assert "must have" in plan(profiles={"full": []})["mistakes"][0]


def test_rounds_have_the_same_runs_in_another_order() -> None:
    told = plan()
    first, second = (benchmark_runs(told, "closed", number, [], RUN) for number in (1, 2))
    names = [[each["run"]["name"] for each in runs] for runs in (first, second)]
    assert names[0] != names[1]
    assert Counter(names[0]) == Counter(names[1])
    assert max(Counter(names[0]).values()) == 1
    assert first == benchmark_runs(told, "closed", 1, [], RUN)
    assert first != benchmark_runs(told, "closed", 1, [], {**RUN, "seed": 2})
    addresses = {each["about"]["path"]: each["run"]["address"] for each in first}
    assert addresses == {
        "direct": "192.0.2.21",
        "dr": "192.0.2.100",
        "nat": "192.0.2.100",
        "haproxy": "192.0.2.11",
        "nginx": "192.0.2.11",
    }
    tls = next(each for each in first if each["run"]["name"] == "tls dr rr 2")
    assert (tls["run"]["port"], tls["run"]["fresh"], tls["run"]["tls"]) == (18105, True, True)


def test_loads_follow_from_what_lvs_dr_could_do() -> None:
    told = plan()
    closed = benchmark_runs(told, "closed", 1, [], RUN)
    rates = {"small": 20123.4, "connect": 4000.0}
    results = [{"rate": rates.get(each["about"]["workload"], 1) if each["group"] == "dr" else 7} for each in closed]
    done = [{"runs": closed, "results": results}]
    runs = benchmark_runs(told, "open", 1, done, RUN)
    offered = sorted({each["about"]["offered"] for each in runs if each["about"]["workload"] == "small"})
    assert offered == [1000, 5000, 10000, 14000, 18000, 22000]
    assert {each["about"]["offered"] for each in runs if each["about"]["workload"] == "connect"} == {200, 2000}
    # What later rounds could do changes nothing, and two load hosts share it.
    later = [{"runs": benchmark_runs(told, "closed", 2, done, RUN), "results": [{"rate": 1}] * len(closed)}]
    shared = benchmark_runs(told, "open", 2, done + later, {**RUN, "load_hosts": 2})
    small = [each for each in shared if each["about"]["workload"] == "small" and each["about"]["path"] == "direct"]
    assert sorted(each["run"]["rate"] for each in small) == offered
    assert sorted(each["about"]["offered"] for each in small) == [2 * rate for rate in offered]
    # Without it there is nothing to offer.
    nothing = benchmark_runs(told, "open", 1, [], RUN)
    assert {each["about"]["workload"] for each in nothing} == {"signalling"}


def test_full_takes_an_hour_at_most() -> None:
    told = plan()
    runs = len(benchmark_runs(told, "closed", 1, [], RUN))
    every = runs + sum(
        len(part["paths"]) * len(part.get("shares", part.get("rates"))) for part in told["profile"]["open"].values()
    )
    profile = told["profile"]
    assert profile["rounds"] * every * (profile["seconds"] + profile["warmup"] + 0.5) < 3600
    assert profile["rounds"] >= 5


# --- What was seen ---


def witness(*rows: tuple[float, ...], processors: int = 2, container: int = 0) -> str:
    lines = [f"{processors} {container}", *(" ".join(f"{value:g}" for value in row) for row in rows)]
    return base64.b64encode(gzip.compress("\n".join(lines).encode())).decode()


ABOUT = {"workload": "small", "path": "dr", "scheduler": "rr", "servers": 2, "round": 1, "offered": None}
RESULT = {
    "name": "small dr",
    "begin": 101.0,
    "end": 103.0,
    "seconds": 2.0,
    "answered": 2000,
    "failed": 0,
    "rate": 1000.0,
    "bytes": 2400000,
    "latency": None,
    "by_server": {},
    "sent": None,
    "troubles": "",
    "error": "",
}


def samples(*results: dict, told: dict, about: dict | None = None) -> list[dict]:
    about = about or ABOUT
    done = {f"load{number}": [{"runs": [{"about": about}], "results": [each]}] for number, each in enumerate(results)}
    return benchmark_samples(done, told, {"director": "director1", "real_servers": ["rs1", "rs2", "rs3"]})


def test_what_hosts_did_meanwhile() -> None:
    # Straight lines: each second 100 ticks, 50 of them busy, 10 stolen, and so on.
    line = [(100 + n, 50 * n, 100 * n, 10 * n, 0, 300 * n, 1000 * n, 600 * n) for n in range(6)]
    container = [(100 + n, 90 * n, 100 * n, 0, 500000 * n, 0, 0, 400 * n) for n in range(6)]
    told = {
        "director1": witness(*line),
        "rs1": witness(*line),
        "rs2": witness(*container, container=1),
        "load0": witness(*container, container=1),
        "rs3": witness(*line),
        "director2": "",
    }
    (sample,) = samples(RESULT, told=told)
    assert _mistakes("", sample, _SAMPLE) == []
    assert sample["busy"] == {"director": 0.5, "rs1": 0.5, "rs2": 0.25, "rs3": 0.5, "load": 0.25, "machine": 0.9}
    assert sample["steal"]["director"] == 0.1
    assert sample["director_bytes"] == 2000
    # Not of the third, which this way does not use.
    assert sample["by_server"] == {"rs1": 1200, "rs2": 800}


def test_a_witness_that_looked_at_another_time() -> None:
    (sample,) = samples(RESULT, told={"director1": witness((101.5, *[0] * 7), (102, *[1] * 7))})
    assert (sample["busy"], sample["director_bytes"]) == ({}, None)
    assert _mistakes("", sample, _SAMPLE) == []
    # It was killed while it wrote.
    text = gzip.decompress(base64.b64decode(witness((1, *[0] * 7)))).decode() + "\n2 3"
    assert len(read_witness(base64.b64encode(gzip.compress(text.encode())).decode()).rows) == 1


def test_several_load_hosts() -> None:
    open_loop = {
        **RESULT,
        "latency": {"p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.0},
        "sent": 2000,
        "by_server": {"rs1": 9},
    }
    slower = {**open_loop, "latency": {"p50": 0.5, "p95": 2.5, "p99": 3.0, "max": 5.0}, "by_server": {"rs2": 1}}
    (sample,) = samples(open_loop, slower, about={**ABOUT, "offered": 2000.0}, told={})
    assert (sample["rate"], sample["answered"], sample["sent"]) == (2000.0, 4000, 4000)
    assert sample["latency"] == {"p50": 1.0, "p95": 2.5, "p99": 3.0, "max": 5.0}
    assert sample["by_server"] == {"rs1": 9, "rs2": 1}


HISTORY = {
    "begin": 1000.0,
    "seconds": 10.0,
    "requests": [{"t": 3.1, "answered": 4, "failed": 0}, {"t": 3.2, "answered": 0, "failed": 5}],
    "latency": [],
}
LOAD = {"history": HISTORY, "failed": 5, "gap": 0.4, "gap_at": 1006.0}


@pytest.mark.parametrize(
    ("about", "at", "until"),
    [
        ({"whole": 30.0}, 3.2, 10.0),
        ({"whole": None}, 3.2, None),
        ({"at": 1002.0, "until": 1004.5}, 2.0, 4.5),
        ({"at": 999.0, "until": 1004.5}, 0.0, 4.5),
    ],
)
def test_a_timeline(about, at, until) -> None:
    frames = '{"at": 999.0, "fps": 1}\n{"at": 1001.5, "fps": 24.5}\n'
    told = benchmark_timeline(LOAD, {"event": "drain", "frames": frames, **about})
    assert (told["at"], told["until"]) == (at, until)
    assert told["frames"] == [{"t": 1.5, "fps": 24.5}]
    assert (told["failed"], told["gap"], told["requests"]) == (5, 0.4, HISTORY["requests"])


def test_a_timeline_without_a_failure() -> None:
    whole = {**HISTORY, "requests": [{"t": 0.0, "answered": 1, "failed": 0}]}
    assert benchmark_timeline({**LOAD, "history": whole}, {"event": "director_dies"})["at"] == 6.0
