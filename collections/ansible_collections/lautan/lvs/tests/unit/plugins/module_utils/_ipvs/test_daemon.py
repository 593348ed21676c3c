# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sync daemons: parsed, read from options, started and stopped on a fake director."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.daemon import Daemon, parse_daemons, start_words
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.daemon_ensure import ensure_daemon, plan, read_options
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.settings import Progress
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_director import (
    FakeDirector,
    captured_table,
    fixture,
)
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.test_timeouts import JUNK

READ = "ipvsadm -L --daemon"
MASTER = "master sync daemon (mcast=lo, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)"
BACKUP = "backup sync daemon (mcast=lo, syncid=8, maxlen=1024, group=ff02::5, port=9999, ttl=3)"
REST = "--mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1"


@pytest.fixture
def director():
    return FakeDirector()


def options(**given):
    """The options as the module hands them over, with its defaults."""
    defaults = {"role": "backup", "state": "present", "interface": "eth1", "maxlen": None}
    return {**defaults, "syncid": 0, "group": "224.0.0.81", "port": 8848, "ttl": 1, **given}


def run(director, check=False, progress=None, **given):
    interfaces = list(director.interfaces)
    return ensure_daemon(director.run, interfaces, options(**given), check, progress or Progress())


def four_runs(director, **given):
    """Check, do, check, do. Only the second may write, and it does what the first predicted."""
    director.read_only = True
    predicted = run(director, check=True, **given)
    director.read_only = False
    director.commands.clear()
    progress = Progress()
    done = run(director, progress=progress, **given)
    director.read_only = True
    assert predicted == done
    assert (done.changed, progress.changed) == (True, True)
    assert director.commands == progress.commands == list(done.commands)
    for check in (True, False):
        assert run(director, check=check, **given) == (False, (), ())
    director.read_only = False
    return done


def mistakes_of(director, **given):
    director.read_only = True
    with pytest.raises(Mistakes) as info:
        run(director, **given)
    return info.value.mistakes


# ---- what ipvsadm prints


def test_both_daemons_among_other_lines():
    text = fixture("debian12-table-timeouts-daemons.txt")
    assert parse_daemons(text) == []
    assert parse_daemons(f"{text}{MASTER}\n{BACKUP}\n") == [
        Daemon("master", "lo", 7, "224.0.0.81", 8848, 1, 1472),
        Daemon("backup", "lo", 8, "ff02::5", 9999, 3, 1024),
    ]


def test_what_an_old_kernel_does_not_tell():
    assert parse_daemons("master sync daemon (mcast=eth0, syncid=0)\n") == [
        Daemon("master", "eth0", 0, "224.0.0.81", 8848, 1, None)
    ]


def test_a_daemon_that_is_not_understood_is_not_left_out():
    with pytest.raises(ValueError, match="for a sync daemon"):
        parse_daemons("backup sync daemon (mcast=eth0, colour=red)\n")


DAEMONS = st.builds(
    Daemon,
    role=st.sampled_from(["master", "backup"]),
    interface=st.sampled_from(["lo", "eth0", "eth1"]),
    syncid=st.integers(0, 255),
    group=st.ip_addresses(network="224.0.0.0/4").map(str) | st.ip_addresses(network="ff00::/8").map(str),
    port=st.integers(1, 65535),
    ttl=st.integers(1, 255),
    maxlen=st.integers(1024, 65487),
)


@given(DAEMONS)
def test_what_is_started_is_read(daemon):
    director = FakeDirector()
    assert director.run(["ipvsadm", *start_words(daemon)]).rc == 0
    assert parse_daemons(director.run(READ.split()).stdout) == [daemon]
    assert director.run(READ.split()).stdout == f"{daemon}\n"


@given(DAEMONS, st.none() | DAEMONS)
def test_any_daemon_from_any_other(wanted, found):
    director = FakeDirector()
    if found:
        found = found._replace(role=wanted.role)
        director.run(["ipvsadm", *start_words(found)])
    outcome = run(director, **wanted._asdict())
    assert parse_daemons(director.run(READ.split()).stdout) == [wanted]
    assert outcome.changed == (wanted != found)
    director.read_only = True
    assert not run(director, **wanted._asdict()).changed


# ---- states


def test_start_with_the_defaults(director):
    done = four_runs(director)
    assert done.commands == (f"ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 0 {REST}",)
    assert director.daemons["backup"].startswith("backup sync daemon (mcast=eth1, syncid=0, maxlen=8972,")
    assert done.diff[0]["before"] == ""
    assert done.diff[0]["after"] == (
        "backup sync daemon (mcast=eth1, syncid=0, maxlen=default, group=224.0.0.81, port=8848, ttl=1)\n"
    )


def test_start_with_everything(director):
    given_options = {"role": "master", "syncid": "7", "group": "FF02::0081", "port": "9999", "ttl": "3"}
    done = four_runs(director, **given_options, maxlen="8952")
    words = "--mcast-group ff02::81 --mcast-port 9999 --mcast-ttl 3 --sync-maxlen 8952"
    assert done.commands == (f"ipvsadm --start-daemon master --mcast-interface eth1 --syncid 7 {words}",)


def test_the_other_daemon_is_left_alone(director):
    four_runs(director, role="master")
    master = director.daemons["master"]
    four_runs(director, role="backup", syncid=3)
    four_runs(director, role="backup", state="absent")
    assert director.daemons == {"master": master}


@pytest.mark.parametrize(
    "change",
    [
        {"interface": "eth0"},
        {"syncid": 8},
        {"group": "224.0.0.82"},
        {"group": "ff02::81"},
        {"port": 8849},
        {"ttl": 2},
        {"maxlen": 2000},
    ],
)
def test_a_difference_is_a_stop_and_a_start(director, change):
    run(director)
    done = four_runs(director, **change)
    assert [command.split()[1] for command in done.commands] == ["--stop-daemon", "--start-daemon"]
    # What is left out again is the default again. Any length is.
    if "maxlen" in change:
        director.read_only = True
        assert not run(director).changed
    else:
        four_runs(director)


def test_diff_of_a_change(director):
    run(director, maxlen=2000)
    (entry,) = four_runs(director, syncid=1).diff
    assert entry["before_header"] == entry["after_header"] == "backup sync daemon"
    assert "syncid=0, maxlen=2000" in entry["before"]
    assert "syncid=1, maxlen=default" in entry["after"]


def test_stop(director):
    run(director)
    done = four_runs(director, state="absent")
    assert done.commands == ("ipvsadm --stop-daemon backup",)
    assert (done.diff[0]["after"], director.daemons) == ("", {})


def test_stop_needs_nothing_but_the_role(director):
    director.read_only = True
    assert run(director, state="absent", interface=None) == (False, (), ())
    assert run(director, state="absent", interface="gone") == (False, (), ())


def test_processes(director):
    run(director)
    assert director.processes[0] == director.processes[-1] == READ
    director.processes.clear()
    run(director)
    assert director.processes == [READ]


# ---- what is wrong


def test_all_mistakes_at_once(director):
    mistakes = mistakes_of(
        director, interface="eth9", syncid=256, group="192.0.2.1", port=0, ttl=True, maxlen=1000, role="backup"
    )
    assert mistakes == [
        "interface='eth9': the host has no such interface; it has 'eth0', 'eth1', 'lo'",
        "group='192.0.2.1': must be an IPv4 or IPv6 multicast address, such as 224.0.0.81 or ff02::81",
        "syncid=256: must be a whole number from 0 to 255",
        "port=0: must be a whole number from 1 to 65535",
        "ttl=True: must be a whole number from 1 to 255",
        "maxlen=1000: must be a whole number from 1024 to 65507 for a backup daemon with the group 224.0.0.81",
    ]
    assert director.processes == []


@pytest.mark.parametrize("interface", [None, ""])
def test_no_interface(director, interface):
    assert mistakes_of(director, interface=interface) == ["interface: is needed to start a daemon"]


@pytest.mark.parametrize("group", ["", "x", "224.0.0", "223.255.255.255", "::ffff:224.0.0.81", "ff02::81%eth0", "[1]"])
def test_no_multicast_address(director, group):
    (mistake,) = mistakes_of(director, group=group)
    assert mistake.startswith(f"group={group!r}: must be")


@pytest.mark.parametrize(
    ("role", "group", "least", "most"),
    [
        ("master", "224.0.0.81", 1, 65507),
        ("backup", "224.0.0.81", 1024, 65507),
        ("master", "ff02::81", 1, 65487),
        ("backup", "ff02::81", 1024, 65487),
    ],
)
def test_lengths_that_the_kernel_takes_as_they_are(role, group, least, most):
    for maxlen in (least, most):
        director = FakeDirector()
        run(director, role=role, group=group, maxlen=maxlen)
        assert f"maxlen={maxlen}," in director.daemons[role]
    for maxlen in (least - 1, most + 1):
        (mistake,) = mistakes_of(FakeDirector(), role=role, group=group, maxlen=maxlen)
        assert f"from {least} to {most} for a {role} daemon with the group {group}" in mistake


def test_mistakes_of_options_that_do_not_matter(director):
    (mistake,) = mistakes_of(director, state="absent", ttl=256)
    assert mistake.startswith("ttl=256")


@pytest.mark.parametrize("check", [True, False])
def test_real_servers_of_another_family(director, check):
    director.table = captured_table(mixed=True)
    (mistake,) = mistakes_of(director, check=check)
    assert mistake.endswith("-f 4294967295 -r [fd00::9]:0, -t [fd00::100]:80 -r 198.18.9.23:80"), mistake


def test_other_real_servers_do_not_matter(director):
    director.table = captured_table()
    four_runs(director)


@given(syncid=JUNK, group=st.text(), port=JUNK, ttl=JUNK, maxlen=JUNK, interface=st.none() | st.text())
def test_any_options_are_right_or_named(syncid, group, port, ttl, maxlen, interface):
    given_options = options(syncid=syncid, group=group, port=port, ttl=ttl, maxlen=maxlen, interface=interface)
    with pytest.raises(Mistakes) as info:
        read_options(given_options, ["eth0"])
    assert any(mistake.startswith(("group=", "interface")) for mistake in info.value.mistakes)


# ---- what goes wrong


def test_a_start_without_effect(director):
    director.lose.add("ipvsadm --start-daemon")
    progress = Progress()
    with pytest.raises(NotReached) as info:
        run(director, progress=progress)
    assert info.value.differences[0].endswith("maxlen=default, group=224.0.0.81, port=8848, ttl=1), found none")
    assert (len(progress.commands), progress.changed) == (1, False)


def test_a_stop_without_effect(director):
    run(director)
    director.lose.add("ipvsadm --stop-daemon")
    with pytest.raises(NotReached, match=r"wanted no backup daemon, found backup sync daemon \(mcast=eth1"):
        run(director, state="absent")


def test_a_kernel_that_takes_something_else(director):
    real = director.run
    director.run = lambda argv, stdin=None: real([word if word != "--syncid" else "--ignored" for word in argv], stdin)
    with pytest.raises(NotReached) as info:
        run(director, syncid=7)
    assert info.value.differences == ["syncid: wanted 7, found 0"]


def test_a_start_that_fails(director):
    director.broken["ipvsadm --start-daemon"] = "No such device\n"
    progress = Progress()
    with pytest.raises(CommandError, match="No such device"):
        run(director, progress=progress)
    assert (progress.commands, progress.changed) == ([], False)


def test_the_old_daemon_is_started_again(director):
    run(director, syncid=5, maxlen=3000)
    old = director.daemons.copy()
    director.broken["ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 6"] = "No buffer space\n"
    director.commands.clear()
    progress = Progress()
    with pytest.raises(CommandError, match="No buffer space"):
        run(director, progress=progress, syncid=6)
    assert director.daemons == old
    assert progress.commands == director.commands
    assert progress.changed is False


def test_neither_daemon_starts(director):
    run(director)
    director.broken["ipvsadm --start-daemon"] = "No buffer space\n"
    progress = Progress()
    with pytest.raises(CommandError, match="syncid 6"):
        run(director, progress=progress, syncid=6)
    assert (progress.commands, progress.changed) == (["ipvsadm --stop-daemon backup"], True)


def test_a_stop_that_fails(director):
    run(director)
    director.broken["ipvsadm --stop-daemon"] = "No daemon is running\n"
    progress = Progress()
    with pytest.raises(CommandError, match="No daemon is running"):
        run(director, progress=progress, syncid=6)
    assert (progress.commands, progress.changed) == ([], False)
    assert "syncid=0" in director.daemons["backup"]


def test_no_plan_for_nothing():
    wanted = read_options(options(state="absent"), [])
    assert plan(None, wanted) == []
