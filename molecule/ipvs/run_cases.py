# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules on a director, many times, with one Python for all of them.

test_ipvs.py sends it with the modules and reads what it prints. Each run of a module is a process of its own, forked
after everything is imported; that is all that is different from what Ansible does on a host.

Standard input: a list of steps, each {"look": COMMAND, "input": TEXT} for the shell, or {"module": NAME,
"options": ..., "check": BOOL}. Standard output: a list of what became of each, the text or the module's result.
"""

import contextlib
import importlib
import io
import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

from ansible.module_utils.testing import patch_module_args


def shell(command, text):
    done = subprocess.run(["/bin/sh", "-c", command], input=text, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else f"status {done.returncode}: {done.stdout}{done.stderr}"


def run_table(options, check):
    """Do what the action does on the controller; how it gets at a host is tested elsewhere."""
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.glue import table_result
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.host import LocalHost

    host = LocalHost(SimpleNamespace(get_bin_path=shutil.which))
    return table_result(host, {"purge": "none", **options}, check, diff_mode=True)


def run_module(name, options, check):
    module = importlib.import_module(f"ansible_collections.lautan.lvs.plugins.modules.{name}")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        said = io.StringIO()
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True}
        try:
            with contextlib.redirect_stdout(said), patch_module_args(arguments):
                module.main()
        except SystemExit:
            pass
        with os.fdopen(writing, "w") as stream:
            stream.write(said.getvalue())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return json.loads(said)


def run(step):
    if "look" in step:
        return shell(step["look"], step.get("input", ""))
    if step["module"] == "ipvs_table":
        return run_table(step["options"], step["check"])
    return run_module(step["module"], step["options"], step["check"])


json.dump([run(step) for step in json.load(sys.stdin)], sys.stdout)
