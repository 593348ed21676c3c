# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fake camera of a browser shows: somebody in front of a coloured wall, who sways; as a Y4M film."""

from __future__ import annotations

import math

FRAMES_PER_SECOND = 15
_WALLS = ((90, 160, 90), (100, 95, 160), (120, 100, 110), (85, 120, 150))  # Y, U, V
_BODY, _SKIN = (60, 140, 120), (180, 105, 150)


def film(wall: int, width: int = 320, height: int = 180, frames: int = 2 * FRAMES_PER_SECOND) -> bytes:
    """A film that can be repeated for ever.

    :param wall: which of the colours; there are four.
    """
    head = f"YUV4MPEG2 W{width} H{height} F{FRAMES_PER_SECOND}:1 Ip A1:1 C420mpeg2\n".encode()
    pictures = []
    for number in range(frames):
        sway = round(width / 16 * math.sin(2 * math.pi * number / frames))
        pictures.append(b"FRAME\n")
        for plane in range(3):
            scale = 2 if plane else 1
            shade = tuple(colour[plane] for colour in (_WALLS[wall % len(_WALLS)], _BODY, _SKIN))
            pictures.append(_plane(width // scale, height // scale, sway // scale, *shade))
    return head + b"".join(pictures)


def _plane(width: int, height: int, sway: int, wall: int, body: int, skin: int) -> bytes:
    rows = []
    for y in range(height):
        row = bytearray([wall]) * width
        for middle, across, down, shade in ((1.08, 0.62, 0.5, body), (0.42, 0.19, 0.25, skin)):  # in heights
            inside = 1 - ((y / height - middle) / down) ** 2
            if inside > 0:
                half = round(across * height * math.sqrt(inside))
                centre = width // 2 + sway
                left, right = max(0, centre - half), min(width, centre + half)
                row[left:right] = bytes([shade]) * (right - left)
        rows.append(bytes(row))
    return b"".join(rows)
