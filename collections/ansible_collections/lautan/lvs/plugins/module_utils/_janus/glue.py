# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Between the modules and the rest: the real host, and exceptions turned into failures of the module."""

from __future__ import annotations

import grp
import json
import os
import tempfile
from typing import TYPE_CHECKING, Any, Mapping
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from ansible_collections.lautan.lvs.plugins.module_utils._failures import Mistakes, NotReached
from ansible_collections.lautan.lvs.plugins.module_utils._janus.api import Api, Ask, NotRunning
from ansible_collections.lautan.lvs.plugins.module_utils._janus.ensure import Outcome, Wanted, ensure
from ansible_collections.lautan.lvs.plugins.module_utils._janus.info import gather
from ansible_collections.lautan.lvs.plugins.module_utils._janus.model import Unusable

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_MODE = 0o640
_WITHIN = 10


def asker(url: str) -> Ask:
    """Give what asks the admin API at this address."""
    # Whatever the environment says: secrets do not go through a proxy.
    opener = build_opener(ProxyHandler({}))

    def ask(path: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        question = Request(url + path, json.dumps(request).encode(), {"Content-Type": "application/json"})
        try:
            with opener.open(question, timeout=_WITHIN) as answer:
                return json.load(answer)
        except (OSError, ValueError) as exc:
            reason = exc.reason if isinstance(exc, URLError) else exc
            if isinstance(reason, ConnectionRefusedError):
                raise NotRunning from exc
            raise Unusable(f"{url} does not answer as Janus does: {reason}") from exc

    return ask


class LocalFile:
    """The file, on the host on which the module runs."""

    def __init__(self, module: AnsibleModule, path: str, gid: int) -> None:
        self._module = module
        self._path = path
        self._gid = gid

    def read(self) -> str | None:
        try:
            with open(self._path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def is_protected(self) -> bool:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return False
        return (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (_MODE, 0, self._gid)

    def write(self, text: str) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self._module.tmpdir)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)
            os.fchown(descriptor, 0, self._gid)
            os.fchmod(descriptor, _MODE)
        # An existing file would pass its own owner and mode on.
        if os.path.exists(self._path):
            os.chown(self._path, 0, self._gid)
            os.chmod(self._path, _MODE)
        self._module.atomic_move(temporary, self._path)


def run_info(module: AnsibleModule) -> None:
    """Do what janus_info was asked for, and end it."""
    try:
        told = gather(Api(asker(module.params["url"]), module.params["admin_secret"]))
    except Unusable as exc:
        module.fail_json(msg=f"Janus does not tell: {exc}")
    else:
        module.exit_json(changed=False, **told)


def run_room(module: AnsibleModule) -> None:
    """Do what janus_room was asked for, and end it."""
    params, outcome = module.params, Outcome()

    def fail(message: str, **details: Any) -> None:
        module.fail_json(msg=message, changed=bool(outcome.commands), commands=outcome.commands, **details)

    try:
        gid = grp.getgrnam(params["group"]).gr_gid
    except KeyError:
        if not module.check_mode:
            fail(f"Nothing was changed: group is {params['group']}, which this host does not have")
        gid = 0
    store = LocalFile(module, params["path"], gid)
    api = Api(asker(params["url"]), params["admin_secret"], params["admin_key"])
    wanted = Wanted(params["rooms"], params["admin_key"], params["purge"], params["force"], params["live"])
    try:
        ensure(api, store, wanted, module.check_mode, outcome)
    except Mistakes as exc:
        fail(f"Nothing was changed: {exc}", errors=exc.mistakes)
    except NotReached as exc:
        fail(f"Everything was done, but the host differs from what was wanted: {exc}", errors=exc.differences)
    except NotRunning:
        fail("Janus ended while its rooms were changed. It has the old ones when it starts; run this again then")
    except Unusable as exc:
        fail(f"Janus did not do what it was asked for: {exc}")
    except OSError as exc:
        fail(f"The file could not be read or written: {exc}")
    else:
        result = {
            "changed": outcome.changed,
            "commands": outcome.commands,
            "live": outcome.live,
            "restart_required": outcome.restart_required,
        }
        if module._diff:
            header = params["path"]
            result["diff"] = {
                "before_header": header,
                "after_header": header,
                "before": outcome.before,
                "after": outcome.after,
            }
        module.exit_json(**result)
