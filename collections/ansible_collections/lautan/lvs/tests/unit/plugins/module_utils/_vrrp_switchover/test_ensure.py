# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switchovers between directors that exist only in memory: what is moved, what is refused, what becomes of the file."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.daemon import NoDump
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import (
    Busy,
    Interrupted,
    Outcome,
    StillSet,
)
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import PATH
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._vrrp_switchover.asking import (
    ONE,
    THREE,
    TWO,
    Trap,
    refusal,
    run,
    wanted,
)
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._vrrp_switchover.fake_pair import (
    FILE,
    INTERVAL,
    TABLE,
    VIPS,
    Lan,
)

ECHO_1, ECHO_0 = f"echo 1 > {FILE}", f"echo 0 > {FILE}"


@pytest.fixture
def lan():
    return Lan()


@pytest.fixture
def here(lan):
    return lan.directors[0]


@pytest.fixture
def there(lan):
    return lan.directors[1]


# ---- what goes well


def test_the_other_director_takes_over(lan, here, there):
    outcome = run(here, wanted(peers=[there.told()]))
    assert lan.masters == [TWO]
    assert (here.vrrp, here.held, there.held) == ("BACKUP", False, True)
    assert here.values == [1, 0]
    assert (outcome.changed, outcome.commands) == (True, [ECHO_1, ECHO_0])
    assert (outcome.before, outcome.after) == ({"lvs_51": "MASTER"}, {"lvs_51": "BACKUP"})
    assert 0 < outcome.released <= outcome.heard < 3 * INTERVAL
    assert outcome.warnings == []
    assert here.commands == []  # keepalived was not reloaded


def test_it_stays_there(lan, here, there):
    run(here, wanted(peers=[there.told()]))
    lan.advance(60)
    assert (lan.masters, here.became_master, there.became_master) == ([TWO], 1, 1)


def test_the_file_says_1_for_a_moment_only(lan, here, there):
    moments = []
    here.trap = lambda: moments.append(lan.time) if here.files[FILE].text == "1\n" else None
    run(here, wanted(peers=[there.told()]))
    assert 0 < moments[-1] - moments[0] < 0.05


def test_second_run_changes_nothing(lan, here, there):
    options = wanted(peers=[there.told()])
    run(here, options)
    here.read_only = there.read_only = True
    again = run(here, options)
    assert (again.changed, again.commands, again.before) == (False, [], {"lvs_51": "BACKUP"})
    assert again.message == "There is nothing to move: lvs_51 is BACKUP here"
    target = run(there, options)
    assert (target.changed, target.before) == (False, {"lvs_51": "MASTER"})
    assert target.message == f"There is nothing to move: lvs_51 is MASTER here, and {TWO} is this director"


def test_there_and_back(lan, here, there):
    run(here, wanted(peers=[there.told()]))
    lan.advance(1)
    outcome = run(there, wanted(to=ONE, peers=[here.told()]))
    assert (lan.masters, outcome.changed, there.values) == ([ONE], True, [1, 0])


def test_check_mode_predicts_the_run(lan, here, there):
    options = wanted(peers=[there.told()])
    here.read_only = True
    predicted = run(here, options, check_mode=True)
    assert (lan.masters, here.values) == ([ONE], [])
    here.read_only = False
    done = run(here, options)
    assert (predicted.changed, predicted.commands, predicted.before, predicted.after, predicted.message) == (
        done.changed,
        done.commands,
        done.before,
        done.after,
        done.message,
    )
    assert (predicted.released, predicted.heard) == (None, None)


def test_a_director_that_stands_by(here, there):
    there.read_only = True
    outcome = run(there, wanted(to=ONE, peers=[here.told()]))
    assert (outcome.changed, outcome.message) == (False, "There is nothing to move: lvs_51 is BACKUP here")


def test_without_a_target_nothing_is_moved(here):
    here.read_only = True
    outcome = run(here, wanted(to=None))
    assert (outcome.changed, outcome.message) == (False, "Nothing was to be moved: lvs_51 is MASTER here")


def test_keepalived_that_does_not_run(here, there):
    there.state, there.main_pid = "inactive", 0
    outcome = run(there, wanted(to=ONE, peers=[here.told()]))
    assert (outcome.changed, outcome.message) == (False, "There is nothing to move: lvs_51 is STOPPED here")


def test_file_that_is_not_there(lan, here, there):
    del here.files[FILE]
    run(here, wanted(peers=[there.told()]))
    assert (lan.masters, here.files[FILE].text) == ([TWO], "0\n")


def test_advert_of_priority_zero_that_is_lost(lan, here, there):
    there.misses_zero = True
    outcome = run(here, wanted(peers=[there.told()]))
    assert lan.masters == [TWO]
    assert outcome.heard > 2 * INTERVAL


def test_sync_group_that_tracks_the_file(lan, here, there):
    here.configure(
        ("    track_file {\n        lvs_switchover\n    }\n", ""),
        (
            "virtual_server 192",
            "vrrp_sync_group g {\n group {\n lvs_51\n }\n track_file {\n lvs_switchover\n }\n}\nvirtual_server 192",
        ),
    )
    assert run(here, wanted(peers=[there.told()])).changed
    assert lan.masters == [TWO]


# ---- what goes wrong on the way


def test_nobody_takes_over(lan, here, there):
    there.deaf = True
    start = lan.time
    outcome = Outcome()
    with pytest.raises(NotReached) as info:
        run(here, wanted(peers=[there.told()]), outcome=outcome)
    assert info.value.differences == [f"{TWO}: did not take over lvs_51"]
    assert info.value.rolled_back == f"{FILE} says 0 again, and lvs_51 is MASTER here"
    assert (lan.masters, here.held, here.values) == ([ONE], True, [1, 0])
    assert (outcome.changed, outcome.commands, outcome.after) == (True, [ECHO_1, ECHO_0], {"lvs_51": "MASTER"})
    # Not after the timeout: a backup that hears nobody becomes master by itself.
    assert lan.time - start < 1


def test_keepalived_that_does_not_heed_the_file(lan, here, there):
    here.heeds = False
    with pytest.raises(NotReached, match="VRRP instance lvs_51: is MASTER still") as info:
        run(here, wanted(peers=[there.told()], timeout=0.5))
    assert "did not heed /etc/keepalived/switchover within 0.5 seconds" in info.value.rolled_back
    assert (lan.masters, here.values) == ([ONE], [1, 0])


def test_addresses_that_stay(here, there):
    here.clings = True
    with pytest.raises(NotReached) as info:
        run(here, wanted(peers=[there.told()]))
    assert info.value.differences == [f"VRRP instance lvs_51: has {ip} although it is BACKUP" for ip in VIPS]


def test_another_reason_for_fault(here, there):
    """It is found while the file says 1, and keeps the instance where it is."""
    here.trap = lambda: setattr(here, "broken", here.vrrp == "FAULT")
    with pytest.raises(NotReached) as info:
        run(here, wanted(peers=[there.told()]))
    assert info.value.differences == ["VRRP instance lvs_51: wanted BACKUP, found FAULT"]
    assert (here.values, there.vrrp) == ([1, 0], "MASTER")


def test_keepalived_dies(lan, here, there):
    def die():
        if here.vrrp == "FAULT":
            here.state, here.main_pid = "failed", 0

    here.trap = die
    with pytest.raises(NoDump):
        run(here, wanted(peers=[there.told()]))
    assert (here.values, lan.masters) == ([1, 0], [TWO])


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), Interrupted("SIGHUP")])
def test_whatever_happens_the_file_says_0_in_the_end(error):
    sprung = 0
    for number in range(1000):
        lan = Lan()
        here, there = lan.directors
        options = wanted(peers=[there.told()])
        here.trap = trap = Trap(here, number, error)
        with contextlib.suppress(type(error)):
            run(here, options)
        assert here.files[FILE].text == "0\n" if FILE in here.files else here.values[-1] == 0
        lan.advance(1)
        assert len(lan.masters) == 1
        if not trap.sprung:
            break
        sprung += 1
    assert sprung > 5


@given(st.floats(0, 0.1), st.sampled_from(["deaf", "misses_zero", "clings", "broken", "", ""]), st.floats(0.4, 2))
def test_there_is_one_master_in_the_end(phase, fault, timeout):
    lan = Lan()
    here, there = lan.directors
    lan.advance(phase)
    options = wanted(peers=[there.told()], timeout=timeout)
    setattr(here if fault == "clings" else there, fault or "healthy", True)
    try:
        outcome = run(here, options)
    except NotReached:
        assert fault in ("deaf", "clings")
    else:
        assert outcome.released <= outcome.heard <= timeout
    assert here.values == [1, 0]
    lan.advance(1)
    assert lan.masters == ([ONE] if fault == "deaf" else [TWO])


def test_file_that_cannot_be_written(lan, here, there):
    here.unwritable = {"overwrite", "remove"}
    outcome = Outcome()
    with pytest.raises(OSError, match="No space left"):
        run(here, wanted(peers=[there.told()]), outcome=outcome)
    assert (lan.masters, outcome.changed) == ([ONE], False)


def after_the_first_write(here, *unwritable):
    def fill():
        if here.values[:1] == [1]:
            here.unwritable = set(unwritable)

    here.trap = fill


def test_disk_that_is_full_at_the_wrong_moment(lan, here, there):
    after_the_first_write(here, "overwrite")
    run(here, wanted(peers=[there.told()]))
    assert FILE not in here.files
    assert (here.values, lan.masters, here.vrrp) == ([1, 0], [TWO], "BACKUP")


def test_file_that_cannot_be_reset(lan, here, there):
    after_the_first_write(here, "overwrite", "remove")
    with pytest.raises(StillSet, match=r"No space left on device.*Read-only file system"):
        run(here, wanted(peers=[there.told()]))
    lan.advance(0.1)
    assert lan.masters == [TWO]


# ---- what an interrupted run has left behind


@pytest.fixture
def interrupted(lan, here, there):
    here.overwrite(FILE, "1\n")
    lan.advance(1)
    here.values.clear()
    assert (here.vrrp, lan.masters) == ("FAULT", [TWO])
    return here


@pytest.mark.parametrize("to", [None, TWO])
def test_it_is_repaired(lan, interrupted, there, to):
    outcome = run(interrupted, wanted(to=to, peers=[there.told()]))
    assert (interrupted.vrrp, interrupted.values, lan.masters) == ("BACKUP", [0], [TWO])
    assert (outcome.changed, outcome.commands) == (True, [ECHO_0])
    assert (outcome.left_behind, outcome.after) == ({FILE: 1}, {"lvs_51": "BACKUP"})
    assert "said 1, so an earlier switchover was interrupted" in outcome.warnings[0]
    interrupted.read_only = True
    assert not run(interrupted, wanted(to=to, peers=[there.told()])).changed


def test_it_is_told_in_check_mode(interrupted):
    interrupted.read_only = True
    outcome = run(interrupted, wanted(to=None), check_mode=True)
    assert (outcome.changed, outcome.commands, outcome.left_behind) == (True, [ECHO_0], {FILE: 1})
    assert outcome.after == {"lvs_51": "FAULT"}


def test_it_is_repaired_without_keepalived(interrupted):
    interrupted.state, interrupted.main_pid = "inactive", 0
    run(interrupted, wanted(to=None))
    assert interrupted.values == [0]


def test_another_reason_for_fault_does_not_stop_the_repair(lan, interrupted):
    interrupted.broken = True
    start = lan.time
    assert run(interrupted, wanted(to=None, timeout=1.0)).after == {"lvs_51": "FAULT"}
    assert 1 <= lan.time - start < 2


def test_it_is_not_taken_for_that_while_another_run_is_at_work(interrupted):
    interrupted.busy = True
    with pytest.raises(Busy):
        run(interrupted, wanted(to=None))
    assert interrupted.values == []


# ---- what is refused


def change(told, **more):
    told["vrrp"]["instances"][0].update(more)
    return told


@pytest.mark.parametrize("state", ["FAULT", "MASTER", "INIT"])
def test_state_of_the_target(here, there, state):
    assert refusal(here, wanted(peers=[change(there.told(), state=state)])) == [
        f"{TWO}: VRRP instance lvs_51 is {state}, not BACKUP"
    ]


def test_target_without_keepalived(here, there):
    there.state, there.main_pid = "failed", 0
    assert refusal(here, wanted(peers=[there.told()])) == [f"{TWO}: keepalived does not run"]


def test_target_of_which_nothing_is_known(here):
    assert refusal(here, wanted()) == [f"peers: nothing is known of {TWO}"]


def test_target_that_is_no_peer(here, there):
    told = there.told(address="192.0.2.99")
    assert refusal(here, wanted(to="192.0.2.99", peers=[told])) == [
        f"to='192.0.2.99': is no unicast_peer of VRRP instance lvs_51; those are {TWO}",
        f"peers: nothing is known of {TWO}, which could take over VRRP instance lvs_51 as well",
    ]


def test_vip_is_no_director(here, there):
    """Although it is an address of this one."""
    lines = refusal(here, wanted(to=VIPS[0], peers=[there.told()]))
    assert lines[0] == f"to='{VIPS[0]}': is no unicast_peer of VRRP instance lvs_51; those are {TWO}"


def test_multicast(here, there):
    here.configure(("    unicast_peer {\n        192.0.2.12\n    }\n", ""))
    assert "has no unicast_peer" in refusal(here, wanted(peers=[there.told()]))[0]


def test_target_with_another_virtual_router(here, there):
    assert refusal(here, wanted(peers=[change(there.told(), virtual_router_id=52)])) == [
        f"{TWO}: has no VRRP instance with the VRID 51"
    ]


def test_target_without_an_address(here, there):
    assert refusal(here, wanted(peers=[change(there.told(), addresses_excluded=[])])) == [
        f"{TWO}: VRRP instance lvs_51 does not have {VIPS[1]}"
    ]


def test_instance_that_would_come_back(here, there):
    here.nopreempt = False
    assert refusal(here, wanted(peers=[there.told()])) == [
        "VRRP instance lvs_51: would take its addresses back at once, because it does not have nopreempt "
        f"and its priority 254 is higher than 253, which is that of {TWO}"
    ]
    here.effective_priority, here.read_only = 200, False
    assert run(here, wanted(peers=[there.told()])).changed


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("-a -f 21 -6 -r [2001:db8::21]:0 -g -w 1\n", "", "`-f 21 -6 -r [2001:db8::21]:0` is missing"),
        (".22:443 -g -w 10", ".22:443 -g -w 0", "`-t 192.0.2.100:443 -r 192.0.2.22:443` has weight 0, here 10"),
    ],
)
def test_table_of_the_target(here, there, old, new, line):
    assert old in TABLE
    told = there.told(table=TABLE.replace(old, new))
    assert refusal(here, wanted(peers=[told])) == [f"{TWO}: IPVS table: {line}"]


def test_service_that_the_target_lacks(here, there):
    told = there.told(table="".join(TABLE.splitlines(keepends=True)[:4]))
    assert refusal(here, wanted(peers=[told])) == [f"{TWO}: IPVS table: `-f 21 -6` is missing"]


def test_differences_that_do_not_matter(here, there):
    """What is drained here, other weights, and more than here."""
    table = TABLE.replace("-a -t 192.0.2.100:443 -r 192.0.2.23:443 -g -w 0\n", "").replace("-w 10", "-w 7")
    told = there.told(table=table + "-A -u 192.0.2.100:53 -s rr\n")
    assert told["table"] != TABLE
    assert run(here, wanted(peers=[told])).changed


def test_director_without_ipvs(here, there):
    del here.modified["/proc/net/ip_vs"]
    assert run(here, wanted(peers=[there.told(table="")])).changed


MASTER_DAEMON = "master sync daemon (mcast=eth0, syncid=51, maxlen=1472)\n"
BACKUP_DAEMON = "backup sync daemon (mcast=eth0, syncid=51, maxlen=1472)\n"


@pytest.mark.parametrize(
    ("daemons", "connections", "lines"),
    [
        ((MASTER_DAEMON, BACKUP_DAEMON), (100, 50), []),
        ((MASTER_DAEMON, BACKUP_DAEMON.replace("51", "0")), (19, 0), []),
        (("", ""), (100, 0), []),
        (
            (MASTER_DAEMON, BACKUP_DAEMON),
            (100, 49),
            [f"connections: {TWO} knows 49 that are in use, and this director has 100"],
        ),
        (
            (MASTER_DAEMON, BACKUP_DAEMON.replace("51", "52")),
            (0, 0),
            [f"connections: no backup sync daemon with syncid 51 runs on {TWO}"],
        ),
        (
            (MASTER_DAEMON, ""),
            (100, 0),
            [
                f"connections: no backup sync daemon with syncid 51 runs on {TWO}",
                f"connections: {TWO} knows 0 that are in use, and this director has 100",
            ],
        ),
    ],
)
def test_connections(here, there, daemons, connections, lines):
    here.daemons, there.daemons = daemons
    here.connections, there.connections = connections
    if lines:
        assert refusal(here, wanted(peers=[there.told()])) == lines
    here.read_only = False
    assert run(here, wanted(peers=[there.told()], force=bool(lines))).changed


def test_connections_are_counted_at_the_same_time(here, there):
    """Between the count there and the move, many have begun: none of them is one that the other director lacks."""
    here.daemons, there.daemons = MASTER_DAEMON, BACKUP_DAEMON
    there.connections = 330
    told, here.connections = there.told(), 800
    assert refusal(here, wanted(peers=[told])) == [
        f"connections: {TWO} knows 330 that are in use, and this director has 800"
    ]
    assert refusal(here, wanted(peers=[told], connections=-1)) == ["connections=-1: must be 0 or more"]
    here.read_only = False
    assert run(here, wanted(peers=[told], connections=340)).changed


def test_sync_daemon_that_is_configured_and_does_not_run(here, there):
    here.configure(("    vrrp_version 3\n", "    vrrp_version 3\n    lvs_sync_daemon eth0 inst lvs_51 id 51\n"))
    assert refusal(here, wanted(peers=[there.told()])) == ["connections: no master sync daemon runs here"]


def test_force_overrules_connections_only(here, there):
    here.daemons, here.connections = MASTER_DAEMON, 100
    assert refusal(here, wanted(peers=[change(there.told(), state="FAULT")], force=True)) == [
        f"{TWO}: VRRP instance lvs_51 is FAULT, not BACKUP"
    ]


def test_all_reasons_at_once(here, there):
    here.daemons, here.connections, here.nopreempt = MASTER_DAEMON, 100, False
    told = change(there.told(table="-A -f 21 -6 -s rr\n"), state="FAULT", addresses=[])
    lines = refusal(here, wanted(peers=[told], timeout=0.1))
    assert len(lines) == 8
    assert lines[0] == "timeout=0.1: VRRP instance lvs_51 needs 0.4 seconds at least"


# ---- three directors


@pytest.fixture
def three():
    return Lan(13)


def test_the_second_of_three_takes_over(three):
    here, *others = three.directors
    run(here, wanted(peers=[other.told() for other in others]))
    assert three.masters == [TWO]


def test_the_third_of_three_would_not_take_over(three):
    here, *others = three.directors
    assert refusal(here, wanted(to=THREE, peers=[other.told() for other in others])) == [
        f"{TWO}: would take over VRRP instance lvs_51 itself: its priority 253 is not lower than 252, "
        f"which is that of {THREE}"
    ]


@pytest.mark.parametrize(("state", "main_pid"), [("inactive", 0), ("active", 812)])
def test_the_second_of_three_is_not_able_to(three, state, main_pid):
    here, second, third = three.directors
    second.state, second.main_pid, second.vrrp, second.broken = state, main_pid, "FAULT", True
    run(here, wanted(to=THREE, peers=[second.told(), third.told()]))
    assert three.masters == [THREE]


def test_nothing_is_known_of_the_third(three):
    here, second, _third = three.directors
    assert refusal(here, wanted(peers=[second.told()])) == [
        f"peers: nothing is known of {THREE}, which could take over VRRP instance lvs_51 as well"
    ]


def test_two_masters(three):
    here, second, third = three.directors
    peers = [second.told(), change(third.told(), state="MASTER")]
    assert refusal(here, wanted(peers=peers)) == [f"{THREE}: VRRP instance lvs_51 is MASTER there, too"]


# ---- options


def test_instance_that_keepalived_runs_without(lan, here, there):
    peers = [there.told()]
    lan.add_instance(own_file=True)
    here.document["vrrp_instances"].pop()
    assert refusal(here, wanted(peers=peers)) == ["VRRP instance lvs_52: keepalived runs without it; reload keepalived"]


def test_mistakes_in_the_options(here, there):
    told = there.told()
    peers = [
        {**told, "address": "director2"},
        {**told, "table": "IP Virtual Server"},
        {**told, "vrrp": {"msg": "unreachable"}},
        told,
        told,
    ]
    lines = refusal(here, wanted(to="x", peers=peers, timeout=float("nan"), instances=["a", "lvs_51"]))
    assert lines == [
        "timeout=nan: must be more than 0 seconds",
        "to='x': must be an IP address",
        "peers[0].address='director2': must be an IP address",
        "peers[1].table: must be what ipvsadm --save --numeric printed: "
        "not a line of ipvsadm --save: 'IP Virtual Server'",
        "peers[2].vrrp: must be what lautan.lvs.vrrp_info returned: 'instances' is missing",
        f"peers[4].address='{TWO}': another one has that as well",
        "instances[0]='a': does not track lvs_switchover*; those that do: lvs_51",
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("track_file lvs_switchover {", "track_file other {", f"is not in {PATH}"),
        ("        lvs_switchover\n", "        other\n", f"no VRRP instance in {PATH} tracks it"),
        (" weight 0\n", "", "VRRP instance lvs_51 tracks it with weight 1, and it must be weight 0"),
        (
            "        lvs_switchover\n",
            "        lvs_switchover weight -10 reverse\n",
            "VRRP instance lvs_51 tracks it with weight -10 reverse, and it must be weight 0",
        ),
        (
            " weight 0\n",
            " weight 0 reverse\n",
            "VRRP instance lvs_51 tracks it with weight 0 reverse, and it must be weight 0",
        ),
    ],
)
def test_configuration_that_does_not_allow_it(here, there, old, new, line):
    peers = [there.told()]
    here.configure((old, new))
    # Of several, the name of the one that is meant
    name = "lvs_switchover" if "weight" in line else "lvs_switchover*"
    assert refusal(here, wanted(peers=peers)) == [f"track_file={name!r}: {line}"]


def test_no_instances_named(here, there):
    assert refusal(here, wanted(peers=[there.told()], instances=[])) == ["instances=[]: must name one at least"]


def test_no_configuration(here, there):
    peers = [there.told()]
    del here.files[PATH]
    assert refusal(here, wanted(peers=peers)) == [f"path='{PATH}': does not exist"]


def test_program_that_fails(here, there):
    here.fails["ipvsadm --save --numeric"] = Completed(2, "", "no")
    with pytest.raises(CommandError, match="no"):
        run(here, wanted(peers=[there.told()]))
    assert here.values == []
