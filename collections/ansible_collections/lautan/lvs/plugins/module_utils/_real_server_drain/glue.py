# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the module and the rest: the real director, and exceptions turned into failures of the module."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.explain import explain
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.render import service_words
from ansible_collections.lautan.lvs.plugins.module_utils._real_server_drain.ensure import Outcome, Wanted, ensure
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError
from ansible_collections.lautan.lvs.plugins.module_utils._vrrp_switchover.glue import LocalDirector

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def run_module(module: AnsibleModule) -> None:
    """Do what the module was asked for, and end it."""
    wanted, outcome = Wanted(**module.params), Outcome()

    def result() -> dict[str, Any]:
        return {
            "changed": bool(outcome.commands),
            "commands": outcome.commands,
            "running": outcome.running,
            "reason": outcome.after.partition(" ")[2],
            "since": None if outcome.since is None else _utc(outcome.since),
            "services": [
                {"service": service_words(member.service), "weight": weight}
                for member, weight in outcome.weights.items()
            ],
        }

    def fail(message: str, **details: Any) -> None:
        module.fail_json(msg=message, **result(), **details)

    try:
        ensure(LocalDirector(module), wanted, module.check_mode, outcome)
    except Mistakes as exc:
        fail(f"Nothing was changed: {exc}", errors=exc.mistakes)
    except NotReached as exc:
        fail(f"{outcome.file} says {outcome.after}, but keepalived does not go by it: {exc}", errors=exc.differences)
    except CommandError as exc:
        message = explain(exc, os.uname().release)
        fail(message, cmd=exc.argv, rc=exc.rc, stdout=exc.stdout, stderr=exc.stderr)
    except (ParseError, OSError) as exc:
        fail(f"The director could not be read or written: {exc}")
    else:
        details: dict[str, Any] = {"msg": _message(wanted, outcome)}
        if module._diff:
            header = outcome.file
            texts = {"before": f"{outcome.before}\n", "after": f"{outcome.after}\n"}
            details["diff"] = {"before_header": header, "after_header": header, **texts}
        module.exit_json(**result(), **details)


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _message(wanted: Wanted, outcome: Outcome) -> str:
    already = "" if outcome.commands else "already "
    state = {"drained": "drained", "in_service": "in service"}[wanted.state]
    if not outcome.running:
        return f"{wanted.name} is {already}{state}, once keepalived runs"
    dead = sum(weight is None for weight in outcome.weights.values())
    absent = f"; keepalived has taken it out of {dead} of {len(outcome.weights)} virtual services" if dead else ""
    return f"{wanted.name} is {already}{state}{absent}"
