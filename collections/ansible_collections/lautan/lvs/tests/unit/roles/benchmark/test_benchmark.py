# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role writes: programs that Bash can read, rules and lines that belong to the benchmark alone."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import subprocess

import pytest
import yaml

from ansible_collections.lautan.lvs.plugins.plugin_utils._benchmark_plan import benchmark_plan
from ansible_collections.lautan.lvs.tests.unit.roles.rendering import ROLES, rendered

ROLE = ROLES / "benchmark"
SERVERS = [{"name": "rs1", "address": "192.0.2.21"}, {"name": "rs2", "address": "192.0.2.22"}]
DEFAULTS = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
PLANNED = benchmark_plan(
    {
        "domain": "conference.example.org",
        "vip": "192.0.2.100",
        "forwarding": "dr",
        "conference": True,
        "real_servers": SERVERS,
        "hosts": [],
        "ports": [],
    },
    {
        "profile": "full",
        "profiles": DEFAULTS["benchmark_profiles"],
        "port": 18100,
        "leave_out": [],
        "uplink_mbit": 100,
        "load_hosts": ["client"],
    },
)
GIVEN = {
    "inventory_hostname": "rs1",
    "ansible_managed": "managed",
    "benchmark_planned": PLANNED,
    "benchmark_directors": [{"name": "director1", "address": "192.0.2.11"}],
    "benchmark_real_servers": SERVERS,
    "benchmark_active": "director1",
    "benchmark_vip": "192.0.2.100",
    "benchmark_sources": ["192.0.2.200"],
    "benchmark_address": "192.0.2.21",
    "benchmark_uplink_mbit": 100,
    "benchmark_conference": True,
    "benchmark_forwards": False,
}


def test_virtual_services_beside_those_of_the_cluster() -> None:
    lines = rendered("benchmark", "table.j2", GIVEN).split("\n")
    services = [line for line in lines if line.startswith("-A")]
    assert "-A -t 192.0.2.100:18110 -s mh -b mh-port" in services
    assert len(services) == 12
    assert [line for line in lines if ":18112 -r" in line] == [
        "-a -t 192.0.2.100:18112 -r 192.0.2.21:18112 -m -w 1",
        "-a -t 192.0.2.100:18112 -r 192.0.2.22:18112 -m -w 1",
    ]
    named = rendered("benchmark", "services.j2", GIVEN).split("\n")
    assert [line for line in named if line] == [" ".join(line.split()[1:3]) for line in services]


@pytest.mark.parametrize("template", ["web.conf.j2", "haproxy.conf.j2", "nginx.conf.j2"])
def test_ports_are_those_of_the_plan(template) -> None:
    text = rendered("benchmark", template, GIVEN)
    ports = {int(port) for port in re.findall(r"(?:listen|bind) (?:[\d.]+:)?(\d+)", text)}
    wanted = {way["port"] for way in PLANNED["paths"] if template == "web.conf.j2" or template.startswith(way["path"])}
    assert ports == wanted | {port + 1 for port in wanted}


@pytest.mark.parametrize(("address", "forwards", "shaped"), [("192.0.2.21", False, True), ("192.0.2.11", True, False)])
def test_packet_filter(address, forwards, shaped) -> None:
    text = rendered(
        "benchmark", "benchmark.nft.j2", {**GIVEN, "benchmark_address": address, "benchmark_forwards": forwards}
    )
    assert ("meta priority set 1:2" in text) is shaped
    assert ("hook forward" in text) is forwards
    assert text.count("{") == text.count("}")
    assert set(re.findall(r"port (\S+)", text)) == {"18100-18117"} | ({"18112-18113"} if forwards else set())


@pytest.mark.parametrize("name", ["programs", "witness", "real_server", "director", "source", "witnessed", "restore"])
def test_bash_can_read_it(name, tmp_path) -> None:
    (task,) = (
        task for task in yaml.safe_load((ROLE / f"tasks/{name}.yml").read_text()) if "ansible.builtin.shell" in task
    )
    text = task["ansible.builtin.shell"]["cmd"]
    text = text.replace("lookup('ansible.builtin.template', ", f"lookup('template', '{ROLE}/templates/' ~ ")
    text = text.replace("lookup('ansible.builtin.file', ", f"lookup('file', '{ROLE}/files/' ~ ")
    template = tmp_path / "command.j2"
    template.write_text(text)
    given = {
        **GIVEN,
        "benchmark_forwards": name == "director",
        "benchmark_programs": ["wrk"],
        "benchmark_status_port": 0,
        **{key: value for key, value in task.get("vars", {}).items() if isinstance(value, dict)},
        "__wanted": "wrk",
    }
    command = rendered("benchmark", str(template), given)
    done = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), command


def test_a_witness() -> None:
    """It reads what Linux tells."""
    loader = importlib.machinery.SourceFileLoader("witness", str(ROLE / "files/witness"))
    program = importlib.util.module_from_spec(importlib.util.spec_from_loader("witness", loader))
    loader.exec_module(program)
    busy, total, stolen = program.processors()
    assert 0 < busy <= total
    assert stolen >= 0
    assert program.own() >= 0
    assert len(program.bytes_of("lo")) == 2
