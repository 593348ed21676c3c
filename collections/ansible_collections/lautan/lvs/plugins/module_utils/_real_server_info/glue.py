# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the module and the rest: the real host, and exceptions turned into failures of the module."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from ansible_collections.lautan.lvs.plugins.module_utils._janus.api import Api
from ansible_collections.lautan.lvs.plugins.module_utils._janus.glue import asker
from ansible_collections.lautan.lvs.plugins.module_utils._janus.info import gather
from ansible_collections.lautan.lvs.plugins.module_utils._janus.model import Unusable
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_info.connections import COMMAND, count, sockets
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError, check, module_runner

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def run_module(module: AnsibleModule) -> None:
    """Do what the module was asked for, and end it."""
    params = module.params
    mistakes: list[str] = []
    vips, others = (_addresses(params, option, mistakes) for option in ("vips", "not_clients"))
    if mistakes:
        module.fail_json(msg="; ".join(mistakes), errors=mistakes)
    try:
        found = sockets(check(module_runner(module), COMMAND))
        connections = count(found, vips, params["signalling_port"], params["turn_ports"], params["ports"], others)
        rooms: list[dict[str, Any]] = []
        if params["janus_admin_secret"] is not None:
            rooms = gather(Api(asker(params["janus_url"]), params["janus_admin_secret"]))["rooms"]
    except CommandError as exc:
        module.fail_json(msg=f"A command failed: {exc}", cmd=exc.argv, rc=exc.rc, stdout=exc.stdout, stderr=exc.stderr)
    except (Unusable, ValueError) as exc:
        module.fail_json(msg=f"The real server does not tell: {exc}")
    else:
        people = {room["name"]: len(room["participants"]) for room in rooms if room["participants"]}
        module.exit_json(
            changed=False,
            connections={**connections._asdict(), "other": connections.other},
            people=sum(people.values()),
            rooms=people,
            idle=not people and not connections.total,
        )


def _addresses(params: dict[str, Any], option: str, mistakes: list[str]) -> list[str]:
    found = []
    for index, text in enumerate(params[option]):
        try:
            found.append(str(ip_address(text)))
        except ValueError:
            mistakes.append(f"{option}[{index}]={text!r}: must be an IP address")
    return found
