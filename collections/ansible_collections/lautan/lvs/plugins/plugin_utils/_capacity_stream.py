# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""What one person sends, on the wire: picture and sound. Pure. docs/capacity.md has the formulas.

Not modelled, since the conference has neither: simulcast, and pictures that are sent to some only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Opus as browsers use it: 20 ms in each packet (RFC 7587), 32 kbit/s for one channel.
AUDIO_KBIT: Final = 32
AUDIO_PACKETS: Final = 50
# Bytes of a picture in a packet. WebRTC sends 1,200 at most, and the last packet of each picture is not full.
PAYLOAD: Final = 1000
# Bytes beside: RTP 12, its extensions 12, the tag of SRTP 10, UDP 8, IPv4 20 (IPv6: 20 more). As the wire is what
# fills, also Ethernet's header 14, check sum 4, preamble 8 and gap 12.
OVERHEAD: Final = 100
_ETHERNET: Final = 38
# What receivers report to senders (RTCP), as a share of what they receive: measured, docs/figures.md, "Who carries a
# conference". These packets are a fifth as large as those of media.
FEEDBACK: Final = 0.02
FEEDBACK_PACKETS: Final = 5 * FEEDBACK
# With TURN over TCP, who receives confirms every second packet: TCP 32, IPv4 20, Ethernet 38 bytes.
ACK: Final = 90
ACKS: Final = 0.5


@dataclass(frozen=True)
class Stream:
    """What one person sends: kbit and packets in a second."""

    kbit: float
    packets: float


def stream(video: float) -> Stream:
    """Of a picture of so many kbit/s."""
    packets = video * 1000 / 8 / PAYLOAD + AUDIO_PACKETS
    return Stream(video + AUDIO_KBIT + packets * OVERHEAD * 8 / 1000, packets)


def packets_of(kbit: float) -> float:
    """How many packets a second make a stream of so many kbit/s, which were counted as IP packets."""
    overhead = (OVERHEAD - _ETHERNET) * 8 / 1000
    video = (kbit - AUDIO_KBIT - AUDIO_PACKETS * overhead) / (1 + overhead * 1000 / 8 / PAYLOAD)
    return stream(max(0.0, video)).packets
