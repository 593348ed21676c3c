# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the module, with a Janus in memory."""

from __future__ import annotations

import contextlib
import grp
import json
import os

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._janus import glue
from ansible_collections.lautan.lvs.plugins.modules import janus_room
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._janus.fake_janus import (
    ADMIN_KEY,
    ADMIN_SECRET,
    FakeFile,
    FakeJanus,
)


@pytest.fixture
def janus(monkeypatch):
    janus = FakeJanus()
    file = FakeFile()
    monkeypatch.setattr(glue, "asker", lambda url: janus.ask)
    monkeypatch.setattr(glue, "LocalFile", lambda module, path, gid: file)
    janus.file = file
    return janus


def call(capsys, **args):
    group = grp.getgrgid(os.getgid()).gr_name
    options = {"admin_key": ADMIN_KEY, "admin_secret": ADMIN_SECRET, "group": group, **args}
    with patch_module_args(options), contextlib.suppress(SystemExit):
        janus_room.main()
    return json.loads(capsys.readouterr().out)


def test_rooms(janus, capsys):
    result = call(capsys, rooms=[{"name": "blue", "pin": "424242"}], _ansible_diff=True)
    assert (result["changed"], result["commands"], result["live"]) == (True, ["create blue"], True)
    assert "room blue:" in result["diff"]["after"]
    assert janus.rooms["blue"]["pin"] == "424242"
    assert not call(capsys, rooms=[{"name": "blue", "pin": "424242"}])["changed"]


def test_check_mode(janus, capsys):
    result = call(capsys, rooms=[{"name": "blue"}], _ansible_check_mode=True)
    assert (result["changed"], janus.rooms, janus.file.text) == (True, {}, None)


def test_mistakes(janus, capsys):
    result = call(capsys, rooms=[{"name": "Blue!"}])
    assert (result["failed"], result["changed"], len(result["errors"])) == (True, False, 1)


def test_wrong_secret(janus, capsys):
    result = call(capsys, rooms=[], admin_secret="no idea")
    assert result["failed"]
    assert "Janus did not do what it was asked for" in result["msg"]


def test_unknown_group(janus, capsys):
    result = call(capsys, rooms=[], group="no such group")
    assert "group is no such group" in result["msg"]
    assert not call(capsys, rooms=[], group="no such group", _ansible_check_mode=True).get("failed")
