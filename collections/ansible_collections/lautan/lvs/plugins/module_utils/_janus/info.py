# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""Ask a Janus what goes on. Nothing here changes anything."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.lautan.lvs.plugins.module_utils._janus.api import Api, NotRunning
from ansible_collections.lautan.lvs.plugins.module_utils._janus.model import Refused


def gather(api: Api) -> dict[str, Any]:
    """Give what the module returns."""
    try:
        told = api.core("info")
        sessions = api.core("list_sessions")["sessions"]
        rooms = [_room(api, room) for _name, room in sorted(api.rooms().items(), key=lambda item: str(item[0]))]
    except NotRunning:
        return {
            "running": False,
            "name": None,
            "version": None,
            "accepting": None,
            "sessions": [],
            "rooms": [],
            "people": 0,
        }
    return {
        "running": True,
        "name": told.get("server-name"),
        "version": told.get("version_string"),
        "accepting": told.get("accepting-new-sessions"),
        "sessions": sorted(sessions),
        "rooms": rooms,
        "people": sum(len(room["participants"]) for room in rooms),
    }


def _room(api: Api, room: Mapping[str, Any]) -> dict[str, Any]:
    try:
        participants = api.room("listparticipants", room=room["room"])["participants"]
    except Refused:
        # It was removed in the meantime.
        participants = []
    return {
        "name": str(room["room"]),
        "title": room["description"],
        "pin": room["pin_required"],
        "publishers": room["max_publishers"],
        "bitrate": room["bitrate"],
        "participants": [
            {
                "id": str(person["id"]),
                "name": person.get("display"),
                "sending": person["publisher"],
                "speaking": person.get("talking", False),
            }
            for person in participants
        ],
    }
