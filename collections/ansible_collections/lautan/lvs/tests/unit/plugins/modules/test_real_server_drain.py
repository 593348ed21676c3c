# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the module, with a director in memory."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_drain import glue
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.plugins.modules import real_server_drain
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._real_server_drain.fake_director import (
    FILE,
    FakeDirector,
)


@pytest.fixture
def director(monkeypatch):
    director = FakeDirector()
    monkeypatch.setattr(glue, "LocalDirector", lambda module: director)
    return director


def call(capsys, **args):
    with patch_module_args({"name": "rs1", **args}), contextlib.suppress(SystemExit):
        real_server_drain.main()
    result = json.loads(capsys.readouterr().out)
    result.pop("invocation", None)
    return result


def test_check_mode_predicts_the_run(director, capsys):
    options = {"reason": "new disk", "_ansible_diff": True}
    director.read_only = True
    predicted = call(capsys, _ansible_check_mode=True, **options)
    director.read_only = False
    done = call(capsys, **options)
    # Nobody knows beforehand when.
    assert (predicted.pop("since"), done.pop("since")) == (None, "2025-11-24T16:00:00Z")
    assert predicted == done
    assert (done["changed"], done["msg"], done["reason"]) == (True, "rs1 is drained", "new disk")
    assert done["diff"] == {"before_header": FILE, "after_header": FILE, "before": "0\n", "after": "-1 new disk\n"}
    assert done["services"] == [
        {"service": "-t 192.0.2.100:443", "weight": 0},
        {"service": "-t [2001:db8::100]:80", "weight": 0},
    ]
    director.read_only = True
    again = call(capsys, **options)
    assert (again["changed"], again["commands"], again["msg"]) == (False, [], "rs1 is already drained")


def test_everything_is_documented(director, capsys):
    documented = yaml.safe_load(real_server_drain.RETURN)
    result = call(capsys, _ansible_check_mode=True, _ansible_diff=True)
    assert set(result) - {"changed"} == set(documented) - {"errors"}
    assert list(result["services"][0]) == list(documented["services"]["contains"])
    assert list(result["diff"]) == list(documented["diff"]["contains"])


def test_documentation_agrees_with_the_arguments():
    options = yaml.safe_load(real_server_drain.DOCUMENTATION)["options"]
    shape = {name: (option["type"], option.get("default")) for name, option in options.items()}
    assert shape == {
        "name": ("str", None),
        "state": ("str", "drained"),
        "minimum": ("int", 1),
        "force": ("bool", False),
        "reason": ("str", None),
        "track_file": ("str", None),
        "path": ("path", "/etc/keepalived/keepalived.conf"),
        "timeout": ("float", 5),
    }


def test_reasons_are_listed(director, capsys):
    result = call(capsys, minimum=2)
    assert (result["failed"], result["changed"], len(result["errors"])) == (True, False, 2)
    assert result["msg"].startswith("Nothing was changed: virtual service -t 192.0.2.100:443: 1 other real server in")


def test_keepalived_that_does_not_go_by_it(director, capsys):
    director.heeds = False
    result = call(capsys)
    assert (result["failed"], result["changed"], len(result["errors"])) == (True, True, 2)
    assert result["msg"].startswith(f"{FILE} says -1, but keepalived does not go by it: ")


def test_keepalived_that_does_not_run(director, capsys):
    director.state = "failed"
    assert call(capsys)["msg"] == "rs1 is drained, once keepalived runs"


def test_one_that_is_dead(director, capsys):
    director.by_hand("-d -t 192.0.2.100:443 -r 192.0.2.21:443")
    result = call(capsys)
    assert result["msg"] == "rs1 is drained; keepalived has taken it out of 1 of 2 virtual services"
    assert [each["weight"] for each in result["services"]] == [None, 0]


def test_program_that_fails(director, capsys, monkeypatch):
    monkeypatch.setattr(director.ipvsadm, "run", lambda argv, stdin: Completed(1, "", "no ipvsadm"))
    result = call(capsys)
    assert (result["failed"], result["rc"], result["stderr"]) == (True, 1, "no ipvsadm")
