# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read only: counters and connections."""

from __future__ import annotations

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.connections import (
    describe_connection,
    parse_connections,
    read_filter,
)
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.counters import counters
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.listing import sections
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import parse_rules
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import parse_table
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import fixture

TABLE = parse_table(fixture("debian12-table-timeouts-daemons.txt"))
NUMBERS = ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out")

RULES = "-A -t 192.0.2.100:443 -s wlc -p 300\n-a -t 192.0.2.100:443 -r 192.0.2.21:443 -g -w 1\n-A -f -1 -6 -s rr\n"
# As print_service_entry() of ipvsadm formats them: columns of at least nine, longer numbers with one blank before.
STATS = f"""
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  192.0.2.100:443             {7:9}{123456789} {2**64 - 1}        1        0
  -> 192.0.2.21:443                      1        2        3        4        5
FWM  -1 IPv6                             9        8        7        6        5
"""
STATS = STATS.replace("7123456789", "7 123456789")
RATES = """
Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS
  -> RemoteAddress:Port
TCP  192.0.2.100:443                    11       12       13       14       15
  -> 192.0.2.21:443                      1        2        3        4        5
"""
PERSISTENT = """
Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn
  -> RemoteAddress:Port
TCP  192.0.2.100:443 wlc persistent 300
  -> 192.0.2.21:443               1         41          42         43
FWM  -1 IPv6 rr
Timeout (tcp tcpfin udp): 900 120 300
"""


def test_counters():
    web, mark = counters(parse_rules(RULES), STATS, RATES, PERSISTENT)
    assert web == {
        "protocol": "tcp",
        "address": "192.0.2.100",
        "port": 443,
        **dict(zip(NUMBERS, (7, 123456789, 2**64 - 1, 1, 0), strict=True)),
        "rates": dict(zip(NUMBERS, (11, 12, 13, 14, 15), strict=True)),
        "real_servers": [
            {
                "address": "192.0.2.21",
                "port": 443,
                "active_connections": 42,
                "inactive_connections": 43,
                "persistent_connections": 41,
                **dict(zip(NUMBERS, (1, 2, 3, 4, 5), strict=True)),
                "rates": dict(zip(NUMBERS, (1, 2, 3, 4, 5), strict=True)),
            }
        ],
    }
    assert (mark["fwmark"], mark["family"], mark["bytes_out"]) == (2**32 - 1, "ipv6", 5)
    # It came into being after the counters were printed.
    assert mark["rates"] == dict.fromkeys(NUMBERS, 0)


def test_counters_of_the_capture():
    stats, rates = (sections(fixture(f"debian12-{name}.txt"))[1] for name in ("stats", "rate"))
    found = counters(TABLE, stats, rates, sections(fixture("debian12-table-timeouts-daemons.txt"))[1])
    assert [len(service["real_servers"]) for service in found] == [len(s.real_servers) for s in TABLE.values()]
    assert len(found) == 15


# ---- connections. The lines are formatted as ip_vs_conn_seq_show() of the kernel does.

TITLE = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
CONNECTIONS = (
    f"{TITLE}"
    "TCP CB007107 C35B C0000264 01BB C0000215 01BB ESTABLISHED     899\n"
    "TCP CB007107 0000 C0000264 01BB C0000215 01BB NONE            299\n"
    "UDP 2001:0db8:0000:0000:0000:0000:0000:0007 0035 2001:0db8:0000:0000:0000:0000:0000:0100 0035"
    " C0000216 0035 UDP              10 sip call@example\n"
    "IP  CB007107 0000 00000015 0000 C0000215 0000 NONE             60\n"
)


def wanted(**options):
    mistakes: list[str] = []
    chosen = read_filter(options, mistakes)
    assert mistakes == []
    return [entry.state for entry in parse_connections(CONNECTIONS) if chosen.wants(entry)]


def test_connections():
    first, template, other, mark = map(describe_connection, parse_connections(CONNECTIONS))
    assert first == {
        "protocol": "tcp",
        "client": "203.0.113.7:50011",
        "virtual": "192.0.2.100:443",
        "real_server": "192.0.2.21:443",
        "state": "ESTABLISHED",
        "expires": 899,
        "template": False,
    }
    assert (template["template"], mark["template"], other["template"]) == (True, True, False)
    assert (other["client"], other["virtual"]) == ("[2001:db8::7]:53", "[2001:db8::100]:53")
    assert (other["real_server"], other["expires"]) == ("192.0.2.22:53", 10)
    assert (mark["protocol"], mark["virtual"]) == ("ip", "0.0.0.21:0")


def test_no_connections():
    assert list(parse_connections(TITLE)) == list(parse_connections("")) == []


def test_filters():
    assert wanted() == ["ESTABLISHED", "NONE", "UDP", "NONE"]
    assert wanted(client="203.0.113.7") == ["ESTABLISHED", "NONE", "NONE"]
    assert wanted(client="203.0.113.0/29", service="192.0.2.100") == ["ESTABLISHED", "NONE"]
    assert wanted(real_server="192.0.2.22") == wanted(client="2001:DB8::/64") == ["UDP"]
    assert wanted(real_server="192.0.2.99") == []


def test_filters_that_cannot_be():
    mistakes: list[str] = []
    read_filter({"client": "192.0.2.0/33", "service": "www", "real_server": "192.0.2.1"}, mistakes)
    assert [mistake.partition(":")[0] for mistake in mistakes] == ["service='www'", "client='192.0.2.0/33'"]


@pytest.mark.parametrize("line", ["TCP", "TCP X 0 X 0 X 0 S 1", "TCP CB007107 C35B C0000264 01BB C0 01BB S 899"])
def test_lines_that_are_not_understood(line):
    with pytest.raises(ValueError, match="ip_vs_conn has the line"):
        list(parse_connections(f"{TITLE}{line}\n"))
