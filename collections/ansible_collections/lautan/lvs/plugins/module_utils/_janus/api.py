# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Janus' admin API. Asking is injected, so nothing here opens a connection."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._janus.model import PLUGIN, Refused, Unusable

# ask(path, request) -> answer. It raises NotRunning where nobody listens.
Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


class NotRunning(Exception):  # noqa: N818  # Janus
    """Nobody listens where Janus is to answer."""


class Api:
    """What is asked of a Janus."""

    def __init__(self, ask: Ask, admin_secret: str, admin_key: str | None = None) -> None:
        self._ask = ask
        self._secret = admin_secret
        self._key = admin_key

    def core(self, verb: str, path: str = "", **more: Any) -> Mapping[str, Any]:
        """Ask Janus itself."""
        body = {"janus": verb, "transaction": "lautan.lvs", "admin_secret": self._secret, **more}
        answer = self._ask(path, body)
        if answer.get("janus") == "error":
            error = answer.get("error", {})
            raise Refused(verb, error.get("code", 0), error.get("reason", "no reason given"))
        return answer

    def room(self, verb: str, **more: Any) -> Mapping[str, Any]:
        """Ask the plugin."""
        answer = self.core("message_plugin", plugin=PLUGIN, request={"request": verb, **more}).get("response", {})
        if "error" in answer:
            raise Refused(verb, answer.get("error_code", 0), answer["error"])
        return answer

    def rooms(self) -> dict[Any, Mapping[str, Any]]:
        """Give the rooms by name; one that is private is told only to whom has the admin key."""
        key = {"admin_key": self._key} if self._key is not None else {}
        listed = self.room("list", **key).get("list")
        if not isinstance(listed, list):
            raise Unusable("the video room plugin does not list its rooms")
        return {room["room"]: room for room in listed}

    def create(self, name: str, settings: Mapping[str, Any]) -> None:
        self.room("create", room=name, admin_key=self._key, permanent=False, **settings)

    def edit(self, name: str, secret: str | None, changes: Mapping[str, Any]) -> None:
        self.room("edit", room=name, permanent=False, **_secret(secret), **{f"new_{k}": v for k, v in changes.items()})

    def destroy(self, name: str, secret: str | None) -> None:
        self.room("destroy", room=name, permanent=False, **_secret(secret))


def _secret(secret: str | None) -> dict[str, str]:
    return {} if secret is None else {"secret": secret}
