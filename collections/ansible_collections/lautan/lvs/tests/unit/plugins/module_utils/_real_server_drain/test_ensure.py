# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drain a real server on a director in memory: what is written, what is refused, what the kernel has then."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_drain.ensure import Outcome, Wanted, ensure
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._real_server_drain.fake_director import (
    FILE,
    PATH,
    TRACK_FILE,
    FakeDirector,
)


@pytest.fixture
def director() -> FakeDirector:
    return FakeDirector()


def wanted(**options: Any) -> Wanted:
    defaults = {"state": "drained", "minimum": 1, "force": False, "track_file": None, "path": PATH, "timeout": 5.0}
    return Wanted(**{"name": "rs1", **defaults, **options})


def run(director: FakeDirector, check_mode: bool = False, **options: Any) -> Outcome:
    outcome = Outcome()
    ensure(director, wanted(**options), check_mode, outcome)
    return outcome


def refusal(director: FakeDirector, **options: Any) -> list[str]:
    """Why it is refused, in check mode as well. Nothing is written."""
    director.read_only = True
    with pytest.raises(Mistakes) as info:
        run(director, **options)
    with pytest.raises(Mistakes) as in_check_mode:
        run(director, check_mode=True, **options)
    assert info.value.mistakes == in_check_mode.value.mistakes
    return info.value.mistakes


def test_drain_and_back(director):
    done = run(director)
    assert (director.writes, done.commands) == (["-1\n"], [f"echo -1 > {FILE}"])
    assert (director.weights(), list(done.weights.values())) == ([0, 0], [0, 0])
    back = run(director, state="in_service")
    assert (director.writes[1:], back.commands) == (["0\n"], [f"echo 0 > {FILE}"])
    assert (director.weights(), list(back.weights.values())) == ([3, 1], [3, 1])


def test_check_mode_predicts_the_run(director):
    director.read_only = True
    predicted = run(director, check_mode=True, reason="new disk")
    assert director.weights() == [3, 1]
    director.read_only = False
    done = run(director, reason="new disk")
    assert (predicted.commands, predicted.before, predicted.after) == (done.commands, done.before, done.after)
    assert predicted.weights == done.weights


@pytest.mark.parametrize("state", ["drained", "in_service"])
def test_second_run_changes_nothing(director, state):
    run(director, state=state)
    director.read_only = True
    assert run(director, state=state).commands == []


def test_the_first_reason_stays(director):
    first = run(director, reason="siti, new disk")
    assert (director.files[FILE].text, first.since) == ("-1 siti, new disk\n", 1_764_000_000.0)
    assert first.commands == [f"echo '-1 siti, new disk' > {FILE}"]
    second = run(director, reason="another")
    assert (second.commands, second.after) == ([], "-1 siti, new disk")
    back = run(director, state="in_service", reason="not written")
    assert (director.files[FILE].text, back.since) == ("0\n", None)


def test_too_few_would_be_left(director):
    assert refusal(director, minimum=2) == [
        "virtual service -t 192.0.2.100:443: 1 other real server in service, and minimum=2",
        "virtual service -t [2001:db8::100]:80: 1 other real server in service, and minimum=2",
    ]


@pytest.mark.parametrize(
    "command", ["-e -t 192.0.2.100:443 -r 192.0.2.22:443 -g -w 0", "-d -t 192.0.2.100:443 -r 192.0.2.22:443"]
)
def test_the_last_one(director, command):
    """Whether the other one is drained or dead."""
    director.by_hand(command)
    assert refusal(director) == ["virtual service -t 192.0.2.100:443: no other real servers in service, and minimum=1"]
    director.read_only = False
    run(director, force=True)
    assert director.weights() == [0, 0]


def test_quorum_that_would_be_lost(director):
    director.replace("virtual_server 192.0.2.100 443 {", "virtual_server 192.0.2.100 443 {\n    quorum 2")
    assert refusal(director) == [
        "virtual service -t 192.0.2.100:443: would lose its quorum of 2, the others together have 1"
    ]


def test_one_that_is_dead_already(director):
    """It takes no connections, so nobody has to be left; when it comes back, it is drained."""
    director.by_hand("-d -t 192.0.2.100:443 -r 192.0.2.21:443", "-d -t [2001:db8::100]:80 -r [2001:db8::21]:8080")
    done = run(director, minimum=5)
    assert (director.writes, list(done.weights.values())) == (["-1\n"], [None, None])


def test_keepalived_that_does_not_run(director):
    director.state = "inactive"
    done = run(director, minimum=5)
    assert (director.writes, done.running) == (["-1\n"], False)


def test_file_that_is_not_there_yet(director):
    del director.files[FILE]
    assert run(director).before == "0"
    assert director.files[FILE].text == "-1\n"


def test_keepalived_that_does_not_go_by_it(director):
    director.heeds = False
    with pytest.raises(NotReached) as info:
        run(director)
    assert info.value.differences == [
        "`-t 192.0.2.100:443 -r 192.0.2.21:443` has weight 3, not 0",
        "`-t [2001:db8::100]:80 -r [2001:db8::21]:8080` has weight 1, not 0",
    ]
    assert director.time < 6


def test_all_bad_options_at_once(director):
    assert refusal(director, name="rs9", minimum=-1, timeout=0, reason="a\nb") == [
        "timeout=0: must be more than 0 seconds",
        "minimum=-1: must be 0 or more",
        "reason='a\\nb': must be one line of 100 characters at most",
        f"track_file='lvs_drain_rs9': is not in {PATH}",
    ]


def test_configuration_that_is_not_there(director):
    del director.files[PATH]
    assert refusal(director) == [f"path={PATH!r}: does not exist"]


def test_file_that_a_restart_would_reset(director):
    director.replace("init_file 0", "init_file 0 overwrite")
    assert refusal(director) == [
        "track_file='lvs_drain_rs1': has init_file with overwrite, so that a restart would end it"
    ]


@pytest.mark.parametrize(("weight", "shown"), [("weight 2", 2), ("weight 0", 0), ("weight 3 reverse", -3), ("", 1)])
def test_check_that_would_not_take_all_of_the_weight(director, weight, shown):
    director.replace(
        "track_file lvs_drain_rs1\n            weight 3", f"track_file lvs_drain_rs1\n            {weight}"
    )
    assert refusal(director) == [
        f"FILE_CHECK lvs_drain_rs1 of 192.0.2.21: has weight {shown}, and must have 3 at least"
    ]


def test_file_that_nothing_checks(director):
    director.files[PATH] = File(TRACK_FILE)
    assert refusal(director) == [f"track_file='lvs_drain_rs1': no real server in {PATH} has a FILE_CHECK of it"]


def test_another_name_of_the_file(director):
    director.replace("lvs_drain_rs1", "maintenance")
    run(director, track_file="maintenance")
    assert director.weights() == [0, 0]
