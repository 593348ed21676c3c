# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What wrk is told and says, and what requests of an open loop come to."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._benchmark import count, wrk
from ansible_collections.lautan.lvs.plugins.module_utils._benchmark.model import Run, read_runs
from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes

ASKED = {
    "name": "small",
    "generator": "wrk",
    "address": "192.0.2.100",
    "port": 443,
    "tls": False,
    "host": "conference.example.org",
    "path": "/small",
    "fresh": False,
    "connections": 16,
    "threads": 1,
    "rate": None,
    "seconds": 2.0,
    "warmup": 1.0,
    "timeout": 5.0,
}
# By wrk 4.1.0 of Debian 12, with the script: what it says on standard error.
WELL = '{"requests":11589,"duration":1006289,"bytes":2016486,"connect":0,"read":0,"write":0,"status":0,"timeout":0}\n'
REFUSED = "unable to connect to 127.0.0.1:9 Connection refused\n"


def run(**changes) -> Run:
    return read_runs([{**ASKED, **changes}])[0]


def test_what_wrk_is_told() -> None:
    assert wrk.argv(run(), 2, "/tmp/done.lua") == [
        "wrk",
        "--threads=1",
        "--connections=16",
        "--duration=2s",
        "--timeout=5s",
        "--script=/tmp/done.lua",
        "--header=Host: conference.example.org",
        "http://192.0.2.100:443/small",
    ]
    words = wrk.argv(run(tls=True, fresh=True, address="2001:db8::1"), 1, "x")
    assert words[-2:] == ["--header=Connection: close", "https://[2001:db8::1]:443/small"]


def test_what_wrk_says() -> None:
    told = wrk.parse(WELL)
    assert told == {
        "seconds": 1.006289,
        "answered": 11589,
        "failed": 0,
        "rate": pytest.approx(11516.57, abs=0.01),  # as wrk says itself
        "bytes": 2016486,
        "troubles": "",
    }


def test_what_wrk_says_of_failures() -> None:
    told = wrk.parse(WELL.replace('"status":0', '"status":89').replace('"timeout":0', '"timeout":2'))
    assert (told["answered"], told["failed"]) == (11500, 91)
    assert told["troubles"] == "89 answers were not 2xx or 3xx; 2 got no answer in time"
    with pytest.raises(ValueError, match="unable to connect to 127"):
        wrk.parse(REFUSED)
    with pytest.raises(ValueError, match="said nothing"):
        wrk.parse("")


def test_all_mistakes_at_once() -> None:
    bad = {**ASKED, "address": "vip", "port": 0, "path": "small", "seconds": 0.5, "rate": 3.0, "threads": 20}
    with pytest.raises(Mistakes) as told:
        read_runs([ASKED, bad, {**ASKED, "generator": "open"}])
    assert told.value.mistakes == [
        "runs[1].address='vip': must be an IP address",
        "runs[1].port=0: must be 1 to 65535",
        "runs[1].path='small': must be one word that begins with /",
        "runs[1].rate=3: wrk asks as fast as it is answered",
        "runs[1].seconds=0.5: wrk knows only whole seconds",
        "runs[1].threads=20: must not be more than connections=16",
        "runs[2].rate=0: must be more than 0, as open asks at a rate",
    ]


def test_the_schedule_offers_the_same_in_each_round() -> None:
    one, two = (count.schedule(100, 1, 2, seed) for seed in (1, 2))
    assert one != two
    assert one == sorted(one) == count.schedule(100, 1, 2, 1)
    for due in (one, two):
        assert sum(each < 1 for each in due) == 100
        assert sum(1 <= each <= 3 for each in due) == 200


def request(due: float, done: float | None, **more) -> count.Request:
    return count.Request(due, due, done, **more)


def test_time_counts_from_when_a_request_was_due() -> None:
    """The service stands still for two seconds: all who came in it have waited, though one connection alone asked."""
    requests = [request(1 + n / 10, max(1 + n / 10, 3) + 0.01, server="rs1", size=10) for n in range(30)]
    told = count.count(requests, 1, 3, 0.1)
    assert told["answered"] == 30
    assert told["latency"]["p50"] > 0.5
    assert told["latency"]["max"] == pytest.approx(2.01)
    assert told["by_server"] == {"rs1": 30}
    assert told["bytes"] == 300


def test_what_does_not_count() -> None:
    requests = [
        request(0.5, 1.5, server="rs1"),  # of the warm-up, answered later
        request(1.5, 1.6, server="rs2"),
        request(1.9, 2.5, server="rs2"),  # answered when it was over
        request(1.7, None, error="were refused"),
    ]
    told = count.count(requests, 1, 1, 0.1)
    assert (told["answered"], told["failed"], told["rate"], told["sent"]) == (2, 1, 2, 3)
    assert told["by_server"] == {"rs2": 2}
    assert told["troubles"] == "1 were refused"
    # A load host without any time left says that it has not sent more than it could.
    assert count.count(requests, 1, 1, 0.95)["sent"] == 2
    assert count.count([request(1.5, None)], 1, 1, 0)["latency"] is None
