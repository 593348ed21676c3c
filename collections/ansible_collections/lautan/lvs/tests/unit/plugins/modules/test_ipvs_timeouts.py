# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of ipvs_timeouts: a real module, an ipvsadm that is played."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.plugins.modules import ipvs_timeouts
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_director import FakeDirector


@pytest.fixture
def director(monkeypatch):
    director = FakeDirector()

    def run(argv, stdin=None):
        # Looked up each time: some tests put another one in its place.
        return director.run(argv, stdin)

    monkeypatch.setattr(ipvs_timeouts, "module_runner", lambda module: run)
    return director


def call(capsys, **args):
    with patch_module_args(args), contextlib.suppress(SystemExit):
        ipvs_timeouts.main()
    result = json.loads(capsys.readouterr().out)
    del result["invocation"]
    return result


def test_check_mode_predicts_the_run(director, capsys):
    director.read_only = True
    predicted = call(capsys, udp=60, tcp="800", _ansible_check_mode=True, _ansible_diff=True)
    director.read_only = False
    done = call(capsys, udp=60, tcp="800", _ansible_diff=True)
    assert predicted == done
    assert done["changed"] is True
    assert done["commands"] == director.commands == ["ipvsadm --set 800 0 60"]
    assert done["diff"][0]["after"] == "tcp: 800\ntcpfin: 120\nudp: 60\n"
    director.read_only = True
    again = call(capsys, udp=60, tcp="800", _ansible_diff=True)
    assert again == {"changed": False, "commands": [], "diff": []}


def test_no_diff_unless_asked(director, capsys):
    assert "diff" not in call(capsys, udp=60)


def test_all_mistakes_are_listed(director, capsys):
    director.read_only = True
    result = call(capsys, tcp="fast", tcpfin=True, udp=[1])
    assert (result["failed"], result["changed"], result["commands"]) == (True, False, [])
    assert [error.split("=")[0] for error in result["errors"]] == ["tcp", "tcpfin", "udp"]
    assert all(error in result["msg"] for error in result["errors"])


def test_a_difference_is_told(director, capsys):
    director.lose.add("ipvsadm --set")
    result = call(capsys, udp=60)
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["errors"] == ["udp: wanted 60, found 300"]
    assert result["commands"] == ["ipvsadm --set 0 0 60"]


@pytest.mark.parametrize(
    ("rc", "stderr", "advice"),
    [
        (127, "the program ipvsadm was not found", "apt install ipvsadm"),
        (2, "Can't initialize ipvs: Protocol not available\nAre you sure that IP Virtual Server", "modprobe ip_vs"),
        (2, "Can't initialize ipvs: Permission denied (you must be root)\nAre you sure that", "set become: true"),
    ],
)
def test_what_to_do(director, capsys, monkeypatch, rc, stderr, advice):
    monkeypatch.setattr(director, "run", lambda argv, stdin=None: Completed(rc, "", stderr))
    result = call(capsys, udp=60)
    assert (result["failed"], result["changed"], result["rc"], result["cmd"][0]) == (True, False, rc, "ipvsadm")
    assert stderr.split("\n")[0] in result["msg"]
    assert advice in result["msg"]


def test_what_is_not_understood(director, capsys, monkeypatch):
    monkeypatch.setattr(director, "run", lambda argv, stdin=None: Completed(0, "Timeout of another kind\n", ""))
    assert call(capsys, udp=60)["msg"] == "Not understood: ipvsadm printed no line with the timeouts"


def test_documentation_agrees_with_the_arguments(director, capsys):
    assert {*yaml.safe_load(ipvs_timeouts.DOCUMENTATION)["options"]} == {"tcp", "tcpfin", "udp"}
    director.lose.add("ipvsadm --set")
    returned = {*call(capsys, udp=60), *call(capsys, udp=60, _ansible_check_mode=True, _ansible_diff=True)}
    assert returned - {"msg", "failed", "changed"} == {*yaml.safe_load(ipvs_timeouts.RETURN)}
