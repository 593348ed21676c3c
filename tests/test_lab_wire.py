# Copyright (c) 2026, lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lab/wire.py: what a bad cable does with frames in one direction. The clock is handed in, so nothing here waits."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lab import wire

NOW = 1000.0


class Cable:
    """A direction between two pairs of sockets, which keep frames apart as network devices do."""

    def __init__(self, delay: float = 0, loss: float = 0, rate: float = 0) -> None:
        self.sender, source = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sink, self.receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sockets = (self.sender, source, sink, self.receiver)
        for each in self.sockets:
            each.setblocking(False)
        self.direction = wire._Direction(source.fileno(), sink.fileno(), delay, loss, rate)

    def send(self, *frames: bytes, now: float = NOW) -> None:
        for frame in frames:
            self.sender.send(frame)
        self.direction.take(now)

    def arrived(self, now: float) -> list[bytes]:
        """The frames that arrive when the cable is looked after at time ``now``."""
        self.direction.deliver(now)
        frames = []
        while True:
            try:
                frames.append(self.receiver.recv(100_000))
            except BlockingIOError:
                return frames

    def arrivals(self) -> list[tuple[float, bytes]]:
        """All frames, each with the time of its arrival after NOW."""
        found = []
        while (due := self.direction.deliver(0)) is not None:
            found += [(due - NOW, frame) for frame in self.arrived(due)]
        return found


@pytest.fixture
def cables() -> Iterator[list[Cable]]:
    made: list[Cable] = []
    yield made
    for cable in made:
        for each in cable.sockets:
            each.close()


@pytest.fixture
def cable(cables: list[Cable]):
    def make(**faults: float) -> Cable:
        cables.append(Cable(**faults))
        return cables[-1]

    return make


def test_a_good_cable_delivers_at_once(cable) -> None:
    good = cable()
    good.send(b"one", b"two")
    assert good.arrived(NOW) == [b"one", b"two"]
    assert good.direction.deliver(NOW) is None


def test_delay_holds_frames_back(cable) -> None:
    slow = cable(delay=50)
    slow.send(b"one")
    slow.send(b"two", now=NOW + 0.02)
    assert slow.arrived(NOW + 0.049) == []
    assert slow.direction.deliver(NOW + 0.049) == pytest.approx(NOW + 0.05)
    assert slow.arrived(NOW + 0.051) == [b"one"]
    assert slow.direction.deliver(NOW + 0.051) == pytest.approx(NOW + 0.07)
    assert slow.arrived(NOW + 0.071) == [b"two"]


def test_loss_of_all_drops_everything(cable) -> None:
    dead = cable(loss=100)
    for number in range(200):
        dead.send(b"%d" % number)
    assert dead.direction.deliver(NOW + 3600) is None
    assert dead.arrived(NOW + 3600) == []


def test_loss_drops_its_share(cable, monkeypatch: pytest.MonkeyPatch) -> None:
    lots = iter([0.0, 0.299, 0.3, 0.999])
    monkeypatch.setattr(wire.random, "random", lambda: next(lots))
    lossy = cable(loss=30)
    lossy.send(b"a", b"b", b"c", b"d")
    assert lossy.arrived(NOW) == [b"c", b"d"]


def test_rate_spaces_frames(cable) -> None:
    narrow = cable(rate=1)  # 1250 bytes in 10 ms
    frames = [bytes([n]) * 1250 for n in range(4)]
    narrow.send(*frames)
    arrivals = narrow.arrivals()
    assert [frame for _moment, frame in arrivals] == frames
    assert [moment for moment, _frame in arrivals] == pytest.approx([0.01, 0.02, 0.03, 0.04])


def test_a_line_that_has_been_idle_owes_nothing(cable) -> None:
    narrow = cable(rate=1)
    narrow.send(b"x" * 1250)
    narrow.send(b"y" * 1250, now=NOW + 5)
    assert [moment for moment, _frame in narrow.arrivals()] == pytest.approx([0.01, 5.01])


def test_what_a_switch_would_not_buffer_is_dropped(cable) -> None:
    narrow = cable(rate=1)
    for _number in range(100):  # a second's worth, at once
        narrow.send(b"x" * 1250)
    moments = [moment for moment, _frame in narrow.arrivals()]
    assert 50 <= len(moments) <= 52
    assert moments[-1] == pytest.approx(0.51, abs=0.011)


def test_order_is_kept(cable) -> None:
    bad = cable(delay=30, rate=10)
    frames = [b"%03d" % number * (1 + number % 7 * 50) for number in range(60)]  # large ones and small ones
    for number, frame in enumerate(frames):
        bad.send(frame, now=NOW + number / 1000)
    arrivals = bad.arrivals()
    assert [frame for _moment, frame in arrivals] == frames
    assert [moment for moment, _frame in arrivals] == sorted(moment for moment, _frame in arrivals)


def test_the_largest_frame_is_not_cut(cable) -> None:
    good = cable()
    frame = bytes(range(256)) * 256 + b"header"
    good.send(frame)
    assert good.arrived(NOW) == [frame]


def test_a_frame_into_a_cut_cable_is_lost(cable) -> None:
    cut = cable()
    cut.receiver.close()
    cut.send(b"one")
    assert cut.direction.deliver(NOW) is None
