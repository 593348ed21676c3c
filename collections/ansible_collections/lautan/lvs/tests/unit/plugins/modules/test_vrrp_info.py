# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wiring of the module, with a director in memory."""

from __future__ import annotations

import contextlib
import json
import subprocess

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.module_utils._runner import Completed
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info import glue
from ansible_collections.lautan.lvs.plugins.modules import vrrp_info
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._keepalived.fake_director import (
    DUMP,
    MAIN_PID,
    PATH,
    FakeDirector,
)

HELD = [{"ifname": "eth0", "addr_info": [{"local": "192.0.2.11"}, {"local": "192.0.2.100"}]}]
# Of a director that forwards directly; the third one had its last packet more than a minute ago.
CONNECTIONS = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP C612011F D792 C6120064 01BB C6120017 01BB ESTABLISHED     884
TCP C612011F D324 C6120064 01BB C6120016 01BB FIN_WAIT         41
TCP C612011F D79C C6120064 01BB C6120016 01BB ESTABLISHED     840
TCP [fd00:c612:0000:0001:0000:0000:0000:0031] D7B6 [fd00:c612:0000:0000:0000:0000:0000:0100] 01BB \
[fd00:c612:0000:0000:0000:0000:0000:0021] 01BB ESTABLISHED     841
UDP C612011F D7B6 C6120064 2710 C6120016 2710 UDP             60
"""
DAEMONS = "master sync daemon (mcast=eth0, syncid=51, maxlen=1472)\n"


class Director(FakeDirector):
    """One that also has what the module asks for, and is never to be changed."""

    def __init__(self, running=True):
        super().__init__(running)
        self.put("/proc/net/ip_vs", "")
        self.read_only = True

    def run(self, argv, stdin=None):
        line = " ".join(argv)
        if line == "ip -json address":
            return Completed(0, json.dumps(HELD), "")
        if line == "ipvsadm --list --daemon":
            return Completed(0, DAEMONS, "")
        if line == "ipvsadm --list --timeout":
            return Completed(0, "Timeout (tcp tcpfin udp): 900 60 60\n", "")
        if argv[0] == "awk" and argv[-1] == "/proc/net/ip_vs_conn":
            done = subprocess.run(argv[:-1], input=CONNECTIONS, capture_output=True, text=True, check=False)
            return Completed(done.returncode, done.stdout, done.stderr)
        return super().run(argv, stdin)

    def dump(self):
        entries = super().dump()
        for entry in entries:
            entry["data"].update(state=2, effective_priority=254, master_priority=0, master_adver_int=0.1)
            entry["data"]["last_transition"] = 5.0
        return entries


@pytest.fixture
def director(monkeypatch):
    return use(monkeypatch, Director())


def use(monkeypatch, director):
    monkeypatch.setattr(glue, "LocalHost", lambda module: director)
    monkeypatch.setattr(glue.time, "sleep", lambda seconds: None)
    return director


@pytest.fixture
def warnings(monkeypatch):
    found = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda self, text, **more: found.append(text))
    return found


def call(capsys, **args):
    with patch_module_args(args), contextlib.suppress(SystemExit):
        vrrp_info.main()
    return json.loads(capsys.readouterr().out)


def test_running(director, capsys):
    result = call(capsys, _ansible_check_mode=True)
    assert (result["changed"], result["running"], result["state"]) == (False, True, "active")
    assert (result["main_pid"], result["version"]) == (MAIN_PID, "2.2.7")
    (instance,) = result["instances"]
    assert (instance["name"], instance["state"], instance["peers"]) == ("lvs_51", "MASTER", ["192.0.2.12"])
    assert (instance["addresses_held"], instance["addresses_missing"]) == (["192.0.2.100"], ["2001:db8::100"])
    assert [daemon["role"] for daemon in result["sync_daemons"]] == ["master"]
    assert result["connections"] == 2
    assert director.signals == [(MAIN_PID, 36)]


def test_everything_is_documented(director, capsys):
    result = call(capsys)
    documented = yaml.safe_load(vrrp_info.RETURN)
    assert set(result) - {"changed", "invocation"} == set(documented)
    assert list(result["instances"][0]) == list(documented["instances"]["contains"])
    assert list(result["sync_daemons"][0]) == list(documented["sync_daemons"]["contains"])


def test_old_dump_is_not_taken_for_a_new_one(director, capsys):
    director.put(DUMP, "[]")
    director.silent = True
    result = call(capsys)
    assert result["failed"]
    assert "does not tell the state of its VRRP instances: no new" in result["msg"]


def test_dump_that_takes_its_time(director, capsys, monkeypatch):
    director.silent = True
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        text = json.dumps(director.dump())
        director.put(DUMP, text if len(pauses) > 2 else text[:9])

    monkeypatch.setattr(glue.time, "sleep", sleep)
    assert len(call(capsys)["instances"]) == 1
    assert len(pauses) == 3


def test_private_tmp(director, capsys):
    director.put(f"/proc/{MAIN_PID}/environ", "A=1\0TMPDIR=/run/x\0")
    director.silent = True
    assert f"/proc/{MAIN_PID}/root/run/x/keepalived.json" in call(capsys)["msg"]


def test_not_running(capsys, monkeypatch):
    director = use(monkeypatch, Director())
    director.state, director.main_pid = "failed", 0
    result = call(capsys)
    assert (result["running"], result["state"], result["main_pid"]) == (False, "failed", None)
    (instance,) = result["instances"]
    assert (instance["state"], instance["addresses_orphaned"]) == ("STOPPED", ["192.0.2.100"])
    assert director.signals == []


def test_nothing_installed(capsys, monkeypatch, warnings):
    director = use(monkeypatch, Director(running=False))
    director.programs = {"ip"}
    del director.modified["/proc/net/ip_vs"]
    result = call(capsys)
    assert (result["running"], result["version"], result["instances"]) == (False, None, [])
    assert result["sync_daemons"] == []
    assert warnings == [f"{PATH} does not exist, so peers are not known"]


def test_no_instances(director, capsys):
    director.put(PATH, "global_defs {\nlvs_flush\n}\n")
    assert call(capsys)["instances"] == []
    assert director.signals == []


def test_what_cannot_be_read_of_the_file(director, capsys, warnings):
    director.put(PATH, director.files[PATH].text + "include x.conf\n")
    assert len(call(capsys)["instances"]) == 1
    assert "another file: include x.conf" in warnings[0]


def test_program_that_fails(director, capsys):
    real = director.run
    director.run = lambda argv, stdin=None: Completed(1, "", "no ip") if argv[0] == "ip" else real(argv, stdin)
    result = call(capsys)
    assert (result["failed"], result["rc"], result["stderr"]) == (True, 1, "no ip")
