# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keepalived, ip and ipvsadm say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.daemon import instances_in
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info import parse
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.model import SyncDaemon

FIXTURES = Path(__file__).parent / "fixtures"
# In the order of vrrp_json_data_dump() of keepalived 2.2.7, with its spelling
DUMP = (FIXTURES / "keepalived-2.2.7.json").read_text(encoding="utf-8")
ADDRESSES = (FIXTURES / "debian12-ip.json").read_text(encoding="utf-8")


def instance(index, held=(), configured=None, **more):
    entry = instances_in(DUMP)[index]
    entry["data"].update(more)
    return parse.running_instance(entry, configured, set(held))


def test_addresses_of_the_host():
    found = parse.host_addresses(ADDRESSES)
    assert {"127.0.0.1", "::1", "198.18.9.21", "2001:db8:9::21"} <= found
    assert not any("/" in ip for ip in found)


def test_master():
    found = instance(0, ["198.18.9.100"], {"unicast_peer": ["198.18.9.12", {"ip": "198.18.9.13", "min_ttl": 255}]})
    assert (found.name, found.state, found.interface, found.virtual_router_id) == ("lvs_51", "MASTER", "eth0", 51)
    assert (found.priority, found.effective_priority, found.master_priority) == (254, 254, None)
    assert (found.advert_interval, found.nopreempt, found.last_transition) == (0.1, True, 1764037861.512345)
    assert (found.addresses, found.addresses_excluded) == (["198.18.9.100"], ["2001:db8:9::100"])
    assert (found.addresses_held, found.addresses_missing) == (["198.18.9.100"], ["2001:db8:9::100"])
    assert found.addresses_orphaned == []
    assert found.transitions == {"became_master": 1, "released_master": 0}
    assert found.adverts == {"received": 412, "sent": 6120, "priority_zero_received": 1, "priority_zero_sent": 0}
    assert (found.errors["addr_list_err"], len(found.errors)) == (2, 8)
    assert found.peers == ["198.18.9.12", "198.18.9.13"]


def test_backup_that_holds_what_it_should_not():
    found = instance(1, ["198.18.9.101"])
    assert (found.state, found.master_priority, found.master_advert_interval) == ("BACKUP", 200, 1.0)
    assert (found.effective_priority, found.peers) == (80, None)
    assert (found.addresses_held, found.addresses_missing) == (["198.18.9.101"], [])
    assert found.addresses_orphaned == ["198.18.9.101"]


def test_secrets_are_left_out():
    assert "geheim12" in DUMP
    assert "geheim12" not in json.dumps(instance(1).as_dict())


@pytest.mark.parametrize(("number", "state"), [(0, "INIT"), (3, "FAULT"), (98, "STOP"), (42, "unknown 42")])
def test_states(number, state):
    assert instance(0, state=number).state == state


def test_stopped():
    configured = {"name": "a", "virtual_router_id": 7, "priority": 9, "virtual_ipaddress": ["192.0.2.1/24"]}
    found = parse.stopped_instance(configured, {"vrrp_version": 3}, {"192.0.2.1"})
    assert (found.state, found.version, found.priority, found.effective_priority) == ("STOPPED", 3, 9, None)
    assert (found.addresses, found.addresses_orphaned) == (["192.0.2.1"], ["192.0.2.1"])
    assert (found.transitions, found.adverts, found.peers) == (None, None, [])


def test_sync_daemons():
    text = (
        "Timeout (tcp tcpfin udp): 900 120 300\n"
        "master sync daemon (mcast=eth0, syncid=51, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n"
        "backup sync daemon (mcast=eth1, syncid=7)\n"
    )
    assert parse.sync_daemons(text) == [
        SyncDaemon("master", "eth0", 51, 1472, "224.0.0.81", 8848, 1),
        SyncDaemon("backup", "eth1", 7, None, None, None, None),
    ]
    assert parse.sync_daemons("") == []


@pytest.mark.parametrize("cut", [0, 1, 500, len(DUMP.strip()) - 1])
def test_dump_that_is_not_complete(cut):
    assert instances_in(DUMP.strip()[:cut]) is None


def test_dump_of_json_version_2():
    assert instances_in(f'{{"vrrp":{DUMP},"track_process":[]}}') == json.loads(DUMP)
