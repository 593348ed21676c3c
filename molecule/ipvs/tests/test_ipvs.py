# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IPVS modules against the directors' kernel.

The cases of cases.yml run in a network namespace of each director, which has an IPVS table of its own: what keepalived
has in the director's table is not touched. Oracles are ipvsadm and /proc/net/ip_vs, never the modules.
"""

from __future__ import annotations

import concurrent.futures
import io
import json
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

import ansible.module_utils
import pytest
import yaml

from lab import cluster, fleet, process, topology
from lab.ansible import AS_OPERATORS, in_namespace
from lab.ansible import play as play_tasks
from tools import measure_ipvs

ROOT = Path(__file__).resolve().parents[3]
NODES = topology.nodes()
DIRECTORS = [node for node in NODES.values() if node.role == "directors"]

NAMESPACE = "lautan-ipvs-test"
PLACE = "/root/lautan-ipvs-test"
SET_UP = f"""\
set -e
ip netns delete {NAMESPACE} 2>/dev/null || true
ip netns add {NAMESPACE}
ip -netns {NAMESPACE} link add sync0 type veth peer name sync1
for name in lo sync0 sync1; do ip -netns {NAMESPACE} link set $name up; done
rm -rf {PLACE}
mkdir {PLACE}
tar -x -C {PLACE}
touch {PLACE}/ansible/__init__.py
"""
TEAR_DOWN = f"ip netns delete {NAMESPACE}; rm -rf {PLACE}"

# What a case begins with: no daemon, no rule, and then the case's own.
BEGIN = "for role in master backup; do ipvsadm --stop-daemon $role 2>/dev/null; done; ipvsadm -C && ipvsadm -R"
LISTS = ("-S -n", "-L -n --thresholds", "-L --timeout", "-L --daemon")
LOOK = " && ".join(f"echo '# {words}' && ipvsadm {words}" for words in LISTS)
LOOK += " && echo '# proc' && cat /proc/net/ip_vs"


def many() -> dict:
    """A table that is larger than a pipe's buffer or a line of a shell."""
    services = [
        {
            "protocol": "tcp",
            "address": f"192.0.2.{number}",
            "port": 443,
            "real_servers": [{"address": f"198.18.9.{server}", "weight": server} for server in range(1, 6)],
        }
        for number in range(1, 101)
    ]
    lines = []
    for service in services:
        place = f"-t {service['address']}:443"
        lines.append(f"-A {place} -s wlc")
        lines += [f"-a {place} -r {s['address']}:443 -g -w {s['weight']}" for s in service["real_servers"]]
    commands = [f"ipvsadm {line}" for line in lines]
    return {"options": {"services": services}, "commands": commands, "after": lines}


def read_cases() -> dict[str, dict]:
    cases = yaml.safe_load(Path(__file__).with_name("cases.yml").read_text())
    for case in cases:
        if case["options"] == "many":
            case |= many()
    return {case["name"]: case for case in cases}


CASES = read_cases()


def steps(case: dict) -> list[dict]:
    def module(check: bool) -> dict:
        return {"module": case["module"], "options": case["options"], "check": check}

    look = {"look": LOOK}
    begin = {"look": BEGIN, "input": "".join(f"{line}\n" for line in case.get("before", ()))}
    return [begin, look, module(True), look, module(False), look, module(True), module(False), look]


STEPS = ("begin", "before", "check", "after check", "do", "after do", "check again", "do again", "in the end")


def play(director: topology.Node, every_step: list[dict]) -> list:
    """Run steps on a director, in the namespace; returns what became of each."""
    command = f"cd {PLACE} && ip netns exec {NAMESPACE} python3 run_cases.py"
    done = subprocess.run(
        fleet.ssh(director, command), input=json.dumps(every_step), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sections(text: str) -> dict[str, list[str]]:
    """The lists that LOOK printed, each as lines with single spaces."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("# "):
            lines = found.setdefault(line[2:], [])
        elif line.strip():
            lines.append(" ".join(line.split()))
    return found


@pytest.fixture(scope="module")
def namespace():
    """On each director a table of its own, and the modules with what Ansible would send along."""
    package = io.BytesIO()
    with tarfile.open(fileobj=package, mode="w") as archive:
        archive.add(Path(ansible.module_utils.__file__).parent, "ansible/module_utils")
        for part in ("modules", "module_utils"):
            inside = Path("ansible_collections/lautan/lvs/plugins", part)
            archive.add(ROOT / "collections" / inside, inside)
        archive.add(ROOT / "molecule/ipvs/run_cases.py", "run_cases.py")
    for director in DIRECTORS:
        subprocess.run(fleet.ssh(director, SET_UP), input=package.getvalue(), check=True)
    yield
    for director in DIRECTORS:
        process.run(fleet.ssh(director, TEAR_DOWN))


@pytest.fixture(scope="module")
def results(namespace):
    """What became of all cases, half of them on each director."""

    def half(number: int) -> dict[str, dict]:
        names = list(CASES)[number :: len(DIRECTORS)]
        outcomes = play(DIRECTORS[number], [step for name in names for step in steps(CASES[name])])
        return {
            name: dict(zip(STEPS, outcomes[place * len(STEPS) :], strict=False)) for place, name in enumerate(names)
        }

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return {name: found for each in pool.map(half, range(len(DIRECTORS))) for name, found in each.items()}


@pytest.mark.parametrize("name", CASES)
def test_four_runs(results, name):
    case = CASES[name]

    def seen(step: str) -> dict[str, list[str]]:
        return sections(results[name][step])

    check, do, check_again, do_again = (results[name][step] for step in ("check", "do", "check again", "do again"))
    assert results[name]["begin"] == ""
    assert seen("after check") == seen("before")
    if "refuses" in case:
        for part in case["refuses"]:
            assert part in do["msg"], do["msg"]
        assert do["msg"] == check["msg"] == do_again["msg"]
        assert [do["changed"], check["changed"]] == [False, False]
        assert seen("after do") == seen("in the end") == seen("before")
        return
    for run in (check, do):
        assert run.get("msg") is None, run["msg"]
        assert (run["commands"], run["changed"]) == (case["commands"], bool(case["commands"]))
    assert check["diff"] == do["diff"]
    for run in (check_again, do_again):
        assert (run["commands"], run["changed"]) == ([], False), run.get("msg")
    table = seen("after do")["-S -n"]
    assert sorted(table) == sorted(case["after"])
    assert seen("in the end") == seen("after do")
    for listing, lines in case.get("holds", {}).items():
        for line in lines:
            assert line in seen("after do")[listing]
    if len(table) > 100:
        return  # /proc/net/ip_vs loses services of a table that is longer than a page
    # The kernel's own word: as many services and real servers, with the same weights.
    proc = [line.split() for line in seen("after do")["proc"]]
    servers = [line.rpartition(" -w ")[2].split()[0] for line in table if line.startswith("-a ")]
    assert sorted(words[3] for words in proc[3:] if words[0] == "->") == sorted(servers)
    assert sum(words[0] != "->" for words in proc[3:]) == sum(line.startswith("-A ") for line in table)


@pytest.mark.parametrize("pipelining", ["1", "0"])
def test_table_over_a_connection(namespace, pipelining):
    """As Ansible runs it: all but ipvsadm on the controller."""
    director, case = DIRECTORS[0], many()
    options = {"services": "{{ services }}", "purge": "table"}
    tasks: list[dict] = [
        {"name": name, "lautan.lvs.ipvs_table": options, "check_mode": name == "predicted", "register": name}
        for name in ("predicted", "done", "again")
    ]
    same = [f"{name}.commands == commands" for name in ("predicted", "done")] + ["not again.changed"]
    tasks.append({"name": "Insist", "ansible.builtin.assert": {"that": same}})
    variables = in_namespace(NAMESPACE) | {"services": case["options"]["services"], "commands": case["commands"]}
    inside = f"ip netns exec {NAMESPACE} ipvsadm"
    process.run(fleet.ssh(director, f"{inside} -C"))
    # Over Ansible's own connection, which is what is tried.
    settings = {"ANSIBLE_PIPELINING": pipelining, **AS_OPERATORS}
    play_tasks(director, [{"name": "Table", "vars": variables, "block": tasks}], settings)
    held = process.run(fleet.ssh(director, f"{inside} -Sn")).splitlines()
    assert sorted(line.strip() for line in held) == sorted(case["after"])


def test_info_feeds_table(namespace):
    """What ipvs_info says of a table with everything in it, ipvs_table takes without a change."""
    rules = [line for case in CASES.values() if "refuses" not in case for line in case.get("after", ())]
    rules = [line.replace("-f -1", "-f 4294967295") for line in rules]
    services = {line.split(" -s ")[0]: line for line in rules if line.startswith("-A ")}
    servers = {line.split(" -g ")[0]: line for line in rules if line.startswith("-a ") and " -g " in line}
    kept = [line for line in servers.values() if line.split(" -r ")[0].replace("-a", "-A", 1) in services]
    assert len(services) > 100
    assert len(kept) > 500
    before = "".join(f"{line}\n" for line in (*services.values(), *kept))
    look = {"look": LOOK}
    _, before, info = play(
        DIRECTORS[0], [{"look": BEGIN, "input": before}, look, {"module": "ipvs_info", "options": {}, "check": False}]
    )
    assert len(info["services"]) == len(services)
    again = {"module": "ipvs_table", "options": {"services": info["services"], "purge": "table"}}
    check, do, after = play(DIRECTORS[0], [again | {"check": True}, again | {"check": False}, look])
    assert (check["commands"], do["commands"]) == ([], [])
    assert after == before


def test_failure_halfway(namespace):
    """The kernel refuses a line in the middle: what is in is told from what is not, and nothing is taken away."""
    services = [
        {"protocol": "tcp", "address": "192.0.2.100", "port": 80, "real_servers": [{"address": "192.0.2.21"}]},
        # The broadcast address of a network that the director is in: nothing in the document tells.
        {"protocol": "tcp", "address": "192.0.2.100", "port": 81, "real_servers": [{"address": "198.18.9.255"}]},
        {"protocol": "tcp", "address": "192.0.2.100", "port": 82, "real_servers": [{"address": "192.0.2.22"}]},
    ]
    options = {"services": services, "purge": "table"}
    _, failed, after, _ = play(
        DIRECTORS[0],
        [
            {"look": f"ip address add 198.18.9.1/24 dev sync0; {BEGIN}", "input": "-A -t 192.0.2.99:80 -s rr\n"},
            {"module": "ipvs_table", "options": options, "check": False},
            {"look": LOOK},
            {"look": "ip address flush dev sync0 scope global"},
        ],
    )
    assert failed["changed"]
    assert failed["not_applied"] == [
        "ipvsadm -a -t 192.0.2.100:81 -r 198.18.9.255:81 -g -w 1",
        "ipvsadm -D -t 192.0.2.99:80",
    ]
    assert "198.18.9.255" in failed["msg"]
    held = sections(after)["-S -n"]
    assert sorted(f"ipvsadm {line}" for line in held if ".99:80" not in line) == sorted(failed["applied"])
    assert "-A -t 192.0.2.99:80 -s rr" in held


def boot(director: topology.Node, options: dict, *arguments: str) -> tuple[int, dict]:
    """Run ipvs_boot as an operator does; returns the status and the result."""
    tasks = [{"name": "boot", "lautan.lvs.ipvs_boot": options}]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump([{"hosts": director.name, "gather_facts": False, "tasks": tasks}], file)
        file.flush()
        done = subprocess.run(
            ["ansible-playbook", file.name, *arguments],
            # One task: to start a Python that is kept would take longer than to start one.
            env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"} | AS_OPERATORS,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
    played = json.loads(done.stdout[done.stdout.index("{") :])
    return done.returncode, played["plays"][0]["tasks"][0]["hosts"][director.name]


def test_boot_refuses_beside_keepalived(lab):
    """keepalived owns the table of a director that site.yml made."""
    files = "cat /etc/ipvsadm.rules /etc/default/ipvsadm"
    before = lab("exec", DIRECTORS[0].name, files)
    status, result = boot(DIRECTORS[0], {})
    assert status != 0
    assert "keepalived" in result["msg"]
    assert lab("exec", DIRECTORS[0].name, files) == before


def test_changes_under_load():
    """Weights, additions and removals while a client asks: nobody notices. tools/measure_ipvs.py does a hundred."""
    seen = measure_ipvs.change_under_load(changes=4)
    assert seen.requests > 500
    assert seen.unnoticed, seen


def test_table_comes_back_after_a_reboot():
    """On a director without keepalived."""
    director = next(node for node in DIRECTORS if node != cluster.active_director())

    def ask(command: str) -> str:
        return process.run(fleet.ssh(director, command))

    ask("systemctl disable --now keepalived.service && ipvsadm -C")
    rules = "-A -t 192.0.2.100:443 -s wlc -p 60\\n-a -t 192.0.2.100:443 -r 192.0.2.21:443 -m -w 3 -x 9 -y 5\\n"
    ask(f"printf -- '--set 901 61 31\\n{rules}' | ipvsadm -R")
    before = ask("ipvsadm -Sn; ipvsadm -Ln --thresholds; ipvsadm -L --timeout")
    try:
        for state in ("present", "absent"):
            for mode, changed in (("--check", True), ("--diff", True), ("--check", False)):
                status, result = boot(director, {"state": state}, mode)
                assert (status, result["changed"]) == (0, changed), result
            if state == "present":
                fleet.reboot([director])
                assert ask("ipvsadm -Sn; ipvsadm -Ln --thresholds; ipvsadm -L --timeout") == before
        assert ask("systemctl is-enabled ipvsadm.service 2>&1 || true").strip().endswith("disabled")
    finally:
        boot(director, {"state": "absent"})
        ask("ipvsadm -C; ipvsadm --set 900 120 300")
        ask("systemctl enable --now keepalived.service")
        process.wait_until(
            lambda: all(cluster.in_service([director], s) for s in NODES.values() if s.role == "real_servers"),
            f"{director.name} to have its table",
            timeout=60,
        )
