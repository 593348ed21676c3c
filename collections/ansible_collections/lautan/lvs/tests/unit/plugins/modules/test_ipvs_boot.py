# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of ipvs_boot: a director that is played, and the real access to files under a temporary root."""

from __future__ import annotations

import contextlib
import json
import os

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.boot_host import File, LocalHost
from ansible_collections.lautan.lvs.plugins.module_utils._runner import check
from ansible_collections.lautan.lvs.plugins.modules import ipvs_boot
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_director import (
    DEFAULTS,
    KEEPALIVED_CONF,
    RULES,
    FakeDirector,
    captured_table,
)


@pytest.fixture
def director(monkeypatch):
    director = FakeDirector()
    director.table = captured_table()
    monkeypatch.setattr(ipvs_boot, "LocalHost", lambda module: director)
    return director


def call(capsys, **args):
    with patch_module_args(args), contextlib.suppress(SystemExit):
        ipvs_boot.main()
    result = json.loads(capsys.readouterr().out)
    result.pop("invocation", None)
    return result


@pytest.mark.parametrize("state", ["present", "absent"])
def test_check_mode_predicts_the_run(director, capsys, state):
    if state == "absent":
        call(capsys)
    director.commands.clear()
    director.read_only = True
    predicted = call(capsys, state=state, _ansible_check_mode=True, _ansible_diff=True)
    director.read_only = False
    done = call(capsys, state=state, _ansible_diff=True)
    assert predicted == done
    assert done["changed"] is True
    assert done["commands"] == director.commands
    assert len(done["commands"]) == 1
    assert [entry["before_header"] for entry in done["diff"]] == [RULES, DEFAULTS, "ipvsadm.service"]
    director.read_only = True
    assert call(capsys, state=state, _ansible_diff=True) == {"changed": False, "commands": [], "diff": []}


def test_mistakes_are_listed(director, capsys):
    director.files[KEEPALIVED_CONF] = File("virtual_server fwmark 1 {\n", 0o644)
    del director.enabled["ipvsadm"]
    director.read_only = True
    result = call(capsys)
    assert (result["failed"], result["changed"], len(result["errors"])) == (True, False, 2)
    assert result["msg"].startswith("Nothing was changed: keepalived owns the table")


def test_files_that_were_written_before_a_failure_are_a_change(director, capsys):
    director.broken["systemctl enable"] = "Failed to enable unit\n"
    result = call(capsys)
    assert (result["failed"], result["changed"], result["commands"]) == (True, True, [])


@pytest.mark.parametrize("user", [0, 1000])
def test_a_file_that_must_not_be_read(director, capsys, monkeypatch, user):
    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(director, "file", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    result = call(capsys)
    assert (result["failed"], result["changed"]) == (True, False)
    assert f"Permission denied: '{RULES}'" in result["msg"]
    assert ("become: true" in result["msg"]) == (user != 0)


def test_documentation_agrees_with_the_arguments():
    assert {*yaml.safe_load(ipvs_boot.DOCUMENTATION)["options"]} == {"state"}
    assert {"commands", "diff", "errors"} == {*yaml.safe_load(ipvs_boot.RETURN)}


# ---- the real host


@pytest.fixture
def local(tmp_path):
    with patch_module_args({}):
        module = basic.AnsibleModule(argument_spec={})
    (tmp_path / "tmp").mkdir()
    module._tmpdir = str(tmp_path / "tmp")
    return LocalHost(module)


def own(text, mode):
    return File(text, mode, os.getuid(), os.getgid())


@pytest.mark.parametrize("mode", [0o640, 0o644])
def test_write_and_read(local, tmp_path, mode, request):
    before = os.umask(0o077)
    request.addfinalizer(lambda: os.umask(before))
    path = f"{tmp_path}/ipvsadm.rules"
    assert (local.read(path), local.file(path)) == (None, None)
    for text in ("one\n", "two \udcff\n"):
        local.write(path, own(text, mode))
        assert local.file(path) == own(text, mode)
    os.chmod(path, 0o600)
    local.write(path, own("three\n", mode))
    assert local.file(path) == own("three\n", mode)
    assert (os.listdir(tmp_path / "tmp"), len(os.listdir(tmp_path))) == ([], 2)


def test_a_file_is_replaced_and_not_written_into(local, tmp_path):
    path = tmp_path / "file"
    local.write(str(path), own("old\n", 0o640))
    with path.open(encoding="utf-8") as reader:
        local.write(str(path), own("new\n", 0o640))
        assert reader.read() == "old\n"


def test_glob(local, tmp_path):
    for name in ("b.conf", "d.conf", "a.conf", "c.conf", "e.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert local.glob(f"{tmp_path}/*.conf") == [f"{tmp_path}/{name}.conf" for name in "abcd"]
    assert local.glob(f"{tmp_path}/none/*") == []


def test_programs(local):
    assert check(local.run, ["cat"], "text") == "text"
    assert local.run(["no-such-program"], None).rc == 127
