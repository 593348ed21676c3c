# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What ipvsadm and grep say of a director's IPVS, as values of the model. Nothing here looks at a host."""

from __future__ import annotations

from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.model import Table


def read_table(text: str) -> Table:
    """``ipvsadm --save --numeric``.

    :raises ValueError: if it is something else.
    """
    table: dict[str, dict[str, int]] = {}
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "-A" and "-s" in words:
            table[" ".join(words[1 : words.index("-s")])] = {}
        elif words[0] == "-a" and "-r" in words and "-w" in words:
            service = " ".join(words[1 : words.index("-r")])
            if service not in table:
                raise ValueError(f"no service for {line.strip()!r}")
            table[service][words[words.index("-r") + 1]] = int(words[words.index("-w") + 1])
        else:
            raise ValueError(f"not a line of ipvsadm --save: {line.strip()!r}")
    return table
