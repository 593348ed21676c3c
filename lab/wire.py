# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad cable: delay, loss and a rate limit on one node's link, both ways.

netem(8) would be the tool for this, but it is a module that small kernels are built without. So the node's port is
taken off the switch, and a process carries its frames between it and a new port: late, slowly, or not at all.
It holds for laboratory rates (some hundred Mbit/s), not for benchmarks of throughput.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import signal
import socket
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from . import network
from .process import LabError, run, spawn, wait_until
from .topology import ROOT, RUN, Node

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
_SOL_PACKET, _PACKET_VNET_HDR, _PACKET_IGNORE_OUTGOING = 263, 15, 23
_ETH_P_ALL = 0x0003
# One frame of the largest segment that offloading makes, and the virtio_net_hdr before it that tells of its checksum.
_FRAME = 65536 + 64
# What a switch would buffer in front of a slow link; more than that is dropped.
_QUEUE_SECONDS = 0.5


def _pid_file(node: Node) -> Path:
    return RUN / f"{node.name}.wire"


def is_bad(node: Node) -> bool:
    """Tell whether the node has a bad cable now."""
    return _pid(node) is not None


def _pid(node: Node) -> int | None:
    try:
        pid = int(_pid_file(node).read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if b"lab.wire" in command else None


def make_bad(node: Node, delay: float, loss: float, rate: float) -> None:
    """Exchange the node's cable for a bad one.

    :param delay: milliseconds, each way.
    :param loss: per cent of the frames, each way.
    :param rate: Mbit/s each way; 0 is no limit.
    :raises LabError: when the node is off.
    """
    if delay < 0 or not 0 <= loss <= 100 or rate < 0:
        raise LabError(f"delay {delay} ms, loss {loss} %, rate {rate} Mbit/s: not a link")
    make_good(node)
    argv = [sys.executable, "-m", "lab.wire", node.name, node.network.name, str(delay), str(loss), str(rate)]
    pid = spawn(network.inside(argv), RUN / f"{node.name}.wire.log", ROOT)
    _pid_file(node).write_text(f"{pid}\n")
    wait_until(lambda: network.port_exists(_switch_side(node.name)), f"the bad cable of {node.name}", timeout=10)


def make_good(node: Node) -> None:
    """Give the node its good cable back, if it has a bad one."""
    pid = _pid(node)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: _pid(node) is None, f"the bad cable of {node.name} to go", timeout=10, interval=0.01)
        network.attach_port(node)
    _pid_file(node).unlink(missing_ok=True)


def _switch_side(port: str) -> str:
    return f"{port}.w"


class _Direction:
    """Frames on their way in one direction."""

    def __init__(self, source: int, sink: int, delay: float, loss: float, rate: float) -> None:
        self.source, self.sink = source, sink
        self._delay, self._loss, self._rate = delay / 1e3, loss / 100, rate * 1e6 / 8
        self._queue: deque[tuple[float, bytes]] = deque()
        self._line_free = 0.0

    def take(self, now: float) -> None:
        """Read every waiting frame and decide when, and whether, it arrives."""
        while True:
            try:
                frame = os.read(self.source, _FRAME)
            except (BlockingIOError, OSError):
                return
            if random.random() < self._loss:
                continue
            start = now
            if self._rate:
                start = max(now, self._line_free)
                if start - now > _QUEUE_SECONDS:
                    continue
                start += len(frame) / self._rate
                self._line_free = start
            self._queue.append((start + self._delay, frame))

    def deliver(self, now: float) -> float | None:
        """Write every frame that is due; return when the next one is."""
        while self._queue and self._queue[0][0] <= now:
            frame = self._queue.popleft()[1]
            with suppress(OSError):  # the port is down: a frame into a cut cable is lost
                os.write(self.sink, frame)
        return self._queue[0][0] if self._queue else None


def _carry(port: str, bridge: str, delay: float, loss: float, rate: float) -> None:
    """Be the bad cable between ``port`` and ``bridge`` until the process is ended."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(
        tap, _TUNSETIFF, struct.pack("16sH22x", _switch_side(port).encode(), _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR)
    )
    run(["ip", "link", "set", port, "nomaster"])
    run(["ip", "link", "set", _switch_side(port), "master", bridge, "up"])
    node = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    node.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    node.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    node.bind((port, _ETH_P_ALL))
    node.setblocking(False)
    run(["ip", "link", "set", port, "promisc", "on"])
    directions = (
        _Direction(node.fileno(), tap, delay, loss, rate),
        _Direction(tap, node.fileno(), delay, loss, rate),
    )
    poll = select.poll()
    for direction in directions:
        poll.register(direction.source, select.POLLIN)
    while True:
        now = time.monotonic()
        due = [moment for direction in directions if (moment := direction.deliver(now)) is not None]
        poll.poll(max(0.0, min(due) - time.monotonic()) * 1e3 if due else None)
        now = time.monotonic()
        for direction in directions:
            direction.take(now)


if __name__ == "__main__":
    _carry(sys.argv[1], sys.argv[2], *(float(word) for word in sys.argv[3:6]))
