# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Timeouts: parsed, read from options, set on a fake director."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.settings import Progress
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.timeouts import (
    LONGEST,
    Timeouts,
    ensure_timeouts,
    parse_timeouts,
    read_options,
)
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_director import FakeDirector, fixture

READ = "ipvsadm -L --timeout"


@pytest.fixture
def director():
    return FakeDirector()


def options(**given):
    return {"tcp": None, "tcpfin": None, "udp": None, **given}


def run(director, check=False, progress=None, **given):
    return ensure_timeouts(director.run, options(**given), check, progress or Progress())


def four_runs(director, **given):
    """Check, do, check, do. Only the second may write, and it does what the first predicted."""
    director.read_only = True
    predicted = run(director, check=True, **given)
    director.read_only = False
    progress = Progress()
    done = run(director, progress=progress, **given)
    director.read_only = True
    assert predicted == done
    assert (done.changed, progress.changed) == (True, True)
    assert director.commands == progress.commands == list(done.commands)
    for check in (True, False):
        assert run(director, check=check, **given) == (False, (), ())
    return done


def test_timeouts_of_a_real_director():
    assert parse_timeouts(fixture("debian12-table-timeouts-daemons.txt")) == (900, 120, 300)


@pytest.mark.parametrize("text", ["", "Timeout\n", "Timeout (tcp tcpfin udp): 900 120\n", "-A -t 192.0.2.1:80 -s rr\n"])
def test_what_is_not_there_is_not_made_up(text):
    with pytest.raises(ValueError, match="ipvsadm printed"):
        parse_timeouts(text)


def test_all_three(director):
    done = four_runs(director, tcp=800, tcpfin=60, udp=30)
    assert (done.commands, director.timeouts) == (("ipvsadm --set 800 60 30",), [800, 60, 30])


def test_what_is_left_out_stays(director):
    done = four_runs(director, udp=30)
    assert (done.commands, director.timeouts) == (("ipvsadm --set 0 0 30",), [900, 120, 30])


def test_what_is_so_already_is_not_set(director):
    assert four_runs(director, tcp=900, udp=30).commands == ("ipvsadm --set 0 0 30",)


def test_diff(director):
    (entry,) = four_runs(director, udp=30).diff
    assert entry == {
        "before_header": "IPVS timeouts",
        "after_header": "IPVS timeouts",
        "before": "tcp: 900\ntcpfin: 120\nudp: 300\n",
        "after": "tcp: 900\ntcpfin: 120\nudp: 30\n",
    }


def test_processes(director):
    run(director, udp=30)
    assert director.processes == [READ, "ipvsadm --set 0 0 30", READ]
    director.processes.clear()
    run(director, udp=30)
    assert director.processes == [READ]


def test_digits_are_numbers(director):
    assert four_runs(director, tcp="60", udp=" 30 ").commands == ("ipvsadm --set 60 0 30",)


def test_all_mistakes_at_once(director):
    with pytest.raises(Mistakes) as info:
        run(director, tcp=0, tcpfin="1m", udp=LONGEST + 1)
    assert info.value.mistakes == [
        "tcp=0: must be a whole number from 1 to 2678400",
        "tcpfin='1m': must be a whole number from 1 to 2678400",
        "udp=2678401: must be a whole number from 1 to 2678400",
    ]
    assert director.processes == []


@pytest.mark.parametrize("value", [True, False, 1.5, 60.0, -1, "", "-1", "9" * 5000, "6e1", "²", [60], {}, "1\n2"])
def test_no_numbers(director, value):
    with pytest.raises(Mistakes, match="whole number"):
        run(director, udp=value)
    assert director.processes == []


def test_nothing_asked_for(director):
    with pytest.raises(Mistakes, match="one of tcp, tcpfin and udp is needed"):
        run(director)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(tcp=JUNK, tcpfin=JUNK, udp=JUNK)
def test_any_options_are_right_or_named(tcp, tcpfin, udp):
    given_options = {"tcp": tcp, "tcpfin": tcpfin, "udp": udp}
    try:
        read = read_options(given_options)
    except Mistakes:
        return
    assert any(read)
    for name, value in given_options.items():
        assert getattr(read, name) == int(value or 0)
        assert value is None or 1 <= int(value) <= LONGEST


SECONDS = st.integers(1, LONGEST)


@given(now=st.tuples(SECONDS, SECONDS, SECONDS), wanted=st.tuples(*[st.none() | SECONDS] * 3).filter(any))
def test_any_change(now, wanted):
    director = FakeDirector()
    director.timeouts = list(now)
    outcome = run(director, **dict(zip(Timeouts._fields, wanted, strict=True)))
    expected = [new or old for new, old in zip(wanted, now, strict=True)]
    assert director.timeouts == expected
    assert outcome.changed == (expected != list(now))


# ---- what goes wrong


def test_without_effect(director):
    director.lose.add("ipvsadm --set")
    progress = Progress()
    with pytest.raises(NotReached) as info:
        run(director, progress=progress, tcp=900, udp=30)
    assert info.value.differences == ["udp: wanted 30, found 300"]
    assert (progress.commands, progress.changed) == (["ipvsadm --set 0 0 30"], False)


def test_a_complaint_with_effect(director):
    real = director.run
    director.run = lambda argv, stdin=None: (
        replace(real(argv, stdin), stderr="Warning: IPVS version mismatch\n") if "--set" in argv else real(argv, stdin)
    )
    progress = Progress()
    with pytest.raises(CommandError, match="version mismatch"):
        run(director, progress=progress, udp=30)
    assert (progress.commands, progress.changed) == ([], True)


def test_failure(director):
    director.broken["ipvsadm --set"] = "Permission denied (you must be root)\n"
    progress = Progress()
    with pytest.raises(CommandError, match="must be root"):
        run(director, progress=progress, udp=30)
    assert (progress.commands, progress.changed) == ([], False)
