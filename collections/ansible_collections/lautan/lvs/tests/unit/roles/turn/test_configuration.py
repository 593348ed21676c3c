# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What coturn is told: where it listens, and whom it relays to."""

from __future__ import annotations

from ansible_collections.lautan.lvs.tests.unit.roles.rendering import rendered

VIPS = ["192.0.2.100", "2001:db8::100"]
OWN = ["192.0.2.21", "2001:db8::21"]


def settings(**others: str) -> dict[str, list[str]]:
    variables = {
        "ansible_managed": "",
        "turn_vips": VIPS,
        "turn_addresses": OWN,
        "turn_domain": "turn.example.org",
        "turn_secret": "hush",
        **others,
    }
    found: dict[str, list[str]] = {}
    for line in rendered("turn", "turnserver.conf.j2", variables).splitlines():
        if line and not line.startswith("#"):
            name, _equals, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_it_listens_on_all_addresses_and_relays_from_its_own() -> None:
    found = settings()
    assert (found["listening-ip"], found["relay-ip"]) == (VIPS + OWN, OWN)  # directors ask at its own
    assert {"no-udp", "no-dtls", "no-cli"} <= found.keys()


def test_it_relays_to_the_virtual_ips_only() -> None:
    found = settings()
    assert found["allowed-peer-ip"] == VIPS
    assert found["denied-peer-ip"] == ["0.0.0.0-255.255.255.255", "::-" + ":".join(["ffff"] * 8)]
    assert {"no-tcp-relay", "no-multicast-peers"} <= found.keys()


def test_it_knows_its_clients_by_the_secret() -> None:
    found = settings()
    assert found["static-auth-secret"] == ["hush"]
    assert settings(turn_old_secret="hist")["static-auth-secret"] == ["hush", "hist"]
    assert "use-auth-secret" in found
    assert not {"no-auth", "lt-cred-mech", "user"} & found.keys()


def test_there_are_as_many_relayed_connections_as_ports() -> None:
    found = settings()
    assert int(found["total-quota"][0]) == int(found["max-port"][0]) - int(found["min-port"][0]) + 1
