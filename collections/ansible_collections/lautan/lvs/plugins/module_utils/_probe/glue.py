# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the module and the rest: the file and the clock by which the load ends, and failures of the module."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from ansible_collections.lautan.lvs.plugins.module_utils._probe.judge import NotServed, history, judge, timeline
from ansible_collections.lautan.lvs.plugins.module_utils._probe.load import load

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def run_module(module: AnsibleModule) -> None:
    """Do what the module was asked for, and end it."""
    params = module.params
    if mistakes := _mistakes(params):
        module.fail_json(msg="; ".join(mistakes), errors=mistakes)
    end, file = time.monotonic() + params["seconds"], params["file"]

    def begun() -> None:
        if file is not None:
            # Not if it is there: somebody else's, or a trap in a directory that all may write to.
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            made.append(file)

    def is_over() -> bool:
        return time.monotonic() > end or any(not os.path.lexists(each) for each in made)

    made: list[str] = []
    try:
        seen = asyncio.run(load(params, is_over, begun))
        noticed = judge(seen)
    except NotServed as exc:
        first = next((each["error"] for each in seen["requests"] if each["answered"] is None), seen["held"]["error"])
        module.fail_json(msg=f"{params['address']}: {exc}: {first or 'it was not asked often enough'}")
    else:
        more = {"history": history(seen["requests"])} if params["history"] else {}
        module.exit_json(changed=False, noticed=vars(noticed), seconds=timeline(seen["requests"]), **more)
    finally:
        for each in made:
            if os.path.lexists(each):
                os.unlink(each)


def _mistakes(params: dict[str, Any]) -> list[str]:
    """Everything that is wrong with the options."""
    mistakes = []
    try:
        ip_address(params["address"])
    except ValueError:
        mistakes.append(f"address={params['address']!r}: must be an IP address")
    if not 0 < params["port"] < 65536:
        mistakes.append(f"port={params['port']}: must be 1 to 65535")
    for option, first in (("host", ""), ("path", "/")):
        text = params[option]
        if not text.startswith(first) or not text.isprintable() or not text or " " in text:
            mistakes.append(f"{option}={text!r}: must be one word{' that begins with /' if first else ''}")
    for option in ("interval", "timeout", "seconds"):
        if not params[option] > 0:
            mistakes.append(f"{option}={params[option]:g}: must be more than 0")
    if params["file"] is not None:
        if os.path.lexists(params["file"]):
            mistakes.append(f"file={params['file']!r}: is there already")
        elif not os.access(os.path.dirname(params["file"]) or ".", os.W_OK | os.X_OK):
            mistakes.append(f"file={params['file']!r}: cannot be made there")
    if params["ca"] is not None:
        try:
            ssl.create_default_context(cadata=params["ca"])
        except (ssl.SSLError, ValueError) as exc:
            mistakes.append(f"ca: must be certificates as PEM text ({exc})")
    return mistakes
