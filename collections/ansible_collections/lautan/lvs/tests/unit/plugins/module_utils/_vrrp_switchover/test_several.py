# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switchovers between directors that have two VRRP instances each, which move together or on their own."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import Interrupted, Outcome, StillSet
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._vrrp_switchover.asking import (
    ONE,
    TWO,
    Trap,
    refusal,
    run,
    wanted,
)
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._vrrp_switchover.fake_pair import (
    FILE,
    FILE_52,
    INTERVAL,
    Lan,
)

ECHOES = {(path, value): f"echo {value} > {path}" for path in (FILE, FILE_52) for value in (0, 1)}


@pytest.fixture
def lan():
    return Lan()


@pytest.fixture
def here(lan):
    return lan.directors[0]


@pytest.fixture
def there(lan):
    return lan.directors[1]


@pytest.fixture
def own(lan):
    """Each director is the home of one instance, and both instances have a file of their own."""
    lan.add_instance(own_file=True)
    assert (lan.masters_of("lvs_51"), lan.masters_of("lvs_52")) == ([ONE], [TWO])
    return lan


@pytest.fixture
def both_here(own, here, there):
    """Both instances are on the first director, although the second one is the home of one of them."""
    run(there, wanted(to=ONE, peers=[here.told()]))
    own.advance(1)
    here.values.clear()
    there.values.clear()
    assert (own.masters_of("lvs_51"), own.masters_of("lvs_52")) == ([ONE], [ONE])
    return own


def test_instance_that_moves_on_its_own(both_here, here, there):
    outcome = run(here, wanted(peers=[there.told()], instances=["lvs_52"]))
    assert (both_here.masters_of("lvs_51"), both_here.masters_of("lvs_52")) == ([ONE], [TWO])
    assert (outcome.before, outcome.after) == ({"lvs_52": "MASTER"}, {"lvs_52": "BACKUP"})
    assert outcome.commands == [ECHOES[FILE_52, 1], ECHOES[FILE_52, 0]]
    assert outcome.message == f"lvs_52: moved to {TWO}"
    # The other one was not touched for a moment.
    assert (here.router.became_master, here.values) == (1, [1, 0])


def test_all_instances_move_together_by_default(both_here, here, there):
    outcome = run(here, wanted(peers=[there.told()]))
    assert (both_here.masters_of("lvs_51"), both_here.masters_of("lvs_52")) == ([TWO], [TWO])
    assert outcome.after == {"lvs_51": "BACKUP", "lvs_52": "BACKUP"}
    assert outcome.commands == [ECHOES[path, value] for value in (1, 0) for path in (FILE, FILE_52)]
    assert here.values == [1, 1, 0, 0]
    assert outcome.heard < 3 * INTERVAL
    here.read_only = True
    assert not run(here, wanted(peers=[there.told()])).changed


@pytest.mark.parametrize("instances", [None, ["lvs_52"], ["lvs_52", "lvs_51"]])
def test_check_mode_predicts_the_run_of_several(both_here, here, there, instances):
    options = wanted(peers=[there.told()], instances=instances)
    here.read_only = True
    predicted = run(here, options, check_mode=True)
    assert here.values == []
    here.read_only = False
    done = run(here, options)
    assert (predicted.changed, predicted.commands, predicted.before, predicted.after, predicted.message) == (
        done.changed,
        done.commands,
        done.before,
        done.after,
        done.message,
    )


def test_only_what_is_here_is_moved(own, here, there):
    """For maintenance: everything to the other director, which has one instance already."""
    outcome = run(here, wanted(peers=[there.told()]))
    assert (own.masters_of("lvs_51"), own.masters_of("lvs_52")) == ([TWO], [TWO])
    assert outcome.before == {"lvs_51": "MASTER", "lvs_52": "BACKUP"}
    assert (outcome.commands, outcome.message) == ([ECHOES[FILE, 1], ECHOES[FILE, 0]], f"lvs_51: moved to {TWO}")
    assert there.routers["lvs_52"].became_master == 1


def test_each_to_the_home_of_the_other_and_back(own, here, there):
    for _round in range(2):
        told_here, told_there = here.told(), there.told()
        masters = {name: own.masters_of(name) for name in ("lvs_51", "lvs_52")}
        for director, to, peer in ((here, TWO, told_there), (there, ONE, told_here)):
            (name,) = [name for name, found in masters.items() if found == [director.address]]
            # As the playbook does it: all is known of both before anything is moved, of itself, too.
            assert run(director, wanted(to=to, peers=[peer, director.told()], instances=[name])).changed
        own.advance(1)
        assert {name: own.masters_of(name) for name in masters} == {
            name: [TWO if found == [ONE] else ONE] for name, found in masters.items()
        }
    assert (own.masters_of("lvs_51"), own.masters_of("lvs_52")) == ([ONE], [TWO])


@given(
    st.floats(0, 0.1),
    st.sampled_from([None, ["lvs_51"], ["lvs_52"], ["lvs_52", "lvs_51"]]),
    st.sets(st.sampled_from(["lvs_51", "lvs_52"])),
)
def test_there_is_one_master_of_each_in_the_end(phase, instances, deaf):
    lan = Lan()
    lan.add_instance(own_file=True)
    here, there = lan.directors
    run(there, wanted(to=ONE, peers=[here.told()]))
    lan.advance(0.5 + phase)
    for name in deaf:
        there.routers[name].deaf = True
    meant = {"lvs_51", "lvs_52"}.intersection(instances or ["lvs_51", "lvs_52"])
    if meant & deaf:
        with pytest.raises(NotReached) as info:
            run(here, wanted(peers=[there.told()], instances=instances))
        assert info.value.differences == [f"{TWO}: did not take over {name}" for name in sorted(meant & deaf)]
    else:
        run(here, wanted(peers=[there.told()], instances=instances))
    lan.advance(1)
    for name in ("lvs_51", "lvs_52"):
        assert lan.masters_of(name) == [TWO if name in meant - deaf else ONE]


def test_nobody_comes_home_by_itself(both_here):
    """The home has the higher priority, and nopreempt."""
    both_here.advance(60)
    assert both_here.masters_of("lvs_52") == [ONE]


def test_instance_that_shares_the_file(lan, here, there):
    lan.add_instance(own_file=False)
    run(there, wanted(to=ONE, peers=[here.told()]))
    lan.advance(1)
    here.values.clear()
    assert refusal(here, wanted(peers=[there.told()], instances=["lvs_51"])) == [
        "instances=['lvs_51']: VRRP instance lvs_52 is MASTER as well and would move with them, "
        "because it tracks lvs_switchover"
    ]
    here.read_only = False
    outcome = run(here, wanted(peers=[there.told()], instances=["lvs_52", "lvs_51"]))
    assert outcome.after == {"lvs_51": "BACKUP", "lvs_52": "BACKUP"}
    assert outcome.commands == [ECHOES[FILE, 1], ECHOES[FILE, 0]]


def test_instance_that_shares_the_file_and_is_elsewhere(lan, here, there):
    lan.add_instance(own_file=False)
    run(here, wanted(peers=[there.told()], instances=["lvs_51"]))
    assert (lan.masters_of("lvs_51"), lan.masters_of("lvs_52")) == ([TWO], [TWO])


def test_target_that_has_the_one_and_not_the_other(both_here, here, there):
    told = there.told()
    told["vrrp"]["instances"][1].update(state="FAULT")
    assert refusal(here, wanted(peers=[told])) == [f"{TWO}: VRRP instance lvs_52 is FAULT, not BACKUP"]
    here.read_only = False
    assert run(here, wanted(peers=[told], instances=["lvs_51"])).changed
    assert both_here.masters_of("lvs_52") == [ONE]


def test_one_of_two_is_not_taken_over(both_here, here, there):
    there.routers["lvs_52"].deaf = True
    start, outcome = both_here.time, Outcome()
    with pytest.raises(NotReached) as info:
        run(here, wanted(peers=[there.told()]), outcome=outcome)
    assert info.value.differences == [f"{TWO}: did not take over lvs_52"]
    assert info.value.rolled_back == f"{FILE} and {FILE_52} say 0 again, and lvs_51 is BACKUP, lvs_52 is MASTER here"
    assert outcome.after == {"lvs_51": "BACKUP", "lvs_52": "MASTER"}
    assert (both_here.masters_of("lvs_51"), both_here.masters_of("lvs_52")) == ([TWO], [ONE])
    assert both_here.time - start < 1


def test_what_interrupted_runs_have_left_behind(own, here, there):
    here.overwrite(FILE, "1\n")
    here.overwrite(FILE_52, "7\n")
    own.advance(1)
    here.values.clear()
    assert [router.state for router in here.routers.values()] == ["FAULT", "FAULT"]
    here.read_only = True
    predicted = run(here, wanted(to=None), check_mode=True)
    here.read_only = False
    # Also when only one of them is meant
    outcome = run(here, wanted(to=ONE, instances=["lvs_51"], peers=[there.told()]))
    assert outcome.left_behind == predicted.left_behind == {FILE: 1, FILE_52: 7}
    assert outcome.commands == predicted.commands == [ECHOES[FILE, 0], ECHOES[FILE_52, 0]]
    assert [line.split(",")[0] for line in outcome.warnings] == [f"{FILE} said 1", f"{FILE_52} said 7"]
    assert [router.state for router in here.routers.values()] == ["BACKUP", "BACKUP"]
    assert (here.values, outcome.after) == ([0, 0], {"lvs_51": "BACKUP"})


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), Interrupted("SIGHUP")])
def test_whatever_happens_all_files_say_0_in_the_end(error):
    sprung = 0
    for number in range(1000):
        lan = Lan()
        lan.add_instance(own_file=True)
        here, there = lan.directors
        run(there, wanted(to=ONE, peers=[here.told()]))
        lan.advance(0.5)
        here.values.clear()
        options = wanted(peers=[there.told()])
        here.trap = trap = Trap(here, number, error)
        with contextlib.suppress(type(error)):
            run(here, options)
        assert [here.value(path) for path in (FILE, FILE_52)] == [0, 0]
        lan.advance(1)
        assert len(lan.masters_of("lvs_51")) == len(lan.masters_of("lvs_52")) == 1
        if not trap.sprung:
            break
        sprung += 1
    assert sprung > 5


def test_files_that_cannot_be_reset(both_here, here, there):
    """What is wrong with either is told, and the second one is tried although the first one failed."""

    def fill():
        here.unwritable = {"overwrite", "remove"} if here.values[:2] == [1, 1] else set()

    here.trap = fill
    with pytest.raises(StillSet) as info:
        run(here, wanted(peers=[there.told()]))
    assert {path for path in (FILE, FILE_52) if f"'{path}'" in str(info.value)} == {FILE, FILE_52}
