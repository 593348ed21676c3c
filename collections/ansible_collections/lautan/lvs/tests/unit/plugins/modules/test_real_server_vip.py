# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring: real files under a temporary root, programs that are played."""

from __future__ import annotations

import contextlib
import json
import os

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils import _runner
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip import glue
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_vip.model import File
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, check
from ansible_collections.lautan.lvs.plugins.modules import real_server_vip
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._real_server_vip.fake_host import (
    VIP4,
    VIP6,
    FakeHost,
)


@pytest.fixture
def host(monkeypatch):
    host = FakeHost()
    monkeypatch.setattr(glue, "LocalHost", lambda module: host)
    return host


def call(capsys, addresses, **more):
    args = {"interface": "eth0", "addresses": addresses, **more}
    with patch_module_args(args), contextlib.suppress(SystemExit):
        real_server_vip.main()
    return json.loads(capsys.readouterr().out)


def test_check_mode_predicts_the_run(host, capsys):
    host.read_only = True
    predicted = call(capsys, [VIP4, VIP6], _ansible_check_mode=True, _ansible_diff=True)
    host.read_only = False
    done = call(capsys, [VIP4, VIP6], _ansible_diff=True)
    for result in (predicted, done):
        result.pop("invocation")
    assert predicted == done
    assert (done["changed"], done["manager"]) == (True, "networkd")
    assert done["commands"] == host.commands
    assert sorted(done["files"]) == sorted(host.managed)
    host.read_only = True
    again = call(capsys, [VIP4, VIP6], _ansible_diff=True)
    assert (again["changed"], again["commands"], again["diff"]) == (False, [], [])


def test_diff_shows_files_and_live_state(host, capsys):
    diff = call(capsys, [VIP4], _ansible_diff=True)["diff"]
    headers = [entry["before_header"] for entry in diff]
    assert headers == [*sorted(host.managed), "live state"]
    assert f"address {VIP4}: none" in diff[-1]["before"]
    assert f"address {VIP4}: {VIP4}/32 dev eth0 scope host" in diff[-1]["after"]


def test_no_diff_unless_asked(host, capsys):
    assert "diff" not in call(capsys, [VIP4])


def test_mistakes_are_listed(host, capsys):
    host.read_only = True
    result = call(capsys, ["x", f"{VIP4}/32"])
    assert (result["failed"], result["changed"], len(result["errors"])) == (True, False, 2)
    assert "addresses[0]='x'" in result["msg"]


def test_what_was_done_before_a_failure_is_told(host, capsys):
    host.add(f"{VIP4}/32", "eth0", scope="link")
    real = host.run
    host.run = lambda argv, stdin=None: _runner.Completed(2, "", "no") if "del" in argv else real(argv, stdin)
    result = call(capsys, [VIP4])
    assert (result["failed"], result["changed"], result["rc"], result["stderr"]) == (True, True, 2, "no")
    assert result["commands"] == host.commands


def test_differences_are_listed(host, capsys, monkeypatch):
    monkeypatch.setattr(glue.time, "sleep", lambda seconds: None)
    host.lose.add("ip address add")
    result = call(capsys, [VIP4])
    assert result["errors"] == [f"address {VIP4}: wanted {VIP4}/32 dev eth0 scope host, found none"]


def test_file_that_cannot_be_written(host, capsys):
    def refuse(path, file):
        raise PermissionError(13, "Permission denied", path)

    host.write = refuse
    assert "Permission denied" in call(capsys, [VIP4])["msg"]


def test_documentation_agrees_with_the_arguments():
    options = yaml.safe_load(real_server_vip.DOCUMENTATION)["options"]
    assert {name: option["type"] for name, option in options.items()} == {"interface": "str", "addresses": "list"}
    assert all(option["required"] for option in options.values())
    assert {"commands", "manager", "files", "diff", "errors"} == {*yaml.safe_load(real_server_vip.RETURN)}


# ---- the real host


@pytest.fixture
def module(tmp_path):
    with patch_module_args({}):
        module = basic.AnsibleModule(argument_spec={})
    module._tmpdir = str(tmp_path)
    return module


@pytest.fixture
def local(module):
    return glue.LocalHost(module)


def own_file(text, mode):
    return File(text, mode, os.getuid(), os.getgid())


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_write_and_read(local, tmp_path, mode, request):
    path = f"{tmp_path}/new/file"
    before = os.umask(0o077)
    request.addfinalizer(lambda: os.umask(before))
    for text in ("one\n", "two\n"):
        local.write(path, own_file(text, mode))
        assert (local.read(path), local.stat(path)) == (text, (mode, os.getuid(), os.getgid()))
    assert os.stat(f"{tmp_path}/new").st_mode & 0o777 == 0o755
    os.chmod(path, 0o600)
    local.write(path, own_file("two\n", mode))
    assert local.stat(path)[0] == mode


def test_write_leaves_nothing_behind(local, tmp_path):
    local.write(f"{tmp_path}/new/file", own_file("x", 0o644))
    assert os.listdir(f"{tmp_path}/new") == ["file"]
    assert os.listdir(tmp_path) == ["new"]


@pytest.mark.parametrize("neighbour", [False, True])
def test_remove(local, tmp_path, monkeypatch, neighbour):
    monkeypatch.setattr(glue, "NETWORKD_DIRECTORY", str(tmp_path))
    directory = f"{tmp_path}/10-lan.network.d"
    local.write(f"{directory}/60-lvs-vip.conf", own_file("x", 0o644))
    if neighbour:
        local.write(f"{directory}/other.conf", own_file("x", 0o644))
    local.remove(f"{directory}/60-lvs-vip.conf")
    assert local.names(directory) == (["other.conf"] if neighbour else [])
    assert os.path.isdir(directory) == neighbour


def test_remove_keeps_ordinary_directories(local, tmp_path):
    local.write(f"{tmp_path}/sysctl.d/x.conf", own_file("x", 0o644))
    local.remove(f"{tmp_path}/sysctl.d/x.conf")
    assert os.path.isdir(f"{tmp_path}/sysctl.d")


def test_what_does_not_exist(local, tmp_path):
    assert local.read(f"{tmp_path}/none") is None
    assert local.names(f"{tmp_path}/none") == []


def test_programs_run_in_the_c_locale(local, monkeypatch):
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    assert check(local.run, ["sh", "-c", "echo $LC_ALL"]) == "C\n"
    assert check(local.run, ["cat"], "text") == "text"


@pytest.mark.parametrize("script", ["echo out; echo err >&2; exit 3", "echo out; echo err >&2"])
def test_programs_that_fail_or_complain(local, script):
    with pytest.raises(CommandError) as info:
        check(local.run, ["sh", "-c", script])
    error = info.value
    assert (error.argv, error.stdout, error.stderr) == (["sh", "-c", script], "out\n", "err\n")
    assert error.rc == (3 if "exit" in script else 0)


def test_words_reach_a_program_as_they_are(local):
    assert check(local.run, ["printf", "%s", "$HOME ~ *"]) == "$HOME ~ *"


def test_program_that_is_not_there(local):
    with pytest.raises(CommandError, match="no-such-program was not found"):
        check(local.run, ["no-such-program"])
    assert not local.has_program("no-such-program")
    assert local.has_program("sh")
