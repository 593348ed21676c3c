# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the module and the rest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.daemon import NoDump
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.glue import LocalHost
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_info.gather import gather

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def run_module(module: AnsibleModule) -> None:
    """Do what the module was asked for, and end it."""

    def fail(message: str, **details: Any) -> None:
        module.fail_json(msg=message, **details)

    try:
        info = gather(LocalHost(module), module.params["path"], time.sleep)
    except CommandError as exc:
        fail(f"A command failed: {exc}", cmd=exc.argv, rc=exc.rc, stdout=exc.stdout, stderr=exc.stderr)
    except NoDump as exc:
        fail(f"keepalived runs, but does not tell the state of its VRRP instances: {exc}")
    except OSError as exc:
        fail(f"A file could not be read: {exc}")
    else:
        for warning in info.warnings:
            module.warn(warning)
        module.exit_json(
            changed=False,
            running=info.running,
            state=info.state,
            main_pid=info.main_pid,
            version=info.version,
            instances=[instance.as_dict() for instance in info.instances],
            sync_daemons=[daemon.as_dict() for daemon in info.sync_daemons],
            connections=info.connections,
        )
