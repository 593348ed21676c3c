# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a director forwards what comes for VIPs that it does not hold."""

from __future__ import annotations

from ansible_collections.lautan.lvs.tests.unit.roles.director.rendering import evaluated

VIPS = ("192.0.2.100", "2001:db8::100")


def test_all_vips_are_local_and_old_ones_are_forgotten() -> None:
    variables = {"director_vrrp_instances": [{"vips": [{"address": vip} for vip in VIPS]}]}
    said = evaluated("__director_always_local", variables)
    forget = ["/usr/sbin/ip route flush table local proto 198", "/usr/sbin/ip -6 route flush table local proto 198"]
    # Where there are none yet, that fails.
    assert said["start"][:2] == [f"-{command}" for command in forget]
    routes = [f"/usr/sbin/ip route replace local {vip} dev lo table local metric 198 proto 198" for vip in VIPS]
    assert said["start"][2:] == routes
    assert said["stop"] == forget
    assert "= 2 ]" in said["check"]


def test_it_does_not_answer_for_them() -> None:
    """Otherwise Linux does, for every address that a route makes a local one (ip-sysctl, arp_ignore)."""
    assert evaluated("__director_profile", {})["net.ipv4.conf.all.arp_ignore"] == "1"
