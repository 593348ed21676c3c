# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What rooms are, and which of their properties can be changed while people are in them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Mapping, Union

Value = Union[str, int, bool]
# The settings of a room by the names that janus.plugin.videoroom.jcfg has for them
Settings = Mapping[str, Value]

PLUGIN = "janus.plugin.videoroom"
PREFIX = "room-"

# What every room of a conference is like.
COMMON: dict[str, Value] = {
    # A token of this room has to be shown, signed with the secret of Janus.
    "signed_tokens": True,
    "require_pvtid": False,
    # A key frame every ten seconds at the latest: what was lost does not stay on the screen.
    "fir_freq": 10,
    "audiocodec": "opus",
    "videocodec": "vp8",
    # The page shows who is there before they send anything, and who speaks.
    "notify_joining": True,
    "audiolevel_ext": True,
    "audiolevel_event": True,
    "audio_active_packets": 25,
    "audio_level_average": 50,
    # Nobody sends more than the room's bitrate, whatever his page asks for.
    "bitrate_cap": True,
    # Whoever publishes could have himself recorded, into any file.
    "lock_record": True,
}
# What Janus can change in a room that is there ("edit"). Everything else needs a new room of the same name.
LIVE = ("description", "secret", "pin", "bitrate", "publishers", "fir_freq", "require_pvtid", "lock_record")
# What Janus does not tell of a room, or not the value of.
SECRET = ("secret", "pin")
# What Janus tells by another name.
TOLD_AS = {"publishers": "max_publishers"}
# What Janus never tells.
UNTOLD = ("secret", "signed_tokens")


@dataclass(frozen=True)
class Document:
    """janus.plugin.videoroom.jcfg."""

    general: Settings
    rooms: Mapping[str, Settings]


def general(admin_key: str) -> dict[str, Value]:
    """What the plugin itself is told."""
    return {
        "admin_key": admin_key,
        "string_ids": True,
        # Whoever has a moderator's PIN could have Janus send media to any address.
        "lock_rtp_forward": True,
    }


def settings(room: Mapping[str, Any], admin_key: str) -> dict[str, Value]:
    """Give the settings of a room that the module was told of."""
    own: dict[str, Value] = {
        "description": room.get("title") or room["name"],
        "secret": room.get("secret") or nobody(room["name"], admin_key),
        "publishers": room["publishers"],
        "bitrate": room["bitrate"],
    }
    if room.get("pin"):
        own["pin"] = room["pin"]
    return {**own, **COMMON}


def nobody(name: str, admin_key: str) -> str:
    """Give the secret of a room without moderator. Janus would let everybody moderate a room that has none."""
    return hmac.new(admin_key.encode(), f"nobody moderates {name}".encode(), hashlib.sha256).hexdigest()


class Unusable(Exception):  # noqa: N818  # Janus
    """Janus answers, but not what was asked for."""


class Refused(Unusable):
    """Janus gives a reason why it does not do something."""

    def __init__(self, request: str, code: int, reason: str) -> None:
        super().__init__(f"{request}: {reason} (error {code})")
        self.code = code
        self.reason = reason
