# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the module, with an ss and a Janus in memory."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._janus.api import NotRunning
from ansible_collections.lautan.lvs.plugins.module_utils._janus.model import Unusable
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_info import glue
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.plugins.modules import real_server_info

VIPS = ["192.0.2.100", "2001:DB8::100"]
SAID = "ESTAB 0 0 [2001:db8::100]:443 [2001:db8:1::1]:40000\nESTAB 0 0 192.0.2.21:33000 192.0.2.22:8188\n"


class Host:
    """What the module asks."""

    def __init__(self) -> None:
        self.said = Completed(0, SAID, "")
        self.people = {"blue": ["Siti", "Budi"], "red": []}
        self.error: Exception | None = None

    def run(self, argv, stdin=None):
        assert argv[0] == "ss"
        return self.said

    def ask(self, path, request):
        if self.error is not None:
            raise self.error
        assert request["admin_secret"] == "hush"
        if request["janus"] == "info":
            return {"janus": "server_info", "server-name": "rs1"}
        if request["janus"] == "list_sessions":
            return {"janus": "success", "sessions": [1]}
        if request["request"]["request"] == "list":
            settings = {"description": "", "pin_required": False, "max_publishers": 2, "bitrate": 1}
            return {"response": {"list": [{"room": room, **settings} for room in self.people]}}
        names = self.people[request["request"]["room"]]
        return {"response": {"participants": [{"id": name, "publisher": True} for name in names]}}


@pytest.fixture
def host(monkeypatch):
    host = Host()
    monkeypatch.setattr(glue, "module_runner", lambda module: host.run)
    monkeypatch.setattr(glue, "asker", lambda url: host.ask)
    return host


def call(capsys, **args):
    with patch_module_args({"vips": VIPS, "janus_admin_secret": "hush", **args}), contextlib.suppress(SystemExit):
        real_server_info.main()
    result = json.loads(capsys.readouterr().out)
    result.pop("invocation", None)
    return result


def test_a_busy_one(host, capsys):
    result = call(capsys)
    assert result == {
        "changed": False,
        "connections": {"total": 1, "websockets": 1, "turn": 0, "other": 0},
        "people": 2,
        "rooms": {"blue": 2},
        "idle": False,
    }
    documented = yaml.safe_load(real_server_info.RETURN)
    assert set(result) - {"changed"} == set(documented) - {"errors"}
    assert list(result["connections"]) == list(documented["connections"]["contains"])


def test_an_idle_one(host, capsys):
    host.said, host.people = Completed(0, "", ""), {"blue": []}
    assert call(capsys)["idle"] is True


def test_janus_that_does_not_run(host, capsys):
    host.error = NotRunning()
    result = call(capsys)
    assert (result["people"], result["connections"]["total"]) == (0, 1)


def test_without_a_conference(host, capsys):
    host.error = AssertionError("it was asked")
    assert call(capsys, janus_admin_secret=None)["people"] == 0


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (Completed(1, "", "no ss"), None, "A command failed: ss"),
        (Completed(0, "nonsense", ""), None, "The real server does not tell: ss: 'nonsense' is not understood"),
        (Completed(0, "", ""), Unusable("no JSON"), "The real server does not tell: no JSON"),
    ],
)
def test_what_goes_wrong(host, capsys, said, error, words):
    host.said, host.error = said, error
    result = call(capsys)
    assert result["failed"] is True
    assert result["msg"].startswith(words)


def test_all_bad_addresses_at_once(host, capsys):
    result = call(capsys, vips=["x", "192.0.2.100", "1.2.3"], not_clients=["y"])
    assert result["errors"] == [
        "vips[0]='x': must be an IP address",
        "vips[2]='1.2.3': must be an IP address",
        "not_clients[0]='y': must be an IP address",
    ]
