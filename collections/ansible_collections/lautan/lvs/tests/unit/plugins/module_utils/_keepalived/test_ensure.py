# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole director, in memory: what is done, what is left alone, and what happens when something goes wrong."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import render
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.diff import diff_of
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.ensure import Outcome, Wanted, ensure
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.parse import parse
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.render import UNTOUCHED, authorship
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import (
    LAST_GOOD,
    MAIN_PID,
    PATH,
    VRRP_PID,
    FakeDirector,
    ReadOnlyError,
    document,
    fixture,
)

RELOAD, START = "systemctl reload keepalived.service", "systemctl start keepalived.service"


def run(director, data, check=False, on_foreign_change="fail", pause=lambda seconds: None):
    outcome = Outcome()
    ensure(director, Wanted(PATH, data, on_foreign_change), check, outcome, pause)
    return outcome


def four_runs(director, data, **more):
    """Check, do, check, do: the first predicts the second, the others do nothing."""
    director.read_only = True
    predicted = run(director, data, check=True, **more)
    director.read_only = False
    director.commands.clear()
    done = run(director, data, **more)
    assert predicted == done
    assert director.commands == done.commands
    director.read_only = True
    for check in (True, False):
        again = run(director, data, check=check, **more)
        assert (again.changed, again.commands, diff_of(PATH, again)) == (False, [], [])
    director.read_only = False
    return done


def changed(**more):
    data = document()
    data["global_defs"].update(more)
    return data


@pytest.fixture
def director():
    return FakeDirector()


def test_first_run(director):
    old = director.files[PATH]
    outcome = four_runs(director, changed(router_id="new"))
    assert (outcome.changed, outcome.commands, outcome.running, outcome.version) == (True, [RELOAD], True, "2.2.7")
    assert director.files[PATH].mode == 0o640
    assert authorship(director.files[PATH].text) == UNTOUCHED
    assert director.files[LAST_GOOD] == File(old.text)
    assert director.document["global_defs"]["router_id"] == "new"
    assert director.main_pid == MAIN_PID
    ours = [PATH, LAST_GOOD, VRRP_PID, f"/proc/{MAIN_PID}/root/tmp/keepalived.json"]
    assert sorted(director.files) == sorted(ours)


def test_nothing_there_and_nothing_runs():
    director = FakeDirector(running=False)
    outcome = four_runs(director, document())
    assert (outcome.changed, outcome.commands, outcome.running) == (True, [], False)
    assert parse(director.files[PATH].text).document == document()
    assert LAST_GOOD not in director.files
    assert director.signals == []


def test_services_that_come_and_go(director):
    data = document()
    data["virtual_servers"][0]["port"] = 80
    for server in data["virtual_servers"][0]["real_servers"]:
        server["port"] = 80
    four_runs(director, data)
    assert director.table == {"TCP 192.0.2.100:80": "mh"}


def test_mode_that_was_changed(director):
    run(director, document())
    director.put(PATH, director.files[PATH].text, 0o644)
    outcome = four_runs(director, document())
    assert director.files[PATH].mode == 0o640
    assert diff_of(PATH, outcome)[0]["before"].startswith("mode 0644 owner 0:0\n")


def test_run_that_was_cut_short_after_it_wrote(director):
    run(director, document())
    director.put(PATH, director.files[PATH].text)
    outcome = four_runs(director, document())
    assert (outcome.commands, outcome.unread) == ([RELOAD], True)
    assert [entry["before_header"] for entry in diff_of(PATH, outcome)] == ["keepalived"]


# ---- what is refused: nothing is touched


def refused(director, data, **more):
    director.read_only = True
    with pytest.raises(Mistakes) as info:
        run(director, data, **more)
    with pytest.raises(Mistakes) as predicted:
        run(director, data, check=True, **more)
    assert predicted.value.mistakes == info.value.mistakes
    return info.value.mistakes


def test_bad_data(director):
    assert len(refused(director, changed(smtp_alert="x", smtp_connect_timeout=0))) == 2


@pytest.mark.parametrize("data", [{}, {"global_defs": {"router_id": "x"}}])
def test_a_file_that_says_nothing(director, data):
    (mistake,) = refused(director, data)
    assert "has neither vrrp_instances nor virtual_servers" in mistake


def test_a_line_that_keepalived_would_split(director):
    (mistake,) = refused(director, changed(router_id="x" * 1100))
    assert mistake.startswith("global_defs.router_id: gives a line of more than 1022 bytes")


@pytest.mark.parametrize("word", ["    priority 254", "virtual_server 192.0.2.100 443 {", "    nopreempt"])
def test_a_candidate_that_does_not_say_what_was_asked(director, monkeypatch, word):
    """keepalived would take it for a good one."""
    real = render.lines_of
    monkeypatch.setattr(render, "lines_of", lambda data: [line for line in real(data) if line.text != word])
    mistakes = refused(director, document())
    assert any("the candidate does not say what was asked, in v" in mistake for mistake in mistakes)


def test_what_keepalived_refuses(director):
    director.test_results["bad"] = Completed(5, "", "(x: Line 4) Unknown keyword 'router_id'\n")
    assert refused(director, changed(router_id="bad")) == [
        "keepalived would run, but not as asked (5): Unknown keyword 'router_id'"
        " (line 4 of the candidate, 'router_id bad', global_defs.router_id)"
    ]


def test_an_old_keepalived(director):
    director.version = "Keepalived v2.0.20 (01/22,2020)\n"
    assert refused(director, document()) == ["keepalived 2.0.20 is installed; 2.2.7 is the oldest supported"]


def test_a_newer_keepalived_than_any_that_is_known(director):
    director.version = "Keepalived v2.4.0 (01/22,2027)\n"
    assert run(director, document()).warnings == [
        "keepalived 2.4.0 is newer than 2.3.3, the last one whose keywords are known"
    ]


def test_no_keepalived():
    director = FakeDirector(running=False)
    director.programs = {"systemctl"}
    director.read_only = True
    outcome = run(director, document(), check=True)
    assert (outcome.changed, outcome.version, len(outcome.warnings)) == (True, None, 1)
    with pytest.raises(Mistakes, match="the program keepalived was not found"):
        run(director, document())


def test_file_that_was_edited(director):
    run(director, document())
    text = director.files[PATH].text.replace("priority 254", "priority 99").replace("mh-port", "")
    director.put(PATH, text)
    mistakes = refused(director, changed(router_id="new"))
    assert mistakes[0].startswith(f"{PATH}: edited since this module wrote it")
    number = text.split("\n").index("    priority 99") + 1
    assert f"{PATH}: line {number}, 'priority 99', is not in the candidate" in mistakes
    director.read_only = False
    assert four_runs(director, changed(router_id="new"), on_foreign_change="replace").commands == [RELOAD]


@pytest.mark.parametrize("spoil", [lambda text: text + "\n", lambda text: text[: len(text) // 2]])
def test_every_edit_is_noticed(director, spoil):
    run(director, document())
    director.put(PATH, spoil(director.files[PATH].text))
    assert refused(director, changed(router_id="new"))


def test_file_that_changes_meanwhile(director):
    real = director.read

    def read(path):
        found = real(path)
        if path == LAST_GOOD:
            director.put(PATH, "instance other\n")
        return found

    director.read = read
    with pytest.raises(Mistakes, match="changed by somebody else while this module was at work"):
        run(director, document())
    assert director.files[PATH].text == "instance other\n"
    assert director.commands == []


@pytest.mark.parametrize("path", [PATH, LAST_GOOD])
def test_full_disk(director, path):
    old = director.files[PATH]
    director.full.add(path)
    with pytest.raises(OSError, match="No space left"):
        run(director, document())
    assert director.files[PATH] == old
    assert director.commands == []


# ---- what goes wrong with keepalived


def not_reached(director, data, **more):
    outcome = Outcome()
    with pytest.raises(NotReached) as info:
        ensure(director, Wanted(PATH, data, "fail"), False, outcome, lambda seconds: None)
    director.outcome = outcome
    return info.value


def test_reload_that_is_refused(director):
    old = director.files[PATH].text
    director.refuses.add("priority 99")
    data = document()
    data["vrrp_instances"][0]["priority"] = 99
    error = not_reached(director, data)
    assert error.differences == ["VRRP instance lvs_51: priority wanted 99, found 254"]
    assert error.rolled_back == "The last good file is back in place, and keepalived runs with it"
    assert director.files[PATH] == File(old)
    assert director.commands == [RELOAD, RELOAD] == director.outcome.commands
    assert director.outcome.changed


def test_keepalived_that_dies_of_it(director):
    director.dies_of.add("router_id deadly")
    error = not_reached(director, changed(router_id="deadly"))
    assert error.differences == ["keepalived.service: wanted active, found failed"]
    assert "and keepalived runs with it" in error.rolled_back
    assert (director.state, director.commands) == ("active", [RELOAD, START])
    assert director.document["global_defs"]["router_id"] == "director1"


def test_keepalived_that_systemd_starts_again(director):
    """With Restart= in its unit. The new process runs with the file that killed the old one."""
    real = director._take

    def die_and_come_back(text):
        real(text)
        if "router_id deadly" in text:
            director.main_pid = MAIN_PID + 1

    director._take = die_and_come_back
    error = not_reached(director, changed(router_id="deadly"))
    assert error.differences == [f"keepalived.service: wanted main process {MAIN_PID}, found {MAIN_PID + 1}"]
    assert error.rolled_back == ("The last good file is back in place, and keepalived runs with it, in a new process")
    assert director.document["global_defs"]["router_id"] == "director1"


def test_vrrp_process_that_dies_of_it(director):
    """keepalived starts it anew, with the file that killed the old one, and the VIPs have moved."""
    director.vrrp_dies_of.add("router_id deadly")
    error = not_reached(director, changed(router_id="deadly"))
    assert error.differences == [
        f"VRRP process: wanted process {MAIN_PID + 1000} to go on, found process {MAIN_PID + 1001} in its place; "
        "see the journal of keepalived.service"
    ]
    assert error.rolled_back == "The last good file is back in place, and keepalived runs with it"


def test_instance_that_is_in_fault_after_it(director):
    director.faulty_of.add("router_id new")
    error = not_reached(director, changed(router_id="new"))
    assert error.differences == ["VRRP instance lvs_51: is in FAULT, and was not before"]
    assert error.rolled_back == "The last good file is back in place, and keepalived runs with it"


def test_instance_that_was_in_fault_before(director):
    """The interface is down, for instance; that is no reason not to change anything else."""
    director.faulty_of.add("router_id")
    director.start()
    director.commands.clear()
    assert four_runs(director, changed(router_id="new")).changed


@pytest.mark.parametrize("times", [1, 1000])
def test_ipvsadm_that_complains(director, times):
    """Of a service that goes while it lists the table; or always."""
    real, asked = director.run, []

    def complain(argv, stdin=None):
        if argv[0] == "ipvsadm":
            asked.append(argv)
            if len(asked) <= times:
                return Completed(0, "", "No such service\n")
        return real(argv, stdin)

    director.run = complain
    if times == 1:
        assert run(director, changed(router_id="new")).changed
        return
    error = not_reached(director, changed(router_id="new"))
    assert len(error.differences) == 1
    assert "could not be looked at: ipvsadm --save --numeric (rc 0): No such service" in error.differences[0]
    assert "router_id director1" in director.files[PATH].text


def test_reload_that_fails(director):
    director.fails[RELOAD] = Completed(1, "", "Job failed.")
    error = not_reached(director, changed(router_id="new"))
    assert error.differences == ["systemctl reload failed: Job failed."]
    assert "does not run with it: systemctl reload failed" in error.rolled_back
    assert "router_id director1" in director.files[PATH].text


def test_service_that_does_not_come(director):
    director.lost_services.add("TCP 192.0.2.101:80")
    data = document()
    service = {**data["virtual_servers"][0], "ip": "192.0.2.101", "port": 80}
    service["real_servers"] = [{"ip": "192.0.2.21", "port": 80, "checks": [{"type": "TCP_CHECK"}]}]
    data["virtual_servers"].append(service)
    error = not_reached(director, data)
    assert error.differences == ["virtual server TCP 192.0.2.101:80: is not in the kernel"]
    assert error.rolled_back.endswith("and keepalived runs with it")


def test_instance_that_does_not_come(director):
    run(director, document())
    director.lost_instances.add("lvs_52")
    data = document()
    second = {**data["vrrp_instances"][0], "name": "lvs_52", "virtual_router_id": 52}
    second["virtual_ipaddress"] = ["192.0.2.200"]
    del second["virtual_ipaddress_excluded"]
    data["vrrp_instances"].append(second)
    assert not_reached(director, data).differences == ["VRRP instance lvs_52: does not run"]
    assert authorship(director.files[PATH].text) == UNTOUCHED


def test_vrrp_process_that_is_silent(director):
    director.silent = True
    (difference,) = not_reached(director, changed(router_id="new")).differences
    assert difference.startswith("VRRP process: no new /proc/812/root/tmp/keepalived.json after")


def test_no_good_file_to_go_back_to(director):
    """The old file does not pass the test, and keepalived may only live because it read another one."""
    director.test_results["director1"] = Completed(5, "", "x\n")
    director.refuses.add("priority 99")
    data = changed(router_id="new")
    data["vrrp_instances"][0]["priority"] = 99
    error = not_reached(director, data)
    assert error.rolled_back == "There is no other good file to go back to"
    assert director.commands == [RELOAD]


def test_file_of_somebody_else_is_kept_though_it_cannot_be_gone_back_to(director):
    theirs = "include /etc/keepalived/conf.d/*.conf\n"
    director.put(PATH, theirs)
    run(director, changed(router_id="new"))
    assert director.files[f"{PATH}.replaced"] == File(theirs)
    assert LAST_GOOD not in director.files


def test_rollback_onto_a_full_disk(director):
    director.refuses.add("priority 99")
    data = document()
    data["vrrp_instances"][0]["priority"] = 99
    real = director.write

    def write(path, file):
        if path == PATH and director.commands:
            raise OSError(28, "No space left on device", path)
        real(path, file)

    director.write = write
    assert not_reached(director, data).rolled_back.startswith("The last good file could not be written back: ")


def test_keepalived_is_given_time(director):
    """It rereads its file in the background."""
    director.refuses.add("router_id slow")
    data = changed(router_id="slow")
    data["vrrp_instances"][0]["priority"] = 99
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            director.refuses.clear()
            director._take(director.files[PATH].text)

    assert run(director, data, pause=pause).changed
    assert len(pauses) == 3


def test_no_ipvsadm(director):
    director.programs.discard("ipvsadm")
    director.lost_services.add("TCP 192.0.2.100:443")
    (warning,) = run(director, changed(router_id="new")).warnings
    assert warning.startswith("ipvsadm is not installed")


def test_another_network_namespace(director):
    director.lost_services.add("TCP 192.0.2.100:443")
    (warning,) = run(director, {**document(), "net_namespace": "lb"}).warnings
    assert warning.startswith("keepalived is in another network namespace")


def test_systemctl_that_fails(director):
    real = director.run
    director.run = lambda argv, stdin=None: Completed(1, "", "no bus") if "show" in argv else real(argv, stdin)
    with pytest.raises(CommandError, match="no bus"):
        run(director, document())


# ---- what is shown


def test_secrets_are_not_shown(director):
    data = document()
    data["vrrp_instances"][0].update(
        version=2, advert_int=1, authentication={"auth_type": "PASS", "auth_pass": "geheim1"}
    )
    run(director, data)
    assert "auth_pass geheim1\n" in director.files[PATH].text
    data["vrrp_instances"][0]["authentication"]["auth_pass"] = "geheim2"
    outcome = run(director, data, check=True)
    (entry,) = diff_of(PATH, outcome)
    assert "geheim" not in str(entry)
    assert entry["before"].endswith("sha256:********\n")
    assert entry["after"].endswith("sha256:********\n")
    assert "auth_pass ********\n" in entry["before"]
    assert "auth_pass ******** # not the same secrets as before\n" in entry["after"]


@pytest.mark.parametrize(
    "line",
    [
        "  auth_pass geheim",
        'auth_pass "geheim 1 # x"  ',
        "@one auth_pass geheim",
        "# auth_pass geheim",
        "authentication { auth_pass geheim }",
        "\tpassword\tgeheim\r",
        "$PASS=geheim\nauth_pass $PASS",
        "  $P = 'geheim' \nauth_pass ${P}x",
    ],
)
def test_secrets_in_files_of_others_are_not_shown(director, line):
    director.put(PATH, f"vrrp_instance a {{\n{line}\n}}\nsuffix\n")
    (entry,) = diff_of(PATH, run(director, document(), check=True))
    assert "geheim" not in entry["before"]
    assert entry["before"].endswith("}\nsuffix\n")


def test_the_fake_director_does_refuse(director):
    director.read_only = True
    with pytest.raises(ReadOnlyError):
        run(director, document())
    assert director.files[PATH].text == fixture("director.conf")
