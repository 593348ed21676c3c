# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the module, with a Janus in memory."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._janus import glue, model
from ansible_collections.lautan.lvs.plugins.modules import janus_info
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._janus.fake_janus import (
    ADMIN_KEY,
    ADMIN_SECRET,
    FakeJanus,
)


@pytest.fixture
def janus(monkeypatch):
    janus = FakeJanus()
    janus.rooms["blue"] = model.settings(
        {"name": "blue", "title": "Blue", "pin": "1234", "publishers": 3, "bitrate": 64000}, ADMIN_KEY
    )
    janus.people["blue"] = [{"id": "a", "display": "Siti", "publisher": True, "talking": True}]
    monkeypatch.setattr(glue, "asker", lambda url: janus.ask)
    return janus


def call(capsys, **args):
    with patch_module_args({"admin_secret": ADMIN_SECRET, **args}), contextlib.suppress(SystemExit):
        janus_info.main()
    return json.loads(capsys.readouterr().out)


def test_running(janus, capsys):
    result = call(capsys, _ansible_check_mode=True)
    assert (result["changed"], result["running"], result["people"]) == (False, True, 1)
    assert (result["name"], result["version"], result["accepting"], result["sessions"]) == (
        "rs1",
        "1.1.2",
        True,
        [1, 2],
    )
    (room,) = result["rooms"]
    assert (room["name"], room["title"], room["pin"], room["publishers"]) == ("blue", "Blue", True, 3)
    assert room["participants"] == [{"id": "a", "name": "Siti", "sending": True, "speaking": True}]


def test_everything_is_documented(janus, capsys):
    result = call(capsys)
    documented = yaml.safe_load(janus_info.RETURN)
    assert set(result) - {"changed", "invocation"} == set(documented)
    rooms = documented["rooms"]["contains"]
    assert list(result["rooms"][0]) == list(rooms)
    assert list(result["rooms"][0]["participants"][0]) == list(rooms["participants"]["contains"])
    janus.running = False
    assert set(call(capsys)) - {"changed", "invocation"} == set(documented)


def test_not_running(janus, capsys):
    janus.running = False
    result = call(capsys)
    assert (result["running"], result["rooms"], result["version"], result["people"]) == (False, [], None, 0)


def test_wrong_secret(janus, capsys):
    assert "Unauthorized" in call(capsys, admin_secret="no idea")["msg"]
