# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lautan.lvs.plugins.filter.ipvs_document import FilterModule
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.read import read_table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.render import table_lines
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.fake_ipvsadm import FakeIpvsadm, fixture
from ansible_collections.lautan.lvs.tests.unit.plugins.module_utils._ipvs.strategies import documents, read

ipvs_document = FilterModule().filters()["ipvs_document"]

SCRIPT = """\
#!/bin/sh
# The web service
/sbin/ipvsadm -C

ipvsadm --add-service --tcp-service 192.0.2.100:https --scheduler wlc --persistent 300   # sticky
ipvsadm -a -t 192.0.2.100:443 -r 192.0.2.21 \\
        --gatewaying -w 2
ipvsadm -a -t "192.0.2.100:443" -r 192.0.2.22:8443 -w 1
-A -u [2001:DB8::100]:53 -s rr -o
  ipvsadm -a -u [2001:db8::100]:53 -r [2001:db8::21]:53 -m
ipvsadm -A -f 9 -s rr
ipvsadm -e -t 192.0.2.100:443 -r 192.0.2.22 -w 0
ipvsadm -E -t 192.0.2.100:443 -s mh -b mh-port
ipvsadm -D -f 9
ipvsadm -Ln
ipvsadm
"""

DOCUMENT = [
    {
        "protocol": "tcp",
        "address": "192.0.2.100",
        "port": 443,
        "scheduler": "mh",
        "scheduler_flags": ["mh-port"],
        "real_servers": [
            {"address": "192.0.2.21", "port": 443, "method": "dr", "weight": 2},
            {"address": "192.0.2.22", "port": 443, "method": "dr", "weight": 0},
        ],
    },
    {
        "protocol": "udp",
        "address": "2001:db8::100",
        "port": 53,
        "scheduler": "rr",
        "one_packet": True,
        "real_servers": [{"address": "2001:db8::21", "port": 53, "method": "nat", "weight": 1}],
    },
]


def test_a_shell_script():
    assert ipvs_document(SCRIPT) == DOCUMENT


def test_a_script_that_clears_the_table_later():
    assert ipvs_document(f"{SCRIPT}ipvsadm --clear\n") == []


def test_what_ipvsadm_printed():
    saved = fixture("debian12-table-timeouts-daemons.txt").partition("IP Virtual")[0]
    document = ipvs_document(saved)
    fake = FakeIpvsadm().load("\n".join(table_lines(read(document))))
    assert fake.save() == saved.splitlines()


@given(documents)
def test_any_table(document):
    lines = table_lines(read(document))
    table = read_table(FakeIpvsadm().load("\n".join(lines)).run)
    assert read(ipvs_document("\n".join(lines))) == table


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("echo 1 > /proc/sys/net/ipv4/ip_forward", "no command of ipvsadm"),
        ("ipvsadm -A -t $VIP:80", "names of hosts are not resolved"),
        ("ipvsadm -A -t www.example.com:80", "names of hosts are not resolved"),
        ("ipvsadm -A -t 192.0.2.1:80 || exit 1", "no option"),
        ("ipvsadm -A -t 192.0.2.1:nosuchport", "neither a port nor the name of one"),
        ("ipvsadm -A -t '192.0.2.1:80", "No closing quotation"),
        ("ipvsadm --set 900 120 300", "lautan.lvs.ipvs_timeouts"),
        ("ipvsadm --start-daemon master --mcast-interface eth0", "lautan.lvs.ipvs_sync_daemon"),
        ("ipvsadm -R", "another file"),
        ("ipvsadm -A -t 192.0.2.1:0", "persistence_timeout"),
        ("ipvsadm -A -t 192.0.2.1:80 -o", "udp and fwmark"),
        ("ipvsadm -A -t 192.0.2.1:80 -b sh-port", "sh-port"),
        ("ipvsadm -A -t 192.0.2.1:99999", "65535"),
        ("ipvsadm -A -f 0", "greater than 0"),
        ("ipvsadm -A -f 4294967296", "fwmark=4294967296"),
        ("ipvsadm -a -f 5 -r 192.0.2.9", "not there"),
        ("ipvsadm -A -f 1", "there already"),
        ("ipvsadm -a -f 1 -r 192.0.2.8", "there already"),
        ("ipvsadm -d -f 1 -r 192.0.2.9", "not there"),
        ("ipvsadm -E -f 2", "not there"),
        ("ipvsadm -D -f 2", "not there"),
        ("ipvsadm -a -f 1 -r 192.0.2.9 -w 70000", "weight=70000"),
        ("ipvsadm -a -f 1 -r 192.0.2.9 --tun-type gre", "tunnel_type"),
        ("ipvsadm -a -f 1 -r 224.0.0.1", "unicast"),
        ("ipvsadm -a -f 1 -r fd00::1", "families"),
    ],
)
def test_lines_that_cannot_be_represented(line, reason):
    text = f"ipvsadm -A -f 1\nipvsadm -a -f 1 -r 192.0.2.8\n\n{line}\n"
    with pytest.raises(AnsibleFilterError) as info:
        ipvs_document(text)
    assert f"line 4: {line}: " in str(info.value)
    assert reason in str(info.value)


def test_all_lines_are_reported():
    with pytest.raises(AnsibleFilterError, match=r"(?s)line 1: x: .*line 2: y +z: "):
        ipvs_document("x\ny \\\nz")


@pytest.mark.parametrize("value", [None, 5, ["ipvsadm"], {}])
def test_no_text(value):
    with pytest.raises(AnsibleFilterError, match="takes a string"):
        ipvs_document(value)


_WORDS = "ipvsadm -A -a -E -e -D -d -C -t -u -f -6 -r -s -p -M -b -o -w -x -y -i -m -g --pe sip rr sh flag-1 sh-port"
_WORDS += (
    " 192.0.2.1:80 192.0.2.2 [fd00::1]:53 fd00::2 fd00::3: 5 0 70000 24 --tun-type gue --tun-port --weight=1 ' # \\"
)
_lines = st.one_of(st.text(), st.lists(st.sampled_from(_WORDS.split(" ")), max_size=12).map(" ".join))


@given(st.lists(_lines, max_size=4).map("\n".join))
def test_any_text_gives_a_document_or_an_error(text):
    try:
        document = ipvs_document(text)
    except AnsibleFilterError:
        return
    read(document)
