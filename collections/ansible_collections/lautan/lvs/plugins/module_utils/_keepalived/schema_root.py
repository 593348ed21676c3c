# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""The whole file."""

from __future__ import annotations

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema import (
    Block,
    Keyword,
    Section,
    flag,
    text,
    whole,
)
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema_global import GLOBAL_DEFS
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema_lvs import LVS_ROOT
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.schema_vrrp import VRRP_ROOT

ROOT = Section(
    (
        text("net_namespace"),
        text("net_namespace_ipvs"),
        flag("namespace_with_ipsets"),
        text("instance"),
        flag("use_pid_dir"),
        whole("child_wait_time", 0, 2**32 - 1),
        flag("linkbeat_use_polling"),
        Keyword("global_defs", Block(GLOBAL_DEFS)),
        *VRRP_ROOT,
        *LVS_ROOT,
    )
)
