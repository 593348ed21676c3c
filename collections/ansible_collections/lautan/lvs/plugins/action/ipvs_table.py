# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase

from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.glue import table_result
from ansible_collections.lautan.lvs.plugins.plugin_utils._remote_host import RemoteHost

_OPTIONS = {
    # What is in it is read with all its faults by what reads documents.
    "services": {"type": "raw", "required": True},
    "purge": {"type": "str", "choices": ["none", "real_servers", "table"], "default": "none"},
}


class ActionModule(ActionBase):
    """All of M(lautan.lvs.ipvs_table), on the controller: the host only has to run ipvsadm."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        # The document as a module would get it.
        encoder = get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)
        services = json.loads(json.dumps(self._task.args.get("services"), cls=encoder))
        options = self._options_but_services()
        result = table_result(
            RemoteHost(self), {**options, "services": services}, self._task.check_mode, self._task.diff
        )
        return {**result, "invocation": {"module_args": options}}

    def _options_but_services(self) -> dict[str, Any]:
        """Validate the options without the document, which would be copied for it.

        Ansible also would send the whole document back with the result, and spend more time on that than is spent on
        comparing it with the kernel's table. So it is taken away from a task that is not tried again.
        """
        options = self._task.args
        if "services" in options:
            options = {**options, "services": "as given in the task"}
        validated = ArgumentSpecValidator(_OPTIONS).validate(options)
        # Not validate_argument_spec: it stops at the first fault, and calls the action by the path of this file.
        unsupported = f"Unsupported parameters for ({self._task.action}) module: "
        faults = [f"{unsupported if isinstance(e, UnsupportedError) else ''}{e}" for e in validated.errors]
        if faults:
            raise AnsibleActionFail("; ".join(faults))
        if not (self._task.until or self._task.retries):
            self._task.args = options
        return validated.validated_parameters
