# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the module, with directors in memory; and what the real host does."""

from __future__ import annotations

import contextlib
import json
import os
import signal

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover import glue
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import Busy, Interrupted
from ansible_collections.lautan.lvs.plugins.modules import vrrp_switchover
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._vrrp_switchover.fake_pair import FILE, FILE_52, Lan

TWO = "192.0.2.12"
COMMANDS = [f"echo 1 > {FILE}", f"echo 0 > {FILE}"]


@pytest.fixture
def lan(monkeypatch):
    lan = Lan()
    monkeypatch.setattr(glue, "LocalDirector", lambda module: lan.directors[0])
    return lan


@pytest.fixture
def warnings(monkeypatch):
    found = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda self, text, **more: found.append(text))
    return found


def call(capsys, **args):
    with patch_module_args(args), contextlib.suppress(SystemExit):
        vrrp_switchover.main()
    result = json.loads(capsys.readouterr().out)
    result.pop("invocation", None)
    return result


def move(lan, capsys, **more):
    told = lan.directors[1].told()
    return call(capsys, to=TWO, peers=[told], **more)


def test_check_mode_predicts_the_run(lan, capsys):
    here = lan.directors[0]
    here.read_only = True
    predicted = move(lan, capsys, _ansible_check_mode=True, _ansible_diff=True)
    here.read_only = False
    done = move(lan, capsys, _ansible_diff=True)
    assert lan.masters == [TWO]
    assert predicted.pop("seconds") is None
    seconds = done.pop("seconds")
    assert 0 < seconds["released"] <= seconds["heard"] < 0.3
    assert predicted == done
    assert (done["changed"], done["repaired"], done["commands"]) == (True, False, COMMANDS)
    assert done["instances"] == [{"name": "lvs_51", "from": "MASTER", "to": "BACKUP"}]
    assert done["diff"] == [
        {
            "before_header": "VRRP",
            "after_header": "VRRP",
            "before": "lvs_51: MASTER\n",
            "after": "lvs_51: BACKUP\n",
        }
    ]
    here.read_only = True
    again = move(lan, capsys, _ansible_diff=True)
    assert (again["changed"], again["commands"], again["diff"], again["seconds"]) == (False, [], [], None)


def test_everything_is_documented(lan, capsys):
    lan.directors[0].read_only = True
    documented = yaml.safe_load(vrrp_switchover.RETURN)
    result = move(lan, capsys, _ansible_check_mode=True, _ansible_diff=True)
    assert set(result) - {"changed"} == set(documented) - {"errors"}
    assert list(result["instances"][0]) == list(documented["instances"]["contains"])
    lan.directors[0].read_only = False
    assert list(move(lan, capsys)["seconds"]) == list(documented["seconds"]["contains"])


def test_documentation_agrees_with_the_arguments():
    def shape(options):
        return {
            name: (option["type"], option.get("default"), option.get("required")) for name, option in options.items()
        }

    options = yaml.safe_load(vrrp_switchover.DOCUMENTATION)["options"]
    assert shape(options) == {
        "to": ("str", None, None),
        "peers": ("list", [], None),
        "instances": ("list", None, None),
        "track_file": ("str", "lvs_switchover*", None),
        "path": ("path", "/etc/keepalived/keepalived.conf", None),
        "timeout": ("float", 5, None),
        "force": ("bool", False, None),
        "connections": ("int", None, None),
    }
    assert list(options["peers"]["suboptions"]) == ["address", "vrrp", "table"]


def test_what_an_interrupted_run_has_left_behind(lan, capsys, warnings):
    here = lan.directors[0]
    here.overwrite(FILE, "1\n")
    lan.advance(1)
    result = call(capsys, _ansible_diff=True)
    assert (result["changed"], result["repaired"], result["commands"]) == (True, True, COMMANDS[1:])
    assert result["instances"] == [{"name": "lvs_51", "from": "BACKUP", "to": "BACKUP"}]
    assert [(entry["before_header"], entry["before"], entry["after"]) for entry in result["diff"]] == [
        (FILE, "1\n", "0\n")
    ]
    assert len(warnings) == 1


def test_one_of_several_instances(lan, capsys):
    lan.add_instance(own_file=True)
    here, there = lan.directors
    there.overwrite(FILE_52, "1\n")
    lan.advance(0.5)
    there.overwrite(FILE_52, "0\n")
    lan.advance(0.5)
    here.overwrite(FILE, "1\n")
    lan.advance(0.5)
    result = move(lan, capsys, instances=["lvs_52"], _ansible_diff=True)
    assert result["instances"] == [{"name": "lvs_52", "from": "MASTER", "to": "BACKUP"}]
    assert result["commands"] == [COMMANDS[1], f"echo 1 > {FILE_52}", f"echo 0 > {FILE_52}"]
    assert [(entry["before_header"], entry["before"], entry["after"]) for entry in result["diff"]] == [
        (FILE, "1\n", "0\n"),
        ("VRRP", "lvs_52: MASTER\n", "lvs_52: BACKUP\n"),
    ]
    assert result["repaired"] is True


def test_reasons_are_listed(lan, capsys):
    lan.directors[1].state, lan.directors[1].main_pid = "failed", 0
    result = move(lan, capsys)
    assert (result["failed"], result["changed"], result["errors"]) == (True, False, [f"{TWO}: keepalived does not run"])
    assert result["msg"] == f"Nothing was moved: {TWO}: keepalived does not run"


def test_nobody_takes_over(lan, capsys):
    lan.directors[1].deaf = True
    result = move(lan, capsys)
    assert (result["failed"], result["changed"], result["commands"]) == (True, True, COMMANDS)
    assert result["instances"] == [{"name": "lvs_51", "from": "MASTER", "to": "MASTER"}]
    assert result["errors"] == [f"{TWO}: did not take over lvs_51"]
    assert result["msg"].endswith(f"{FILE} says 0 again, and lvs_51 is MASTER here")


def test_another_run(lan, capsys):
    lan.directors[0].busy = True
    assert "another switchover is at work" in move(lan, capsys)["msg"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Interrupted("SIGHUP"), "Interrupted by SIGHUP; every track_file says 0 again"),
        (OSError(5, "Input/output error"), "A file could not be read or written: [Errno 5] Input/output error"),
    ],
)
def test_what_comes_in_between(lan, capsys, error, words):
    here = lan.directors[0]

    def trap():
        if here.values == [1]:
            here.trap = None
            raise error

    here.trap = trap
    result = move(lan, capsys)
    assert (result["failed"], result["msg"]) == (True, words)
    assert (here.values[0], here.values[-1], here.files[FILE].text) == (1, 0, "0\n")


def test_file_that_cannot_be_reset(lan, capsys):
    here = lan.directors[0]

    def trap():
        here.unwritable = {"overwrite", "remove"} if here.values == [1] else set()

    here.trap = trap
    assert "stays in FAULT until its track_file says 0" in move(lan, capsys)["msg"]


def test_keepalived_that_does_not_answer(lan, capsys):
    lan.directors[0].silent = True
    assert "does not tell the state of its VRRP instances: no new" in move(lan, capsys)["msg"]


def test_program_that_fails(lan, capsys):
    told = lan.directors[1].told()
    lan.directors[0].fails["ip -json address"] = Completed(1, "", "no ip")
    result = call(capsys, to=TWO, peers=[told])
    assert (result["failed"], result["rc"], result["stderr"]) == (True, 1, "no ip")


# ---- the real host


@pytest.fixture
def local():
    with patch_module_args({}):
        return glue.LocalDirector(basic.AnsibleModule(argument_spec={}))


def test_overwrite(local, tmp_path):
    path = f"{tmp_path}/file"
    local.overwrite(path, "100\n")
    inode = os.stat(path).st_ino
    os.chmod(path, 0o640)
    local.overwrite(path, "0\n")
    assert (local.read(path).text, local.read(path).mode, os.stat(path).st_ino) == ("0\n", 0o640, inode)
    assert os.listdir(tmp_path) == ["file"]


def test_one_at_a_time(local, tmp_path):
    with local.alone(str(tmp_path)), pytest.raises(Busy), local.alone(str(tmp_path)):
        pass
    with local.alone(str(tmp_path)):
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_signals_interrupt_once(local, number):
    before = {each: signal.getsignal(each) for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}
    reached = []
    with pytest.raises(Interrupted, match=number.name), local.shielded():  # noqa: PT012  # what is after the signal counts
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append(True)
    assert reached == [True]
    assert {each: signal.getsignal(each) for each in before} == before


def test_time_passes(local):
    start = local.now()
    local.pause(0.001)
    assert local.now() > start
