# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between modules or actions and the rest: options read, exceptions turned into failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import host as hosts
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import render
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.ensure import Outcome, ensure
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.model import Incomplete, NotReached, Service, Table
from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.parse import ParseError
from ansible_collections.lautan.lvs.plugins.module_utils._runner import CommandError

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.document import Reader
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.host import HostAccess

Intent = Callable[[Table], Table]


def table_result(host: HostAccess, options: dict[str, Any], check_mode: bool, diff_mode: bool) -> dict[str, Any]:
    """Do what M(lautan.lvs.ipvs_table) does, and give its result."""
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.plan import merged

    def intent(reader: Reader) -> Intent:
        wanted = reader.table(options["services"])
        return lambda current: merged(current, wanted, options["purge"])

    return _result(host, intent, check_mode, diff_mode)


def run_service(module: AnsibleModule) -> None:
    """Be M(lautan.lvs.ipvs_service), and end the module."""
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import document

    options = dict(module.params)
    present = options.pop("state") == "present"

    def intent(reader: Reader) -> Intent:
        values = reader.values(options, document.SERVICE_FIELDS, "")
        key = reader.key(values, "", options)
        scheduling = reader.scheduling(values, key, "", options) if present else None

        def target(current: Table) -> Table:
            others = {other: service for other, service in current.items() if other != key}
            if scheduling is None or key is None:
                return others
            real_servers = current[key].real_servers if key in current else {}
            return {**others, key: Service(scheduling, real_servers)}

        return target

    def more(outcome: Outcome) -> dict[str, Any]:
        removed = [
            render.real_words(key, real).partition(" -r ")[2]
            for key, service in outcome.before.items()
            if key not in outcome.after
            for real in service.real_servers
        ]
        return {"removed_real_servers": removed}

    _run(module, intent, more)


def run_real_server(module: AnsibleModule) -> None:
    """Be M(lautan.lvs.ipvs_real_server), and end the module."""
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs import document

    options = dict(module.params)
    present = options.pop("state") == "present"
    names = ("real_server", "real_server_port")
    known = {
        **document.KEY_FIELDS,
        "real_server": document.REAL_FIELDS["address"],
        "real_server_port": document.REAL_FIELDS["port"],
        **document.FORWARDING_FIELDS,
    }

    def intent(reader: Reader) -> Intent:
        values = reader.values(options, known, "")
        key = reader.key(values, "", options)
        found = reader.real_server(values, key, "", options, names)

        def target(current: Table) -> Table:
            service = None if key is None else current.get(key)
            if key is None or found is None or service is None:
                if not present:
                    return current
                reason = "there is no such virtual service; add it with lautan.lvs.ipvs_service first"
                raise Mistakes([f"{render.service_words(key) if key else ''}: {reason}"])
            real, forwarding = found
            real_servers = {other: kept for other, kept in service.real_servers.items() if other != real}
            if present:
                real_servers[real] = forwarding
            return {**current, key: Service(service.scheduling, real_servers)}

        return target

    _run(module, intent)


def run_info(module: AnsibleModule) -> None:
    """Be M(lautan.lvs.ipvs_info), and end the module."""
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.info import gather

    host = hosts.LocalHost(module)
    try:
        found = gather(host, module.params)
    except Mistakes as exc:
        module.fail_json(msg=str(exc), errors=exc.mistakes)
    except (OSError, ValueError) as exc:
        module.fail_json(msg=f"What the kernel holds could not be read: {exc}")
    except CommandError as exc:
        module.fail_json(**_failure(host, exc))
    else:
        module.exit_json(changed=False, **found)


def _run(
    module: AnsibleModule,
    read_options: Callable[[Reader], Intent],
    more: Callable[[Outcome], dict[str, Any]] = lambda outcome: {},
) -> None:
    result = _result(hosts.LocalHost(module), read_options, module.check_mode, module._diff, more)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def _result(
    host: HostAccess,
    read_options: Callable[[Reader], Intent],
    check_mode: bool,
    diff_mode: bool,
    more: Callable[[Outcome], dict[str, Any]] = lambda outcome: {},
) -> dict[str, Any]:
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.document import Reader
    from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.preflight import module_faults, modules_in_use

    try:
        reader = Reader(host.port_of)
        intent = read_options(reader)
        if reader.faults:
            raise Mistakes(reader.faults + module_faults(host, reader.modules))

        def possible(current: Table) -> Table:
            # What the kernel uses it has: mostly the host need not be asked.
            used = modules_in_use(current)
            faults = module_faults(host, {name: where for name, where in reader.modules.items() if name not in used})
            if faults:
                raise Mistakes(faults)
            return intent(current)

        outcome = ensure(host.run, possible, check_mode)
    except (Mistakes, NotReached, Incomplete, CommandError, ParseError, OSError) as exc:
        return {"failed": True, **_failure(host, exc)}
    plan = outcome.plan
    result = {"changed": bool(plan.affected), "commands": render.as_typed(outcome.lines), **more(outcome)}
    return {**result, "diff": _diff(outcome)} if diff_mode else result


def _diff(outcome: Outcome) -> dict[str, str]:
    return {
        "before_header": "ipvsadm -Sn",
        "after_header": "ipvsadm -Sn",
        **{
            when: "".join(f"{line}\n" for line in render.sorted_lines(outcome.plan.affected, table))
            for when, table in (("before", outcome.before), ("after", outcome.after))
        },
    }


def _failure(host: HostAccess, error: Exception) -> dict[str, Any]:
    """Give the result of a failure for the reason of this exception."""
    if isinstance(error, Mistakes):
        message = f"Nothing was changed: {error}"
        return {"msg": message, "changed": False, "commands": [], "errors": error.mistakes}
    if isinstance(error, NotReached):
        message = f"ipvsadm did not complain, but the kernel holds something else than it was given: {error}"
        changed = bool(error.applied)
        return {"msg": message, "changed": changed, "commands": error.applied, "errors": error.differences}
    if isinstance(error, Incomplete):
        return _incomplete(error)
    if isinstance(error, CommandError):
        from ansible_collections.lautan.lvs.plugins.module_utils._ipvs.explain import explain

        return {"msg": explain(error, host.release), "changed": False, "commands": [], **_details(error)}
    return {"msg": f"Nothing was changed: {error}", "changed": False, "commands": []}


def _incomplete(error: Incomplete) -> dict[str, Any]:
    details = _details(error.cause) if isinstance(error.cause, CommandError) else {}
    if error.applied is None:
        did = "ipvsadm failed" if details else "ipvsadm changed the table"
        message = f"{did}, and the table could not be read again, so it is not known what it did: {error}"
        return {"msg": message, "changed": True, "commands": [], **details}
    message = (
        f"ipvsadm failed with {len(error.applied)} of {len(error.applied) + len(error.not_applied)} commands applied: "
        f"{error}. Not applied: {'; '.join(error.not_applied[:10])}"
    )
    more = {"applied": error.applied, "not_applied": error.not_applied}
    return {"msg": message, "changed": bool(error.applied), "commands": error.applied, **more, **details}


def _details(error: CommandError) -> dict[str, Any]:
    return {"cmd": error.argv, "rc": error.rc, "stdout": error.stdout, "stderr": error.stderr}
