# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the module, with a director in memory."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import glue
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.plugins.modules import keepalived_config
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import (
    PATH,
    FakeDirector,
    document,
)

RELOAD = "systemctl reload keepalived.service"


@pytest.fixture
def director(monkeypatch):
    director = FakeDirector()
    monkeypatch.setattr(glue, "LocalHost", lambda module: director)
    monkeypatch.setattr(glue.time, "sleep", lambda seconds: None)
    return director


@pytest.fixture
def warnings(monkeypatch):
    found = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda self, text, **more: found.append(text))
    return found


def call(capsys, config, **more):
    with patch_module_args({"config": config, **more}), contextlib.suppress(SystemExit):
        keepalived_config.main()
    return json.loads(capsys.readouterr().out)


def test_check_mode_predicts_the_run(director, capsys):
    director.read_only = True
    predicted = call(capsys, document(), _ansible_check_mode=True, _ansible_diff=True)
    director.read_only = False
    done = call(capsys, document(), _ansible_diff=True)
    for result in (predicted, done):
        result.pop("invocation")
    assert predicted == done
    assert (done["changed"], done["commands"], done["running"], done["version"]) == (True, [RELOAD], True, "2.2.7")
    assert [entry["before_header"] for entry in done["diff"]] == [PATH]
    director.read_only = True
    again = call(capsys, document(), _ansible_diff=True)
    assert (again["changed"], again["commands"], again["diff"]) == (False, [], [])


def test_no_diff_unless_asked(director, capsys):
    assert "diff" not in call(capsys, document())


def test_mistakes_are_listed(director, capsys):
    director.read_only = True
    data = document()
    data["vrrp_instances"][0].update(priority=0, interface="lo")
    result = call(capsys, data)
    assert (result["failed"], result["changed"], len(result["errors"])) == (True, False, 2)
    assert result["msg"].startswith("Nothing was changed: vrrp_instances[0].priority=0: ")


def test_warnings(director, capsys, warnings):
    data = document()
    del data["virtual_servers"][0]["lvs_method"]
    call(capsys, data)
    assert warnings == ["virtual_servers[0].lvs_method: is not set; keepalived then takes NAT"]


def test_rollback_is_told(director, capsys):
    director.refuses.add("priority 99")
    data = document()
    data["vrrp_instances"][0]["priority"] = 99
    result = call(capsys, data)
    assert (result["failed"], result["changed"], result["commands"]) == (True, True, [RELOAD, RELOAD])
    assert result["errors"] == ["VRRP instance lvs_51: priority wanted 99, found 254"]
    assert result["rolled_back"].endswith("keepalived runs with it")


def test_full_disk(director, capsys):
    director.full.add(PATH)
    result = call(capsys, document())
    assert (result["failed"], result["changed"]) == (True, False)
    assert f"{PATH} is as it was: [Errno 28] No space left on device" in result["msg"]


def test_program_that_fails(director, capsys):
    real = director.run
    director.run = lambda argv, stdin=None: Completed(1, "", "no bus") if "show" in argv else real(argv, stdin)
    result = call(capsys, document())
    assert (result["failed"], result["rc"], result["stderr"]) == (True, 1, "no bus")


@pytest.mark.parametrize("bad", [False, True])
def test_password_is_nowhere(director, capsys, bad, monkeypatch):
    logged = []
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda self, msg, **more: logged.append(f"{msg} {more}"))
    data = document()
    secret = "geheimnis" if bad else "geheim12"
    data["vrrp_instances"][0].update(version=2, advert_int=1)
    data["vrrp_instances"][0]["authentication"] = {"auth_type": "PASS", "auth_pass": secret}
    result = call(capsys, data, _ansible_diff=True)
    assert bool(result.get("failed")) == bad
    assert result["invocation"]["module_args"]["config"]["vrrp_instances"][0]["name"] == "lvs_51"
    assert secret not in json.dumps(result)
    assert secret not in str(logged)
    assert (f"auth_pass {secret}" in director.files[PATH].text) != bad


def test_documentation_agrees_with_the_arguments():
    options = yaml.safe_load(keepalived_config.DOCUMENTATION)["options"]
    assert {name: option["type"] for name, option in options.items()} == {
        "config": "dict",
        "path": "path",
        "on_foreign_change": "str",
    }


@pytest.mark.parametrize("example", range(2))
def test_examples_are_right(capsys, monkeypatch, warnings, example):
    director = FakeDirector(running=False)
    monkeypatch.setattr(glue, "LocalHost", lambda module: director)
    config = yaml.safe_load(keepalived_config.EXAMPLES)[example]["lautan.lvs.keepalived_config"]["config"]
    result = call(capsys, config)
    assert (result["changed"], warnings) == (True, [])


def test_files_of_the_real_host(tmp_path):
    class Module:
        tmpdir = str(tmp_path)

    host = glue.LocalHost(Module())
    path = host.write_candidate("a\r\nb")
    assert (host.read(path).text, host.read(path).mode) == ("a\r\nb", 0o600)
    before = host.identity(path)
    assert before is not None
    host.write(path, File("c", 0o640, host.read(path).uid, host.read(path).gid))
    assert host.identity(path) != before
    host.remove(path)
    assert (host.read(path), host.identity(path)) == (None, None)
    host.remove(path)
