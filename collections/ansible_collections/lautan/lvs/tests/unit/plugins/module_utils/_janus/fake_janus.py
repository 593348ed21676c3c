# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Janus in memory that answers as 1.1.2 does, and a file in memory."""

from __future__ import annotations

from typing import Any

from ansible_collections.lautan.lvs.plugins.module_utils._janus import jcfg
from ansible_collections.lautan.lvs.plugins.module_utils._janus.api import NotRunning

ADMIN_SECRET = "admin-secret"
ADMIN_KEY = "the-admin-key"
UNKNOWN = {"error_code": 426, "error": "No such room"}
WRONG = {"error_code": 433, "error": "Unauthorized (wrong secret)"}


class FakeJanus:
    """One that asks for everything that the real one asks for."""

    def __init__(self, running: bool = True, admin_key: str | None = ADMIN_KEY) -> None:
        self.running = running
        self.admin_key = admin_key
        self.rooms: dict[Any, dict[str, Any]] = {}
        self.people: dict[Any, list[dict[str, Any]]] = {}
        # Changes in the order in which they came
        self.changes: list[tuple[str, Any]] = []

    def start(self, text: str) -> None:
        """Start it with a file."""
        document = jcfg.parse(text)
        self.running, self.admin_key = True, document.general["admin_key"]
        self.rooms = {name: dict(room) for name, room in document.rooms.items()}

    def ask(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        if not self.running:
            raise NotRunning
        if request["janus"] == "info":
            return {"server-name": "rs1", "version_string": "1.1.2", "accepting-new-sessions": True}
        if request["admin_secret"] != ADMIN_SECRET:
            return {"janus": "error", "error": {"code": 403, "reason": "Unauthorized request"}}
        if request["janus"] == "list_sessions":
            return {"sessions": [2, 1]}
        assert (request["janus"], request["plugin"]) == ("message_plugin", "janus.plugin.videoroom")
        asked = dict(request["request"])
        return {"janus": "success", "response": getattr(self, "_" + asked.pop("request"))(**asked)}

    def _list(self, admin_key: str | None = None) -> dict[str, Any]:
        if admin_key is not None and self.admin_key is not None and admin_key != self.admin_key:
            return {"error_code": 433, "error": "Unauthorized (wrong admin_key)"}
        return {"list": [self._told(name) for name in self.rooms]}

    def _told(self, name: Any) -> dict[str, Any]:
        room = self.rooms[name]
        hidden = ("secret", "pin", "signed_tokens", "publishers")
        return {
            **{key: value for key, value in room.items() if key not in hidden},
            "room": name,
            "max_publishers": room["publishers"],
            "pin_required": "pin" in room,
            "num_participants": len(self.people.get(name, [])),
        }

    def _listparticipants(self, room: Any) -> dict[str, Any]:
        return {"participants": self.people.get(room, [])} if room in self.rooms else UNKNOWN

    def _create(self, room: Any, admin_key: str, permanent: bool, **settings: Any) -> dict[str, Any]:
        assert self.admin_key in (None, admin_key)
        assert not permanent
        assert room not in self.rooms
        self.rooms[room] = settings
        self.changes.append(("create", room))
        return {}

    def _edit(self, room: Any, permanent: bool, secret: str | None = None, **changes: Any) -> dict[str, Any]:
        assert not permanent
        if self.rooms[room].get("secret") not in (None, secret):
            return WRONG
        # What is empty is passed over by the real one.
        self.rooms[room].update({key[len("new_") :]: value for key, value in changes.items() if value != ""})
        self.changes.append(("edit", room))
        return {}

    def _destroy(self, room: Any, permanent: bool, secret: str | None = None) -> dict[str, Any]:
        assert not permanent
        if self.rooms[room].get("secret") not in (None, secret):
            return WRONG
        del self.rooms[room]
        self.people.pop(room, None)
        self.changes.append(("destroy", room))
        return {}


class FakeFile:
    """Where the file is."""

    def __init__(self, text: str | None = None, protected: bool = True) -> None:
        self.text = text
        self.protected = protected
        self.writes = 0

    def read(self) -> str | None:
        return self.text

    def is_protected(self) -> bool:
        return self.text is not None and self.protected

    def write(self, text: str) -> None:
        self.text, self.protected = text, True
        self.writes += 1
