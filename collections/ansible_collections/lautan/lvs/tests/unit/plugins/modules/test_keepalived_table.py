# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the module with a director in memory, and what it needs of a real host."""

from __future__ import annotations

import contextlib
import json
import os

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived_table import glue
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.plugins.modules import keepalived_table
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived_table.fake_director import (
    DUMP,
    PATH,
    FakeDirector,
    fixture,
)

BY_HAND = "-e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 7"
DIFFERENCE = "-t 192.0.2.100:443 -r 192.0.2.21:443: `-g -w 7` instead of `-g -w 1`"
COMMAND = "ipvsadm -e -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1"
SERVICE = "-A -t 203.0.113.1:80 -s rr"


@pytest.fixture
def director(monkeypatch):
    director = FakeDirector()
    monkeypatch.setattr(glue, "LocalHost", lambda module: director)
    monkeypatch.setattr(glue.time, "sleep", director.pause)
    return director


def call(capsys, **arguments):
    with patch_module_args(arguments), contextlib.suppress(SystemExit):
        keepalived_table.main()
    return json.loads(capsys.readouterr().out)


def test_check_mode_predicts_the_run(director, capsys):
    director.by_hand(BY_HAND)
    director.read_only = True
    predicted = call(capsys, _ansible_check_mode=True, _ansible_diff=True)
    director.read_only = False
    done = call(capsys, _ansible_diff=True)
    for result in (predicted, done):
        result.pop("invocation")
    assert predicted == done
    assert (done["changed"], done["commands"], done["differences"], done["unread"]) == (
        True,
        [COMMAND],
        [DIFFERENCE],
        [],
    )
    assert sorted(line.partition(" -x ")[0] for line in done["expected"]) == sorted(
        line.partition(" -x ")[0] for line in fixture("everything-table.txt").splitlines()
    )
    before, after = (done["diff"][when].splitlines() for when in ("before", "after"))
    assert set(before) ^ set(after) == {f"{COMMAND[8:-5].replace('-e', '-a')} -w {weight}" for weight in (1, 7)}
    assert before[0] == "-A -t 192.0.2.100:443 -s mh -b mh-fallback,mh-port"
    director.read_only = True
    again = call(capsys, _ansible_diff=True)
    assert (again["changed"], again["commands"], again["differences"]) == (False, [], [])
    assert (again["diff"]["before"], again["diff"]["after"]) == ("", "")


def test_no_diff_unless_asked(director, capsys):
    assert "diff" not in call(capsys)


def test_purge_is_off_by_default(director, capsys):
    director.by_hand(SERVICE)
    kept = call(capsys)
    assert (kept["changed"], len(kept["differences"]), "203.0.113.1" in str(kept["expected"])) == (False, 1, False)
    gone = call(capsys, purge=True)
    assert (gone["changed"], gone["commands"]) == (True, ["ipvsadm -D -t 203.0.113.1:80"])


def test_another_path(director, capsys):
    director.files["/srv/k.conf"] = director.files.pop(PATH)
    assert call(capsys, path="/srv/k.conf")["changed"] is False
    assert call(capsys)["errors"] == [f"{PATH}: does not exist"]


def test_mistakes_are_listed(director, capsys):
    director.files[PATH] = "nonsense 1\nnonsense 2\n"
    result = call(capsys)
    assert (result["failed"], result["changed"], len(result["errors"])) == (True, False, 2)
    assert result["msg"].startswith(f"Nothing was changed: {PATH}: line 1: ")


@pytest.mark.parametrize("check_mode", [True, False])
def test_keepalived_that_does_not_tell(director, capsys, check_mode):
    director.by_hand("-d -t 192.0.2.100:443 -r 192.0.2.21:443", SERVICE)
    director.silent = director.read_only = True
    result = call(capsys, purge=True, _ansible_check_mode=check_mode)
    assert (result["failed"], result["changed"], result["commands"]) == (True, False, [])
    assert result["msg"].endswith(f"which real servers it has in service: no new {DUMP} after 10 seconds")
    assert result["msg"].startswith("Nothing was changed: ")
    assert result["differences"] == ["-t 203.0.113.1:80: is there, but keepalived has no such virtual server"]


def test_keepalived_that_does_not_settle(director, capsys):
    director.says = [director.data, director.data.replace("alive = 0", "alive = 1", 1)] * 10
    result = call(capsys)
    assert (result["failed"], result["msg"]) == (
        True,
        "Nothing was changed: keepalived changed the table each time while it was read",
    )


def test_a_kernel_that_only_seems_to_obey(director, capsys):
    director.by_hand(BY_HAND)
    director.ipvsadm.lose.add(COMMAND.removeprefix("ipvsadm "))
    result = call(capsys)
    assert (result["failed"], result["errors"]) == (True, [f"{COMMAND}: found -g -w 7"])


def test_a_kernel_that_refuses(director, capsys):
    director.by_hand(BY_HAND, "-E -t 192.0.2.100:443 -s rr")
    director.ipvsadm.refuse.add(COMMAND.removeprefix("ipvsadm "))
    result = call(capsys)
    assert (result["failed"], result["changed"], result["not_applied"]) == (True, True, [COMMAND])
    assert result["msg"].startswith("ipvsadm failed: ipvsadm -R (rc 0): Memory allocation problem")
    assert result["commands"] == ["ipvsadm -E -t 192.0.2.100:443 -s mh -b mh-fallback,mh-port"]


def test_no_ipvsadm(director, capsys):
    director.ipvsadm.unusable = Completed(127, "", "the program ipvsadm was not found")
    result = call(capsys)
    assert (result["failed"], result["rc"]) == (True, 127)
    assert "apt install ipvsadm" in result["msg"]


def test_documentation_agrees_with_the_arguments():
    options = yaml.safe_load(keepalived_table.DOCUMENTATION)["options"]
    assert {name: (option["type"], option["default"]) for name, option in options.items()} == {
        "path": ("path", PATH),
        "purge": ("bool", False),
    }


# ---- the real host


class Module:
    tmpdir = ""


@pytest.fixture
def host():
    return glue.LocalHost(Module())


def test_a_file_of_root_s(host, tmp_path, monkeypatch):
    path = tmp_path / "keepalived_check.data"
    assert host.read_own(str(path)) is None
    path.write_text("text")
    own = os.getuid() == 0
    assert host.read_own(str(path)) == ("text" if own else None)
    if not own:
        pytest.skip("files of root's are for root to make")
    os.chown(path, 1, 0)
    assert host.read_own(str(path)) is None


@pytest.mark.parametrize("kind", ["symbolic link", "second name", "pipe", "directory"])
def test_what_is_no_file_of_root_s(host, tmp_path, kind):
    """None of them may be read, and none may be waited for."""
    path, other = tmp_path / "keepalived_check.data", tmp_path / "other"
    other.write_text("secret")
    if kind == "symbolic link":
        path.symlink_to(other)
    elif kind == "second name":
        path.hardlink_to(other)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert host.read_own(str(path)) is None


def test_whether_a_file_is_open(host, tmp_path):
    path, other = tmp_path / "dump", tmp_path / "other"
    with path.open("w") as stream:
        assert host.has_open(os.getpid(), str(path))
        other.write_text("")
        assert not host.has_open(os.getpid(), str(other))
        # keepalived renames it while it writes.
        path.rename(other)
        assert host.has_open(os.getpid(), str(other))
        assert not host.has_open(os.getpid(), str(path))
        stream.write("all of it")
    assert not host.has_open(os.getpid(), str(other))
    assert not host.has_open(2**22 + 1, str(other))
