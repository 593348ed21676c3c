# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Read the kernel's table through one process of ipvsadm. Nothing here writes."""

from __future__ import annotations

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.listing import add_thresholds, sections, title
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import parse_rules
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Runner, check

# With -R, ipvsadm takes any command from its standard input, and so prints several lists at once.
PROGRAM = ("ipvsadm", "-R")
TABLE_QUERY = "-S -n\n-L -n --thresholds\n"
DAEMON_QUERY = "-L --daemon\n"


def read_table(run: Runner) -> Table:
    """:raises CommandError: if ipvsadm fails or complains."""
    return parse_table(check(run, PROGRAM, TABLE_QUERY))


def parse_table(text: str) -> Table:
    """Read what ``TABLE_QUERY`` prints, whatever comes after it.

    :raises ParseError: if that is not what is expected.
    """
    title(text)
    rules, thresholds = sections(text)[:2]
    table = parse_rules(rules)
    add_thresholds(table, thresholds)
    return table
