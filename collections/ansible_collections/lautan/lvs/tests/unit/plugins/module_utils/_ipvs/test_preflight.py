# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host can have, and what to do if it has nothing."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.explain import explain
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.preflight import module_faults
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, Completed
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import FakeHost

DIRECTORY = f"/lib/modules/{FakeHost.release}"


@pytest.fixture
def host():
    return FakeHost()


def faults(host, *names):
    return module_faults(host, {name: [f"scheduler={name}"] for name in names})


def test_modules_that_are_there(host):
    host.files["/sys/module/ip_vs_builtin"] = ""
    host.files[f"{DIRECTORY}/modules.builtin"] += "kernel/net/netfilter/ipvs/ip_vs_twos.ko\n"
    host.files[f"{DIRECTORY}/modules.dep"] += "kernel/net/netfilter/ipvs/ip_vs_packed.ko.xz:\n"
    assert faults(host, "ip_vs_rr", "ip_vs_wlc", "ip_vs_pe_sip", "ip_vs_builtin", "ip_vs_twos", "ip_vs_packed") == []


def test_modules_that_are_missing(host):
    found = module_faults(host, {"ip_vs_twos": ["a='twos'", "b='twos'"], "ip_vs_rr": ["c"], "ip_vs_l": ["d='l'"]})
    assert found[:2] == [f"{name}='twos': the kernel 6.1.0-18-cloud-amd64 has no module ip_vs_twos" for name in "ab"]
    assert found[2].startswith("d='l': is no scheduler that the kernel has; known are rr, wrr, ")
    assert len(found) == 3


def test_a_container_that_does_not_see_the_modules(host):
    host.files = {"/proc/modules": "ip_vs 1 0 - Live 0x0\n"}
    assert faults(host, "ip_vs_twos", "ip_vs_pe_sip") == []
    assert len(faults(host, "ip_vs_nosuch")) == 1


def test_a_new_scheduler(host):
    host.files["/proc/modules"] += "ip_vs_new 16384 1 - Live 0x0\n"
    assert faults(host, "ip_vs_new") == []


@pytest.mark.parametrize(
    ("rc", "stderr", "advice"),
    [
        (127, "the program ipvsadm was not found", "apt install ipvsadm"),
        (2, "Can't initialize ipvs: Permission denied (you must be root)\nAre you sure", "become: true"),
        (1, "Permission denied (you must be root)", "become: true"),
        (2, "Can't initialize ipvs: Protocol not available\nAre you sure", "modprobe ip_vs"),
        (2, "Can't initialize ipvs: Protocol not available\nAre you sure", "linux-image-amd64"),
        (1, "Something else", "(rc 1): Something else"),
    ],
)
def test_explain(rc, stderr, advice):
    text = explain(CommandError(["ipvsadm", "-R"], Completed(rc, "", stderr)), "6.1.0")
    assert advice in text
    assert stderr.splitlines()[0] in text
