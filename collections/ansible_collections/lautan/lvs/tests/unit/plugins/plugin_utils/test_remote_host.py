# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host of an action's task: real shells on this machine, and what connections make of their output."""

from __future__ import annotations

import os
import subprocess
from types import SimpleNamespace

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.plugins.plugin_utils._remote_host import RemoteHost

LONG = "".join(f"-A -f {number} -s rr\n" for number in range(1, 20000))


class Action:
    """What RemoteHost uses of ActionBase.

    :ivar terminal: whether the connection gives programs one, as ssh does without pipelining.
    """

    def __init__(self, directory) -> None:
        self.directory = directory
        self.pipelining, self.terminal, self.greeting, self.environment = True, False, "", ""
        self.commands: list[str] = []
        self.sent: list[bytes | None] = []
        shell = SimpleNamespace(tmpdir=None, join_path=os.path.join)
        self._connection = SimpleNamespace(_shell=shell, is_pipelining_enabled=lambda: self.pipelining)

    def _compute_environment_string(self):
        return self.environment

    def _low_level_execute_command(self, cmd, in_data=None, executable=None):
        self.commands.append(cmd)
        self.sent.append(in_data)
        assert in_data is None or self.pipelining
        assert len(cmd) < 128 * 1024
        done = subprocess.run([executable, "-c", cmd], input=in_data or b"", capture_output=True, check=False)
        stdout, stderr = self.greeting + done.stdout.decode(), done.stderr.decode()
        if self.terminal:
            stdout, stderr = (stdout + stderr).replace("\n", "\r\n"), "Shared connection to host closed.\r\n"
        return {"rc": done.returncode, "stdout": stdout, "stderr": stderr}

    def _make_tmp_path(self):
        self._connection._shell.tmpdir = str(self.directory)
        return str(self.directory)

    def _transfer_data(self, remote_path, data):
        with open(remote_path, "w", encoding="utf-8") as file:
            file.write(data)
        return remote_path


@pytest.fixture(params=["pipelining", "terminal", "neither"])
def action(request, tmp_path):
    action = Action(tmp_path)
    action.pipelining, action.terminal = request.param == "pipelining", request.param == "terminal"
    return action


@pytest.fixture
def host(action):
    return RemoteHost(action)


@pytest.mark.parametrize("text", ["-S -n\n-L -n --thresholds\n", "%s 'a' \"b\" $HOME \\n\n", LONG, "no end of line"])
def test_what_a_program_reads_and_prints(action, host, text):
    assert host.run(("cat",), text) == Completed(0, text, "")
    assert len(action.commands) == 1


def test_how_a_long_text_gets_there(action, host):
    host.run(("cat",), LONG)
    sent, in_file = action.sent == [LONG.encode()], [*action.directory.iterdir()] != []
    assert (sent, in_file) == (action.pipelining, not action.pipelining)


@pytest.mark.parametrize("rc", [0, 1, 2, 126, 255])
def test_status_and_complaint(action, host, rc):
    action.greeting = "Welcome\n"
    done = host.run(("sh", "-c", f"echo one; echo complaint >&2; echo two; exit {rc}"))
    assert done == Completed(rc, "one\ntwo\n", "complaint")


def test_a_program_that_is_not_there(host):
    assert host.run(("no-such-program", "-R"), "x\n") == Completed(127, "", "the program no-such-program was not found")


def test_the_c_locale_and_the_environment_of_the_task(action, host):
    action.environment = "SAYING='it is so' LC_ALL=de_DE.UTF-8 PATH=/bin:/usr/bin"
    done = host.run(("sh", "-c", "echo $LC_ALL $LANGUAGE $SAYING; echo $PATH"))
    assert done.stdout == "C C it is so\n/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/sbin\n"


@pytest.mark.parametrize("rc", [0, 1])
def test_a_host_that_does_not_run_the_command(action, host, rc, monkeypatch):
    said = {"rc": rc, "stdout": "", "stderr": "sudo: a password is required\n"}
    monkeypatch.setattr(action, "_low_level_execute_command", lambda *args, **kwargs: said)
    assert host.run(("true",)) == Completed(1, "", "sudo: a password is required")
    assert host.release == ""
    with pytest.raises(OSError, match="a password is required"):
        host.read("/proc/modules")
    with pytest.raises(OSError, match="a password is required"):
        host.port_of("https", "tcp")


def test_an_answer_that_is_cut_off(action, host, monkeypatch):
    run = action._low_level_execute_command

    def cut(*args, **kwargs):
        done = run(*args, **kwargs)
        return {**done, "stdout": done["stdout"].rpartition("===")[0], "stderr": ""}

    monkeypatch.setattr(action, "_low_level_execute_command", cut)
    assert host.run(("echo", "rules")).rc == 1


def test_files(host, tmp_path):
    file = tmp_path / "it's a file"
    file.write_text("one\n\ntwo")
    assert host.read(str(file)) == "one\n\ntwo"
    assert host.read(str(tmp_path / "none")) is None
    assert host.read(str(file / "none")) is None
    with pytest.raises(OSError, match="Is a directory"):
        host.read(str(tmp_path))
    assert (host.exists(str(file)), host.exists(f"{file}s")) == (True, False)
    assert host.release == os.uname().release


def test_names_of_ports(action, host):
    assert [host.port_of(name, "tcp") for name in ["https"] * 3] == [443, 443, 443]
    assert len(action.commands) == 1
    with pytest.raises(ValueError, match="nosuch"):
        host.port_of("nosuch", "tcp")
