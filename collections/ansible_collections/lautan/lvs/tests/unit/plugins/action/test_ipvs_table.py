# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action as Ansible runs it, in a play on this machine, with a fake ipvsadm for a program."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import FakeIpvsadm

COLLECTIONS = Path(__file__).parents[7]
PROGRAM = f"""\
#!{sys.executable}
import pickle, sys
from pathlib import Path

sys.path.insert(0, {str(COLLECTIONS)!r})
state = Path(__file__).with_name("state")
ipvsadm = pickle.loads(state.read_bytes())
done = ipvsadm.run(["ipvsadm", *sys.argv[1:]], sys.stdin.read())
state.write_bytes(pickle.dumps(ipvsadm))
sys.stdout.write(done.stdout)
sys.stderr.write(done.stderr)
sys.exit(done.rc)
"""
# More than fits into one argument of a program.
REAL_SERVERS = [{"address": f"198.51.100.{number}"} for number in range(1, 251)]
SERVICES = [
    {"protocol": "tcp", "address": f"192.0.2.{number}", "port": "https", "real_servers": REAL_SERVERS}
    for number in range(1, 11)
]


@pytest.fixture
def ipvsadm(tmp_path):
    """The state of a program in a directory of its own: gives it, and with an argument sets it."""
    program = tmp_path / "ipvsadm"
    program.write_text(PROGRAM)
    program.chmod(0o755)

    def state(given: FakeIpvsadm | None = None) -> FakeIpvsadm:
        path = tmp_path / "state"
        if given is not None:
            # Not a method of a fake, nor a lambda
            given.after_write = dict
            path.write_bytes(pickle.dumps(given))
        return pickle.loads(path.read_bytes())

    state(FakeIpvsadm())
    return state


@pytest.fixture
def play(tmp_path):
    """Run tasks, all of them; gives the result of each."""

    def play(*tasks: dict, **environment: str) -> list[dict]:
        variables = {"ansible_connection": "local", "services": SERVICES}
        block = {"name": "Tasks", "hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}
        file = tmp_path / "play.yml"
        file.write_text(json.dumps([block | {"ignore_errors": True}]))
        settings = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
        settings |= {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "ansible", "playbook", "--inventory", "director,", str(file)]
        run = subprocess.run(
            command, env=os.environ | settings | environment, capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return [task["hosts"]["director"] for task in json.loads(run.stdout)["plays"][0]["tasks"]]

    return play


def table(services="{{ services }}", **more) -> dict:
    task = {"name": "Table", "lautan.lvs.ipvs_table": {"services": services, "purge": "table"}}
    return task | more


@pytest.mark.parametrize("pipelining", ["1", "0"])
def test_four_runs(ipvsadm, play, pipelining):
    check, do, again, emptied = play(
        table(check_mode=True), table(diff=True), table(), table([]), ANSIBLE_PIPELINING=pipelining
    )
    assert check["commands"] == do["commands"] == again["commands"] + [f"ipvsadm {line}" for line in lines(ipvsadm)]
    assert (check["changed"], do["changed"], again["changed"], emptied["changed"]) == (True, True, False, True)
    assert do["diff"]["after"].count("\n") == len(do["commands"]) == 2510
    assert ipvsadm().save() == []
    # check reads; do reads, and writes and reads again; again reads; emptied as do.
    assert ipvsadm().processes == ["ipvsadm -R"] * 6


def lines(ipvsadm):
    return [line for line in ipvsadm().written if not line.startswith("-D")]


def test_what_becomes_of_a_failure(ipvsadm, play):
    refused = "-a -f 2 -r 192.0.2.21:0 -g -w 1"
    fake = FakeIpvsadm().load("-A -f 9 -s rr\n")
    fake.refuse = {refused}
    ipvsadm(fake)
    services = [{"fwmark": mark, "real_servers": [{"address": "192.0.2.21"}]} for mark in (1, 2)]
    halfway, wrong = play(table(services), table([{"fwmark": 0}]))
    # 255 would be a host that cannot be reached, if ssh said it.
    assert (halfway["failed"], halfway["changed"], halfway["rc"]) == (True, True, 255)
    assert halfway["not_applied"] == [f"ipvsadm {refused}", "ipvsadm -D -f 9"]
    assert (wrong["failed"], wrong["errors"]) == (True, ["services[0].fwmark=0: must be from 1 to 4294967295"])


def test_loops_retries_defaults_and_another_host(ipvsadm, play):
    loop = table("{{ item }}", loop=[[{"fwmark": 1}], [{"fwmark": 2}], [{"fwmark": 2}]])
    until = table([{"fwmark": 3}], register="done", until="not done.changed", retries=2, delay=0)
    delegated = table([{"fwmark": 3}], delegate_to="other", vars={"ansible_connection": "local"})
    default = {"name": "Table", "lautan.lvs.ipvs_table": {"services": []}}
    default["module_defaults"] = {"group/lautan.lvs.lvs": {"purge": "table"}}
    looped, retried, elsewhere, emptied = play(loop, until, delegated, default)
    assert [result["changed"] for result in looped["results"]] == [True, True, False]
    assert (retried.get("failed", False), retried["changed"], retried["attempts"]) == (False, False, 2)
    assert not elsewhere["changed"]
    assert emptied["commands"] == ["ipvsadm -D -f 3"]
