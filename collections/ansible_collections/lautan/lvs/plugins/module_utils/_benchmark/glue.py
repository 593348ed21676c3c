# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the module and the rest: one run after the other, and failures of the module."""

from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.lautan.lvs.plugins.module_utils._benchmark import wrk
from ansible_collections.lautan.lvs.plugins.module_utils._benchmark.count import count, schedule
from ansible_collections.lautan.lvs.plugins.module_utils._benchmark.model import WRK, Run, read_runs
from ansible_collections.lautan.lvs.plugins.module_utils._benchmark.openloop import send_all
from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._runner import Runner, module_runner

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_NOTHING: dict[str, Any] = {
    "answered": 0,
    "failed": 0,
    "rate": 0.0,
    "bytes": 0,
    "latency": None,
    "by_server": {},
    "sent": None,
    "troubles": "",
    "error": "",
}


def run_module(module: AnsibleModule) -> None:
    """Do what the module was asked for, and end it."""
    params = module.params
    try:
        runs = read_runs(params["runs"])
        if params["pause"] < 0:
            raise Mistakes([f"pause={params['pause']:g}: must not be negative"])
    except Mistakes as exc:
        module.fail_json(msg=str(exc), errors=exc.mistakes)
    time.sleep(max(0.0, (params["at"] or 0) - time.time()))
    start = module_runner(module)
    launcher = [params["launcher"]] if params["launcher"] else []
    handle, script = tempfile.mkstemp(dir=module.tmpdir, suffix=".lua")
    with os.fdopen(handle, "w") as file:
        file.write(wrk.SCRIPT)
    results = []
    try:
        for number, run in enumerate(runs):
            time.sleep(params["pause"])
            results.append({"name": run.name, **_one(run, start, launcher, script, params["seed"] + number)})
    finally:
        os.unlink(script)
    module.exit_json(changed=False, runs=results)


def _one(run: Run, start: Runner, launcher: list[str], script: str, seed: int) -> dict[str, Any]:
    """One run. That one fails is told with the others: none of them is a reason to stop."""
    if run.generator != WRK:
        began, share, requests = send_all(run, schedule(run.rate or 0, run.warmup, run.seconds, seed))
        begin = began + run.warmup
        told = count(requests, run.warmup, run.seconds, share)
        result = {**_NOTHING, **told, "begin": begin, "end": begin + run.seconds}
    else:
        if run.warmup:
            start([*launcher, *wrk.argv(run, run.warmup, script)], None)
        begin = time.time()
        completed = start([*launcher, *wrk.argv(run, run.seconds, script)], None)
        result = {**_NOTHING, "seconds": run.seconds, "begin": begin, "end": time.time()}
        try:
            result.update(wrk.parse(completed.stderr))
        except ValueError as exc:
            result["error"] = str(exc)
    if not result["answered"] and not result["error"]:
        result["error"] = f"nothing was answered: {result['troubles'] or 'and nothing failed'}"
    return result
