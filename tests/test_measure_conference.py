# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/measure_conference.py: what is made of nmap's output and of processor times."""

from __future__ import annotations

import pytest
from measure_conference import _shares, open_ports


def test_open_ports() -> None:
    said = (
        "# Nmap 7.93 scan initiated as: nmap -oG -\n"
        "Host: 198.18.0.100 ()\tStatus: Up\n"
        "Host: 198.18.0.100 ()\tPorts: 80/open/tcp//http///, 443/open/tcp//https///, 444/closed/tcp//snpp///, "
        "53/open|filtered/udp//domain///\tIgnored State: filtered (65531)\n"
    )
    assert open_ports(said) == {"80/tcp", "443/tcp"}
    assert open_ports("Host: 198.18.0.100 ()\tStatus: Up\n") == set()


def test_shares_of_processor_time() -> None:
    before = {
        "1": ("init", 5.0),
        "7": ("chromium", 9.0),
        "8": ("chrome", 50.0),
        "idle": ("idle", 0.0),
        "all": ("all", 0.0),
    }
    after = {
        "1": ("init", 6.0),
        "7": ("chromium", 11.0),
        "9": ("janus", 1.0),
        "idle": ("idle", 5.0),
        "all": ("all", 10.0),
    }
    expected = {"Janus": 10, "browsers": 20, "directors": 0, "idle": 50, "other": 20}
    assert _shares(before, after) == pytest.approx(expected)
