# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program as hosts get it: one file that needs Python and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.lautan.lvs.plugins.lookup.metrics_program import LookupModule
from ansible_collections.lautan.lvs.plugins.plugin_utils import _metrics_program
from ansible_collections.lautan.lvs.plugins.plugin_utils._metrics_program import MAIN, program, sources

IPVS = "IP Virtual Server version 1.2.1 (size=65536)\nProt LocalAddress:Port Scheduler Flags\n"
PROGRAMS = {
    "systemctl": "ActiveState=inactive\nMainPID=0\n",
    "ip": "[]\n",
    "ipvsadm": f"{IPVS * 4}Timeout (tcp tcpfin udp): 900 60 60\n"
    "master sync daemon (mcast=eth0, syncid=50, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n",
    "ss": "ESTAB 0 0 192.0.2.100:443 198.51.100.1:5000\n",
    "openssl": "notAfter=Nov 26 09:00:00 2026 GMT\n",
}


@pytest.fixture
def run(tmp_path: Path):
    """Unpack and run it on a host whose programs print what they are to print."""

    def on_host(settings: dict[str, Any]) -> tuple[list[str], str]:
        programs = tmp_path / "bin"
        programs.mkdir()
        for name, said in PROGRAMS.items():
            (programs / name).write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{said}END\n")
            (programs / name).chmod(0o755)
        (tmp_path / "program.py").write_text(program(), encoding="utf-8")
        (tmp_path / "settings.json").write_text(json.dumps(settings))
        environment = {"PATH": str(programs), "LC_ALL": "C"}
        # Without site-packages: there is no Ansible.
        python = [sys.executable, "-S"]
        place = tmp_path / "unpacked"
        subprocess.run([*python, "program.py", place], cwd=tmp_path, env=environment, check=True)
        done = subprocess.run(
            [*python, "-m", MAIN, "../settings.json", "metrics.prom"],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        metrics = place / "metrics.prom"
        assert metrics.stat().st_mode & 0o777 == 0o644
        assert [path.name for path in place.iterdir() if "metrics.prom" in path.name] == ["metrics.prom"]
        lines = metrics.read_text(encoding="utf-8").splitlines()
        return [line.removeprefix("lautan_") for line in lines if not line.startswith("#")], done.stderr

    return on_host


@pytest.mark.skipif(
    os.path.exists("/etc/keepalived/keepalived.conf"), reason="this machine has a keepalived of its own"
)
def test_on_a_director_whose_keepalived_does_not_run(run) -> None:
    service = {"name": "web", "vip": "192.0.2.100", "protocol": "tcp", "port": 443}
    service["real_servers"] = [{"name": "rs1", "address": "192.0.2.21", "port": 443}]
    lines, said = run({"kind": "director", "services": [service], "pool_minimum": 1})
    assert {line for line in lines if "collector" in line} == {
        'collector_success{collector="vrrp"} 1',
        'collector_success{collector="ipvs"} 1',
        'collector_success{collector="drift"} 0',
        'collector_success{collector="drained"} 0',
    }
    assert "keepalived_up 0" in lines
    assert 'sync_daemon_up{daemon="master"} 1' in lines
    assert 'real_server_up{service="web",vip="192.0.2.100",real_server="rs1"} 0' in lines
    assert "drift: Mistakes: /etc/keepalived/keepalived.conf: does not exist\n" in said


@pytest.mark.parametrize("janus", ["", "/nonexistent"])
def test_on_a_real_server(run, janus: str) -> None:
    settings = {"client_addresses": ["192.0.2.100"], "client_ports": [], "not_clients": []}
    settings |= {"certificate": "/etc/nginx/tls/site.crt", "media_ports": {"first": 400, "last": 499}, "janus": janus}
    lines, _said = run({"kind": "real_server", **settings})
    assert 'client_connections{kind="other"} 1' in lines
    assert "certificate_not_after_timestamp_seconds 1795683600" in lines
    assert ("media_ports_used 1" in lines) == bool(janus)
    assert ('collector_success{collector="janus"} 0' in lines) == bool(janus)


def test_it_is_the_same_again() -> None:
    first = program()
    program.cache_clear()
    assert program() == first
    assert LookupModule().run([]) == [first]


def test_only_what_is_needed_is_there() -> None:
    names = {path.rpartition("module_utils/")[2] for path in sources()}
    assert {"_metrics/program.py", "_janus/info.py", "_keepalived_table/dump.py", "_runner.py"} <= names
    assert not {name for name in names if name.startswith(("_real_server_vip", "_probe", "_ipvs/glue"))}


def test_what_needs_ansible_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "_metrics"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "program.py").write_text("def main():\n    from ansible.module_utils import basic\n")
    monkeypatch.setattr(_metrics_program, "_ROOT", tmp_path)
    with pytest.raises(ValueError, match=r"_metrics\.program imports ansible\.module_utils"):
        sources()


def test_arguments_are_refused() -> None:
    with pytest.raises(AnsibleLookupError):
        LookupModule().run(["director"])
