# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""All that can be said of a document without a host: its form, and what goes together."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import Faults
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules_lvs import lvs_rules
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.rules_vrrp import vrrp_rules
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.validate import normalise, walk_scripts


def script_rules(document: Mapping[str, Any], faults: Faults) -> None:
    """keepalived -t fails with a security violation (6) when it would start programs without having been secured."""
    if document.get("global_defs", {}).get("enable_script_security"):
        return
    paths = list(walk_scripts(document))
    if paths:
        started = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        faults.missing("global_defs.enable_script_security", f"must be true, because programs are started: {started}")


def checked(document: Any, faults: Faults) -> dict[str, Any]:
    """Give the document in normal form. All that is wrong with it, and all that is doubtful, is reported."""
    normal = normalise(document, faults)
    script_rules(normal, faults)
    vrrp_rules(normal, faults)
    lvs_rules(normal, faults)
    return normal
