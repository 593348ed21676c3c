# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How connections of a real server are counted, from what ss of Debian 12 printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.module_utils._real_server_info.connections import (
    Connections,
    count,
    sockets,
)

VIPS = ["198.18.0.100", "fd00:c612::100"]
TURN = [3478, 5349]
# Two pages with a WebSocket and one connection for requests each, one of them over IPv6; one client of TURN by its port
# and one by that of HTTPS; and what is nobody's: ssh, a health check, nginx that asks itself.
SAID = """\
ESTAB      0      0          198.18.0.100:443        198.18.1.31:40000
ESTAB      0      0          198.18.0.100:443        198.18.1.31:40002
ESTAB      0      0      [fd00:c612::100]:443   [fd00:c612:0:1::31]:40004
CLOSE-WAIT 1      0      [fd00:c612::100]:443   [fd00:c612:0:1::31]:40006
ESTAB      0      0          198.18.0.100:3478       198.18.1.32:50000
ESTAB      0      0          198.18.0.100:443        198.18.1.33:50002
ESTAB      0      0          198.18.0.100:60000    198.18.0.100:5349
ESTAB      0      0          198.18.0.100:5349     198.18.0.100:60000
ESTAB      0      0           198.18.0.21:33000     198.18.0.22:8188
ESTAB      0      0           198.18.0.21:33002     198.18.0.21:8188
ESTAB      0      0    [::ffff:198.18.0.21]:8188  [::ffff:198.18.0.21]:33002
ESTAB      0      0           198.18.0.21:22        198.18.0.1:50004
ESTAB      0      0           198.18.0.21:443       198.18.0.11:50006
ESTAB      0      0  [fe80::1%eth0]:22      [fe80::2%eth0]:50008
"""


def test_count():
    found = count(sockets(SAID), VIPS, 8188, TURN)
    assert found == Connections(total=6, websockets=2, turn=2)
    assert found.other == 2


def test_nat():
    """Clients come to the host's own address, as directors do with their checks, and operators by ssh."""
    said = (
        "ESTAB     0 0 198.18.0.21:443 198.18.1.31:40000\n"
        "FIN-WAIT-1 0 9 198.18.0.21:443 198.18.1.31:40001\n"
        "ESTAB     0 0 198.18.0.21:443 198.18.0.11:40002\n"
        "ESTAB     0 0 198.18.0.21:22 198.18.1.31:40003\n"
    )
    found = count(sockets(said), ["198.18.0.21"], 8188, TURN, ports=[80, 443], not_clients=["198.18.0.11"])
    assert found == Connections(total=2, websockets=0, turn=0)


def test_nothing():
    assert count(sockets("\n"), VIPS, 8188, TURN) == Connections(0, 0, 0)


@pytest.mark.parametrize(
    "line", ["ESTAB 0 0 198.18.0.100:443", "ESTAB 0 0 nobody:1 198.18.0.100:443", "0 0 1.2.3.4:x 1.2.3.4:5"]
)
def test_what_is_not_understood(line):
    with pytest.raises(ValueError, match=r"."):
        sockets(line)


@given(st.lists(st.tuples(st.sampled_from([*VIPS, "198.18.0.21"]), st.integers(1, 65535)), max_size=20))
def test_every_client_counts_once(ends):
    text = "".join(
        f"ESTAB 0 0 {f'[{address}]' if ':' in address else address}:{port} 203.0.113.1:{number + 1000}\n"
        for number, (address, port) in enumerate(ends)
    )
    found = count(sockets(text), VIPS, 8188, TURN)
    assert found.total == sum(address in VIPS for address, _port in ends)
    assert found.other + found.turn == found.total
