# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of a benchmark as a cluster might give them, made up, with a truth that tests know."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

# Bytes of an answer, and how many of them a second one real server, or the director in the way, can give at most.
SIZES = {"small": 1_300, "download": 1_048_800, "connect": 1_300, "tls": 900}
SERVER = {"small": 3_000.0, "download": 4.5, "connect": 900.0, "tls": 260.0}
DIRECTOR = {
    "dr": {"small": 21_000.0, "download": 900.0, "connect": 4_300.0, "tls": 4_000.0},
    "nat": {"small": 7_000.0, "download": 8.0, "connect": 2_100.0, "tls": 2_000.0},
    "haproxy": {"small": 2_500.0, "download": 6.0, "connect": 700.0, "tls": 500.0},
    "nginx": {"small": 2_900.0, "download": 6.5, "connect": 640.0, "tls": 480.0},
}
# What passes the director, of what clients receive.
PASSES = {"small": 0.35, "download": 0.03, "connect": 0.6, "tls": 0.9}
LOADS = (400, 800, 1_600, 2_400, 3_200, 4_800, 6_400, 8_000, 9_600)
_PATHS = (("direct", None), ("dr", "rr"), ("nat", "rr"), ("haproxy", "rr"), ("nginx", "rr"))
NAMES = ("rs1", "rs2", "rs3")


class MadeUp:
    """What happened, and what was seen of it.

    :param slow: how much of its speed each real server has.
    :param round_speed: how fast everything was in a round.
    :param noise: how far rounds lie apart.
    """

    def __init__(
        self,
        seed: int = 1,
        rounds: int = 7,
        slow: Mapping[str, float] | None = None,
        round_speed: Mapping[int, float] | None = None,
        noise: float = 0.02,
        steal: float = 0.0,
        neighbour: float = 0.0,
    ) -> None:
        self._random = random.Random(seed)
        self._rounds = rounds
        self._slow = slow or {}
        self._round_speed = round_speed or {}
        self._noise = noise
        self._steal = steal
        self._neighbour = neighbour

    def results(self, notes: tuple[str, ...] = ()) -> dict[str, Any]:
        samples = []
        for number in range(1, self._rounds + 1):
            for workload in SIZES:
                samples.append(self.sample(workload, "direct", None, 1, number))
                samples += [self.sample(workload, "dr", "rr", servers, number) for servers in (1, 2, 3)]
                samples += [self.sample(workload, path, "rr", 3, number) for path in ("nat", "haproxy", "nginx")]
            samples += [self.sample("small", "dr", scheduler, 3, number) for scheduler in ("wlc", "sh", "mh")]
            for path, scheduler in _PATHS:
                for offered in LOADS:
                    samples.append(
                        self.sample("small", path, scheduler, 1 if path == "direct" else 3, number, float(offered))
                    )
        return {
            "format": 1,
            "made": made(notes),
            "samples": samples,
            "timelines": [self.timeline(event) for event in ("director_dies", "real_server_dies", "drain", "update")],
            "rooms": [],
        }

    def sample(
        self, workload: str, path: str, scheduler: str | None, servers: int, number: int, offered: float | None = None
    ) -> dict[str, Any]:
        speeds = {name: SERVER[workload] * self._slow.get(name, 1.0) for name in NAMES[:servers]}
        if scheduler == "sh":
            speeds = {NAMES[-1]: SERVER[workload]}
        director = DIRECTOR.get(path, {}).get(workload, float("inf"))
        speed = self._random.lognormvariate(0.0, self._noise) * self._round_speed.get(number, 1.0)
        most = min(sum(speeds.values()), director) * speed
        rate = min(offered * self._random.uniform(0.995, 1.0), most) if offered else most
        answered = int(rate * 10)
        received = answered * SIZES[workload]
        crossed = 0 if path == "direct" else received * (PASSES[workload] if path == "dr" else 1.02)
        busy = {"load": 0.2 + 0.3 * rate / most, "director": 0.02 if path == "direct" else min(1.0, rate / director)}
        busy["machine"] = min(1.0, 0.3 + 0.5 * rate / most + self._neighbour)
        for name in NAMES:
            used = 0.2 if workload == "download" else 1.0
            busy[name] = min(1.0, used * rate / sum(speeds.values())) if name in speeds else 0.01
        return {
            "workload": workload,
            "path": path,
            "scheduler": scheduler,
            "servers": servers,
            "round": number,
            "offered": offered,
            "seconds": 10.0,
            "answered": answered,
            "failed": 0,
            "rate": rate,
            "bytes": received,
            "latency": self._latency(path, offered, most) if offered else None,
            "sent": int(offered * 10) if offered else None,
            "by_server": {name: int(answered * each / sum(speeds.values())) for name, each in speeds.items()},
            "server_p50": {name: 0.003 / self._slow.get(name, 1.0) for name in speeds} if offered else {},
            "director_bytes": int(crossed * self._random.gauss(1.0, 0.01)),
            "busy": busy,
            "steal": {"load": self._steal / 3, "director": self._steal},
            "error": "",
        }

    def _latency(self, path: str, offered: float, most: float) -> dict[str, float]:
        used = offered / most
        base = {"direct": 0.0011, "dr": 0.0014, "nat": 0.0017, "haproxy": 0.0024, "nginx": 0.0026}[path]
        middle = base * (1 + 0.6 * min(used, 0.97) / (1 - min(used, 0.97)))
        if used > 1:
            middle += 10 * (1 - 1 / used) / 2  # what waits when the run ends
        middle *= self._random.lognormvariate(0.0, self._noise * 2)
        return {"p50": middle, "p95": middle * 2.4, "p99": middle * 4.1, "max": middle * 9}

    def timeline(self, event: str) -> dict[str, Any]:
        gap = {"director_dies": 3, "real_server_dies": 0}.get(event, 0)
        requests, bad = [], 0
        for number in range(300):
            since = number - 100
            answered = round(self._random.gauss(200, 5))
            failed = 0
            if 0 <= since < gap:
                answered = 0
            elif 0 <= since < 16 and event == "real_server_dies":
                failed = round(self._random.gauss(66, 5)) if since > 10 else 0
                answered -= 66
            bad += failed
            requests.append({"t": number / 10, "answered": answered, "failed": failed})
        latency = []
        for second in range(30):
            slow = 40 if second == 10 and event.endswith("dies") else 1
            middle = 0.002 * self._random.gauss(1, 0.05)
            latency.append({"t": float(second), "p50": middle, "p95": middle * 2 * slow, "p99": middle * 4 * slow})
        frames = []
        if event == "director_dies":
            frames = [{"t": float(s), "fps": 4.0 if s == 10 else self._random.gauss(30, 0.5)} for s in range(30)]
        return {
            "event": event,
            "seconds": 30.0,
            "at": 10.0,
            "until": None if event.endswith("dies") else 18.0,
            "requests": requests,
            "latency": latency,
            "frames": frames,
            "failed": bad,
            "gap": max(gap, 1) / 10,
            "note": "",
        }


def made(notes: tuple[str, ...] = ()) -> dict[str, Any]:
    def host(name: str, role: str, virtual: str) -> dict[str, Any]:
        many = {"cpus": 1, "memory_mb": 768} if role == "director" else {"cpus": 2, "memory_mb": 8_000}
        return {
            "name": name,
            "role": role,
            "kernel": "6.1.0-28-cloud-amd64",
            "os": "Debian 12",
            **many,
            "virtual": virtual,
        }

    return {
        "at": "2026-11-28T08:00:00+00:00",
        "command": "ansible-playbook playbooks/benchmark.yml -e profile=full",
        "profile": "full",
        "seed": 7,
        "title": "conference.example.org: throughput and response time",
        "uplink_mbit": 40,
        "hosts": [
            *(host(f"director{number}", "director", "qemu (emulated processor)") for number in (1, 2)),
            *(host(name, "real_server", "container") for name in NAMES),
            host("client", "load", "container"),
        ],
        "versions": {"lautan.lvs": "0.9.0", "ansible-core": "2.19.14", "keepalived": "2.2.7", "wrk": "4.1.0"},
        "notes": list(notes),
    }
