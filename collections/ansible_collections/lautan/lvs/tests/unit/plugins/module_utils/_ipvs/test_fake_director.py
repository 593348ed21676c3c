# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake director against a capture from a real one: what it prints, and what it refuses."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot import _QUERY
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import PROGRAM
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_director import (
    INVALID,
    FakeDirector,
    ReadOnlyError,
    captured_table,
    fixture,
)


def test_it_prints_what_a_real_one_does():
    director = FakeDirector()
    director.table = captured_table(mixed=True)
    printed = director.run(PROGRAM, _QUERY).stdout.splitlines()
    captured = fixture("debian12-table-timeouts-daemons.txt").splitlines()
    assert len(printed) == len(captured) > 50
    for ours, theirs in zip(printed, captured, strict=True):
        # In the list of thresholds it leaves out what nobody reads: the options of services.
        assert ours == theirs or (theirs.startswith(f"{ours} ") and theirs[:3] in ("TCP", "UDP", "FWM"))


def test_it_refuses_what_a_real_one_does():
    director = FakeDirector()
    director.table = captured_table(mixed=True)
    start = ("ipvsadm", "--start-daemon", "master", "--mcast-interface", "lo")
    assert director.run(start).stderr == INVALID
    director.table = []
    assert director.run(start).rc == 0
    assert director.run(start).stderr == "Daemon has already run\n"
    assert director.run(PROGRAM, "-a -t [fd00::100]:80 -r 198.18.9.23:80 -i -w 2\n").stderr == INVALID
    assert director.run(("ipvsadm", "--stop-daemon", "master")).rc == 0
    assert director.run(("ipvsadm", "--stop-daemon", "master")).stderr == "No daemon is running\n"


@pytest.mark.parametrize(
    ("role", "words", "printed"),
    [
        ("master", "--mcast-interface lo --syncid 7", "syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)"),
        ("backup", "--mcast-interface lo", "syncid=0, maxlen=65507, group=224.0.0.81, port=8848, ttl=1)"),
        (
            "backup",
            "--mcast-interface lo --syncid 8 --mcast-group ff02::5 --mcast-port 9999 --mcast-ttl 3 --sync-maxlen 1000",
            "syncid=8, maxlen=1024, group=ff02::5, port=9999, ttl=3)",
        ),
    ],
)
def test_it_adjusts_the_length_as_a_real_one_does(role, words, printed):
    director = FakeDirector()
    director.run(("ipvsadm", "--start-daemon", role, *words.split()))
    assert director.run(("ipvsadm", "-L", "--daemon")).stdout == f"{role} sync daemon (mcast=lo, {printed}\n"


def test_it_does_refuse_to_write():
    director = FakeDirector()
    director.read_only = True
    for argv, stdin in ((("ipvsadm", "--set", "1", "1", "1"), None), (PROGRAM, "--set 1 1 1\n")):
        with pytest.raises(ReadOnlyError):
            director.run(argv, stdin)
    with pytest.raises(ReadOnlyError):
        director.run(("systemctl", "enable", "ipvsadm.service"))
