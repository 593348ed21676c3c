# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IPVS over a reboot, on a fake director that reboots."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot import Boot, ensure_boot, observe, read_ipvs
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_host import File
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.settings import Progress
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_director import (
    DEFAULTS,
    KEEPALIVED_CONF,
    RULES,
    FakeDirector,
    captured_table,
    fixture,
)

ENABLE, DISABLE = "systemctl enable ipvsadm.service", "systemctl disable ipvsadm.service"
VIRTUAL_SERVER = "virtual_server 192.0.2.100 80 {\n}\n"


@pytest.fixture(params=["unit", "sysv"])
def director(request):
    """A director with everything that a reboot forgets."""
    director = FakeDirector()
    director.sysv = request.param == "sysv"
    director.timeouts = [800, 60, 30]
    director.table = captured_table()
    for words in ("master --mcast-interface eth0 --syncid 7", "backup --mcast-interface eth1 --mcast-group ff02::5"):
        assert director.run(["ipvsadm", "--start-daemon", *words.split()]).rc == 0
    director.commands.clear()
    return director


def run(director, present=True, check=False, progress=None):
    return ensure_boot(director, present, check, progress or Progress())


def four_runs(director, present=True):
    """Check, do, check, do. Only the second may write, and it does what the first predicted."""
    director.read_only = True
    predicted = run(director, present, check=True)
    director.read_only = False
    director.commands.clear()
    progress = Progress()
    done = run(director, present, progress=progress)
    director.read_only = True
    assert predicted == done
    assert (done.changed, progress.changed) == (True, True)
    assert director.commands == progress.commands == list(done.commands)
    for check in (True, False):
        assert run(director, present, check=check) == (False, (), ())
    director.read_only = False
    return done


def mistakes_of(director):
    director.read_only = True
    with pytest.raises(Mistakes) as info:
        run(director)
    return info.value.mistakes


def live(director):
    return director.timeouts, director.daemons, director.table


# ---- states


def test_a_reboot_brings_everything_back(director):
    before = read_ipvs(director.run)
    assert four_runs(director).commands == (ENABLE,)
    held = live(director)
    completed = director.reboot()
    assert (completed.rc, completed.stderr) == (0, "")
    assert live(director) == held
    assert read_ipvs(director.run) == before
    assert len(before.table) > 10
    assert len(before.daemons) == 2


def test_nothing_comes_back_without_it(director):
    before = read_ipvs(director.run)
    director.reboot()
    assert read_ipvs(director.run) != before
    assert live(director) == ([900, 120, 300], {}, [])


def test_the_files(director):
    four_runs(director)
    rules, defaults = director.files[RULES], director.files[DEFAULTS]
    assert (rules.mode, rules.uid, rules.gid, defaults.mode) == (0o640, 0, 0, 0o644)
    assert rules.text.splitlines()[:6] == [
        "# Written by the Ansible module lautan.lvs.ipvs_boot; changes here are lost.",
        "--start-daemon backup --mcast-interface eth1 --syncid 0 --mcast-group ff02::5 --mcast-port 8848 --mcast-ttl 1"
        " --sync-maxlen 8952",
        "--start-daemon master --mcast-interface eth0 --syncid 7 --mcast-group 224.0.0.81 --mcast-port 8848"
        " --mcast-ttl 1 --sync-maxlen 1472",
        "--set 800 60 30",
        "-A -f 4294967295 -s rr",
        "-a -f 4294967295 -r 198.18.9.24:8080 -m -w 1",
    ]
    assert "-a -t 198.18.9.100:443 -r 198.18.9.21:443 -g -w 1 -x 100 -y 80" in rules.text.splitlines()
    assert defaults.text == fixture("debian13-default-ipvsadm.txt").replace('AUTO="false"', 'AUTO="true"')


def test_the_kernel_is_left_alone(director):
    before = read_ipvs(director.run)
    active = dict(director.active)
    four_runs(director)
    four_runs(director, present=False)
    assert read_ipvs(director.run) == before
    assert director.active == active


@pytest.mark.parametrize("empty", [True, False])
def test_the_file_can_be_loaded_again(director, empty):
    """The daemons run then. The status must not be that of their refused start, or the unit would have failed."""
    if empty:
        director.table = []
    four_runs(director)
    completed = director.start()
    assert (completed.rc, completed.stderr) == (0, "Daemon has already run\n" * 2)


def test_an_empty_table_without_daemons():
    director = FakeDirector()
    four_runs(director)
    assert director.files[RULES].text.splitlines()[1:] == ["--set 900 120 300"]
    assert director.reboot().rc == 0


def test_nothing_left(director):
    four_runs(director)
    assert four_runs(director, present=False).commands == (DISABLE,)
    assert director.files[RULES] == File("# ipvsadm.rules\n", 0o640)
    assert director.files[DEFAULTS].text == fixture("debian13-default-ipvsadm.txt")
    director.reboot()
    assert live(director) == ([900, 120, 300], {}, [])


def test_nothing_to_give_up(director):
    director.read_only = True
    assert run(director, present=False) == (False, (), ())


def test_a_default_is_not_written_down(director):
    director.files[DEFAULTS] = File('DAEMON="both"\n', 0o644)
    director.enabled["ipvsadm"] = "enabled"
    assert [entry["before_header"] for entry in four_runs(director, present=False).diff] == ["ipvsadm.service"]


def test_nothing_to_give_up_without_the_package(director):
    director.files.clear()
    del director.enabled["ipvsadm"]
    director.read_only = True
    assert run(director, present=False) == (False, (), ())


def test_rules_of_others_are_given_up_too(director):
    director.files[RULES] = File("# mine\n-A -t 192.0.2.100:80 -s rr\n", 0o600)
    done = four_runs(director, present=False)
    assert done.commands == ()
    assert director.files[RULES].text == "# ipvsadm.rules\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda director: director.timeouts.__setitem__(2, 31),
        lambda director: director.table.pop(),
        lambda director: director.table.__setitem__(1, director.table[1].replace("-w 1", "-w 10")),
        lambda director: director.table.__setitem__(
            director.table.index("-a -t 198.18.9.100:443 -r 198.18.9.21:443 -g -w 1 -x 100 -y 80"),
            "-a -t 198.18.9.100:443 -r 198.18.9.21:443 -g -w 1 -x 100 -y 79",
        ),
        lambda director: director.daemons.pop("master"),
        lambda director: director.daemons.update(backup=director.daemons["backup"].replace("ttl=1", "ttl=2")),
    ],
    ids=["timeout", "fewer", "weight", "threshold", "daemon", "ttl"],
)
def test_what_has_changed_since(director, change):
    run(director)
    change(director)
    done = four_runs(director)
    assert (done.commands, [entry["before_header"] for entry in done.diff]) == ((), [RULES])
    held = read_ipvs(director.run)
    director.reboot()
    assert read_ipvs(director.run) == held


def test_text_and_order_do_not_matter(director):
    run(director)
    rules = director.files[RULES]
    lines = rules.text.splitlines()
    moved = ["# by hand", "", *lines[6:], *lines[4:6], lines[3], lines[2], lines[1]]
    director.files[RULES] = rules._replace(text="\n".join(moved))
    director.read_only = True
    assert not run(director).changed


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("--set 800 60 30\n", ""),
        lambda text: text + "--set 800 60 30\n",
        lambda text: text.replace("--set 800 60 30", "--set 800 60"),
        lambda text: text + "-Z\n",
        lambda text: text.replace("--syncid 7", "--syncid x"),
        lambda text: text.replace("--start-daemon master", "--start-daemon mister"),
        lambda text: text.replace(" --mcast-ttl 1", ""),
        lambda text: text.replace(" --sync-maxlen 1472", " --sync-maxlen 1472 --mcast-colour 1"),
        lambda text: text.replace("--syncid 7", "--syncid 07"),
        lambda text: text.replace(" -x 100 -y 80", ""),
        lambda text: "",
    ],
)
def test_a_file_that_makes_something_else_is_replaced(director, spoil):
    run(director)
    rules = director.files[RULES]
    director.files[RULES] = rules._replace(text=spoil(rules.text))
    assert director.files[RULES] != rules
    four_runs(director)
    assert director.files[RULES] == rules


@pytest.mark.parametrize("spoil", [{"mode": 0o644}, {"uid": 1000}, {"gid": 1000}])
def test_permissions(director, spoil):
    run(director)
    director.files[RULES] = director.files[RULES]._replace(**spoil)
    done = four_runs(director)
    assert "mode 0640 owner 0:0" in done.diff[0]["after"]


def test_a_service_that_was_disabled(director):
    run(director)
    director.enabled["ipvsadm"] = "disabled"
    done = four_runs(director)
    assert (done.commands, done.diff[0]["before"], done.diff[0]["after"]) == ((ENABLE,), "disabled\n", "enabled\n")


def test_daemons_that_the_distribution_would_start_too(director):
    text = director.files[DEFAULTS].text
    director.files[DEFAULTS] = File(text.replace('DAEMON="none"', 'DAEMON="both"\t# both'), 0o600)
    four_runs(director)
    assert director.files[DEFAULTS] == File(text.replace('AUTO="false"', 'AUTO="true"'), 0o600)


def test_no_defaults_file(director):
    del director.files[DEFAULTS]
    four_runs(director)
    assert director.files[DEFAULTS] == File('AUTO="true"\n', 0o644)


def test_one_process_reads_all(director):
    run(director)
    director.processes.clear()
    run(director)
    assert director.processes == ["systemctl is-enabled ipvsadm.service", "ipvsadm -R"]


# ---- keepalived


@pytest.mark.parametrize(
    ("enabled", "active", "owns"),
    [
        ("enabled", "inactive", True),
        ("disabled", "active", True),
        ("enabled", "failed", True),
        ("disabled", "inactive", False),
        ("masked", "failed", False),
        (None, "inactive", False),
    ],
)
def test_a_table_that_keepalived_owns(director, enabled, active, owns):
    director.files[KEEPALIVED_CONF] = File(VIRTUAL_SERVER, 0o644)
    director.enabled["keepalived"], director.active["keepalived"] = enabled, active
    if enabled is None:
        del director.enabled["keepalived"]
    if owns:
        (mistake,) = mistakes_of(director)
        assert f"({KEEPALIVED_CONF}: virtual_server 192.0.2.100 80 {{)" in mistake
    else:
        four_runs(director)


def test_keepalived_for_nothing_but_vrrp(director):
    director.files[KEEPALIVED_CONF] = File("vrrp_instance a {\n}\n", 0o644)
    four_runs(director)


def test_given_up_for_keepalived(director):
    run(director)
    director.files[KEEPALIVED_CONF] = File(VIRTUAL_SERVER, 0o644)
    four_runs(director, present=False)


def test_daemons_that_keepalived_starts(director):
    director.files[KEEPALIVED_CONF] = File("global_defs {\n  lvs_sync_daemon eth1 VI_1\n}\n", 0o644)
    four_runs(director)
    assert "--start-daemon" not in director.files[RULES].text
    assert "--set 800 60 30" in director.files[RULES].text
    director.daemons.clear()
    director.read_only = True
    assert not run(director).changed


# ---- what is wrong


@pytest.mark.parametrize("state", [None, ""])
def test_no_package(director, state):
    director.enabled["ipvsadm"] = state
    if state is None:
        del director.enabled["ipvsadm"]
    assert mistakes_of(director) == ["there is no ipvsadm.service: install the package ipvsadm"]


def test_all_mistakes_at_once(director):
    director.enabled["ipvsadm"] = "masked"
    director.files[KEEPALIVED_CONF] = File(VIRTUAL_SERVER, 0o644)
    mistakes = mistakes_of(director)
    assert len(mistakes) == 2
    assert "keepalived owns the table" in mistakes[0]
    assert "systemctl unmask ipvsadm.service" in mistakes[1]


def test_a_masked_service_has_been_given_up(director):
    director.enabled["ipvsadm"] = "masked"
    director.read_only = True
    assert not run(director, present=False).changed


@pytest.mark.parametrize("present", [True, False])
def test_what_cannot_be_read(director, present):
    director.broken["ipvsadm"] = "Can't initialize ipvs: Protocol not available\n"
    director.read_only = True
    if present:
        with pytest.raises(CommandError, match="initialize ipvs"):
            run(director)
    else:
        assert not run(director, present=False).changed


# ---- what goes wrong


def test_a_service_that_cannot_be_enabled(director):
    director.broken["systemctl enable"] = "Failed to enable unit\n"
    progress = Progress()
    with pytest.raises(CommandError, match="Failed to enable unit"):
        run(director, progress=progress)
    assert (progress.commands, progress.changed) == ([], True)


def test_a_command_without_effect(director):
    director.lose.add(ENABLE)
    with pytest.raises(NotReached) as info:
        run(director)
    assert info.value.differences == ["ipvsadm.service: wanted enabled, found disabled"]


def test_a_file_that_is_not_as_written(director):
    real = director.write
    director.write = lambda path, file: real(path, file._replace(mode=0o600))
    with pytest.raises(NotReached) as info:
        run(director)
    assert info.value.differences == [f"{RULES}: is not as it was written", f"{DEFAULTS}: is not as it was written"]


def test_a_file_that_cannot_be_written(director):
    def refuse(path, file):
        raise PermissionError(13, "Permission denied", path)

    director.write = refuse
    progress = Progress()
    with pytest.raises(PermissionError):
        run(director, progress=progress)
    assert progress.changed is False


def test_a_host_without_systemd(director):
    real = director.run
    missing = Completed(127, "", "the program systemctl was not found")
    director.run = lambda argv, stdin=None: missing if argv[0] == "systemctl" else real(argv, stdin)
    assert observe(director) == Boot(director.files[RULES], director.files[DEFAULTS], "")
