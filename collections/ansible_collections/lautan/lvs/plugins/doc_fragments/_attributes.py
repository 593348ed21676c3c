# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What every module of the collection says of itself. A module that has more to say overrides `support`
    # and adds `details`.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and predict what it would change, without changing anything.
    support: full
  diff_mode:
    description: Returns in diff mode what changed, or in check mode would change.
    support: full
  idempotent:
    description:
      - When run twice in a row outside check mode with the same arguments, the second run changes nothing.
      - This assumes that nothing else changed the host between the two runs.
    support: full
  platform:
    description: The operating systems that the module runs on.
    support: full
    platforms: Debian
"""

    # For modules that only read
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and predict what it would change, without changing anything.
    support: full
    details:
      - This module changes nothing.
  diff_mode:
    description: Returns in diff mode what changed, or in check mode would change.
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    description:
      - When run twice in a row outside check mode with the same arguments, the second run changes nothing.
      - This assumes that nothing else changed the host between the two runs.
    support: full
    details:
      - This module changes nothing.
  platform:
    description: The operating systems that the module runs on.
    support: full
    platforms: Debian
"""

    ACTIONGROUP_LVS = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/lautan.lvs.lvs) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - lautan.lvs.lvs
"""
