# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of ipvs_sync_daemon: a real module, interfaces under a temporary root, an ipvsadm that is played."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.modules import ipvs_sync_daemon
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_director import (
    FakeDirector,
    captured_table,
)

START = "ipvsadm --start-daemon master --mcast-interface eth1 --syncid 7 --mcast-group 224.0.0.81 --mcast-port 8848"
START += " --mcast-ttl 1"


@pytest.fixture
def director(monkeypatch, tmp_path):
    director = FakeDirector()
    (tmp_path / "devices").mkdir()
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "bonding_masters").write_text("", encoding="utf-8")
    for name in director.interfaces:
        (tmp_path / "devices" / name).mkdir()
        (tmp_path / "net" / name).symlink_to(tmp_path / "devices" / name)
    monkeypatch.setattr(ipvs_sync_daemon, "INTERFACES", str(tmp_path / "net"))
    monkeypatch.setattr(ipvs_sync_daemon, "module_runner", lambda module: director.run)
    return director


def call(capsys, **args):
    with patch_module_args(args), contextlib.suppress(SystemExit):
        ipvs_sync_daemon.main()
    result = json.loads(capsys.readouterr().out)
    result.pop("invocation", None)
    return result


def test_check_mode_predicts_the_run(director, capsys):
    args = {"role": "master", "interface": "eth1", "syncid": "7", "_ansible_diff": True}
    director.read_only = True
    predicted = call(capsys, **args, _ansible_check_mode=True)
    director.read_only = False
    done = call(capsys, **args)
    assert predicted == done
    assert done["changed"] is True
    assert done["commands"] == director.commands == [START]
    assert done["diff"][0]["before_header"] == "master sync daemon"
    director.read_only = True
    assert call(capsys, **args) == {"changed": False, "commands": [], "diff": []}


def test_stop(director, capsys):
    call(capsys, role="master", interface="eth1")
    result = call(capsys, role="master", state="absent")
    assert (result["commands"], director.daemons) == (["ipvsadm --stop-daemon master"], {})


def test_all_mistakes_are_listed(director, capsys):
    director.read_only = True
    result = call(
        capsys, role="backup", interface="bonding_masters", syncid=-1, group="x", port="y", ttl=None, maxlen=1
    )
    assert (result["failed"], result["changed"], result["commands"]) == (True, False, [])
    assert [error.split("=")[0] for error in result["errors"]] == ["interface", "group", "syncid", "port", "maxlen"]
    assert "it has 'eth0', 'eth1', 'lo'" in result["errors"][0]


def test_real_servers_of_another_family_are_named(director, capsys):
    director.table = captured_table(mixed=True)
    director.read_only = True
    result = call(capsys, role="backup", interface="eth1", _ansible_check_mode=True)
    assert (result["failed"], len(result["errors"])) == (True, 1)
    assert "-t [fd00::100]:80 -r 198.18.9.23:80" in result["msg"]


def test_what_was_done_before_a_failure_is_told(director, capsys):
    call(capsys, role="backup", interface="eth1")
    director.broken["ipvsadm --start-daemon"] = "Cannot allocate memory\n"
    result = call(capsys, role="backup", interface="eth0")
    assert (result["failed"], result["changed"], result["rc"]) == (True, True, 255)
    assert result["commands"] == ["ipvsadm --stop-daemon backup"]
    assert "Cannot allocate memory" in result["msg"]


def test_a_host_without_sysfs(director, capsys, monkeypatch):
    monkeypatch.setattr(ipvs_sync_daemon, "INTERFACES", "/nonexistent")
    assert "/nonexistent" in call(capsys, role="backup", interface="eth1")["msg"]


def test_documentation_agrees_with_the_arguments(director, capsys):
    options = yaml.safe_load(ipvs_sync_daemon.DOCUMENTATION)["options"]
    assert {name: option.get("default") for name, option in options.items()} == {
        "role": None,
        "state": "present",
        "interface": None,
        "syncid": 0,
        "group": "224.0.0.81",
        "port": 8848,
        "ttl": 1,
        "maxlen": None,
    }
    call(capsys, role="master", interface="eth1")
    defaults = {name: option["default"] for name, option in options.items() if "default" in option}
    director.read_only = True
    assert call(capsys, role="master", interface="eth1", **defaults)["changed"] is False
    assert {"commands", "diff", "errors"} == {*yaml.safe_load(ipvs_sync_daemon.RETURN)}
