# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection: it may change in any release.
# Do not use it from other collections or from stand-alone plugins.

"""An open loop: each request is sent at its time, whether earlier ones were answered or not.

None of Debian's generators does it for what is measured here. h2load has rates (``--rps``), but looks at the clock only
every 10 ms and sends the requests of all its connections at once then; and with a connection for each request it keeps
no rate at all. One thread and one selector: as many requests as one processor can do, which the caller sees from how
many were sent.
"""

from __future__ import annotations

import base64
import gc
import os
import selectors
import socket
import ssl
import struct
import time
from collections import deque
from typing import Callable, Sequence

from ansible_collections.lautan.lvs.plugins.module_utils._benchmark.count import Request
from ansible_collections.lautan.lvs.plugins.module_utils._benchmark.model import SIGNALLING, Run

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_CHUNK = 262144
# Janus answers it before it asks for a token, and no room knows of it.
_PING = b'{"janus":"ping","transaction":"lautan"}'
_PONG = b'"pong"'
_TEXT, _CLOSE, _WS_PING, _WS_PONG = 1, 8, 9, 10


class Broken(Exception):  # noqa: N818  # the service's doing
    """The request failed, or the connection did."""


def send_all(run: Run, due: Sequence[float]) -> tuple[float, float, list[Request]]:
    """Send requests at these times.

    :param due: seconds after the beginning, in order.
    :return: when it began, in seconds since 1970; which share of a processor it took, and what came of each request.
    """
    requests = [Request(each) for each in due]
    collects = gc.isenabled()
    gc.disable()  # it would stop everything for some milliseconds
    try:
        load = _Load(run)
        began, used = time.time(), time.thread_time()
        load.run(requests)
        share = (time.thread_time() - used) / load.now()
    finally:
        if collects:
            gc.enable()
    return began, share, requests


class _Load:
    """The connections there are, and what waits for one."""

    def __init__(self, run: Run) -> None:
        self.config = run
        self.selector = selectors.DefaultSelector()
        self.idle: list[_Connection] = []
        self.all: set[_Connection] = set()
        self.waiting: deque[Request] = deque()
        self.zero = time.monotonic()
        self.tls = None
        if run.tls:
            self.tls = ssl.create_default_context()
            # It measures, and believes nothing that it is told.
            self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE
        words = [f"GET {run.path} HTTP/1.1", f"Host: {run.host}"]
        if run.generator == SIGNALLING:
            key = base64.b64encode(os.urandom(16)).decode()
            words += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
            words += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Protocol: janus-protocol"]
        elif run.fresh:
            words.append("Connection: close")
        self.head = ("\r\n".join(words) + "\r\n\r\n").encode()

    def now(self) -> float:
        return time.monotonic() - self.zero

    def run(self, requests: Sequence[Request]) -> None:
        position, look = 0, 0.0
        while position < len(requests) or self.waiting or len(self.all) > len(self.idle):
            now = self.now()
            while position < len(requests) and requests[position].due <= now:
                requests[position].begun = now
                self._begin(requests[position])
                position += 1
            if now >= look:
                self._give_up(now)
                look = now + 0.1
            pause = look - now
            if position < len(requests):
                pause = min(pause, requests[position].due - self.now())
            for key, _events in self.selector.select(max(0.0, pause)):
                key.data.advance()
        for connection in list(self.all):
            connection.close()
        self.selector.close()

    def _begin(self, request: Request) -> None:
        if self.idle:
            self.idle.pop().ask(request)
        elif len(self.all) < self.config.connections:
            connection = _Connection(self)
            self.all.add(connection)
            connection.begin(request)
        else:
            self.waiting.append(request)

    def free(self, connection: _Connection) -> None:
        """A connection has been answered."""
        if self.config.fresh:
            connection.close()
            self.more()
        elif self.waiting:
            connection.ask(self.waiting.popleft())
        else:
            self.idle.append(connection)

    def more(self) -> None:
        """There is room for another connection."""
        if self.waiting:
            self._begin(self.waiting.popleft())

    def _give_up(self, now: float) -> None:
        limit = now - self.config.timeout
        while self.waiting and self.waiting[0].due < limit:
            self.waiting.popleft().error = "got no answer in time"
        for connection in [each for each in self.all if each.request and each.request.due < limit]:
            connection.fail("got no answer in time")


class _Connection:
    """One connection, which goes on as far as it can whenever something has come."""

    def __init__(self, load: _Load) -> None:
        self.load = load
        self.request: Request | None = None
        self.step: Callable[[], bool] = self._connect
        self.buffer = b""
        self.left: int | None = None  # of the answer's body; None: its head has not come yet
        self.socket: socket.socket | None = None
        self.events = 0

    def begin(self, request: Request) -> None:
        self.request = request
        run = self.load.config
        try:
            family = socket.AF_INET6 if ":" in run.address else socket.AF_INET
            self.socket = socket.socket(family, socket.SOCK_STREAM)
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.connect_ex((run.address, run.port))
            self._watch(_WRITE)
        except OSError as error:
            self.fail(_words(error))

    def ask(self, request: Request) -> None:
        self.request = request
        self.buffer, self.left = b"", None
        self.step = self._read_frame if self.load.config.generator == SIGNALLING else self._read_answer
        try:
            self._send(_frame(_TEXT, _PING) if self.load.config.generator == SIGNALLING else self.load.head)
        except (OSError, Broken) as error:
            self.fail(_words(error))

    def advance(self) -> None:
        """Go on until something has to be waited for."""
        try:
            while self.step():
                pass
        except ssl.SSLWantWriteError:
            self._watch(_WRITE)
        except (BlockingIOError, ssl.SSLWantReadError):
            self._watch(_READ)
        except (OSError, ValueError, Broken) as error:
            self.fail(_words(error))

    def fail(self, why: str) -> None:
        if self.request is not None:
            self.request.error = why
            self.request = None
        self.close()
        self.load.more()

    def close(self) -> None:
        self.load.all.discard(self)
        if self in self.load.idle:
            self.load.idle.remove(self)
        if self.socket is not None:
            if self.events:
                self.load.selector.unregister(self.socket)
                self.events = 0
            self.socket.close()
            self.socket = None
        self.step = lambda: False

    # --- Steps: each tells whether there may be more to do at once ---

    def _connect(self) -> bool:
        if error := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        self._watch(_READ)
        if self.load.tls is None:
            return self._established()
        self.load.selector.unregister(self.socket)
        self.events = 0
        self.socket = self.load.tls.wrap_socket(
            self.socket, server_hostname=self.load.config.host, do_handshake_on_connect=False
        )
        self._watch(_READ)
        self.step = self._shake_hands
        return True

    def _shake_hands(self) -> bool:
        self.socket.do_handshake()
        self._watch(_READ)
        return self._established()

    def _established(self) -> bool:
        if self.load.config.generator == SIGNALLING:
            self._send(self.load.head)
            self.step = self._upgrade
            return False
        self.ask(self.request)
        return False

    def _upgrade(self) -> bool:
        self.buffer += self._receive()
        if b"\r\n\r\n" not in self.buffer:
            return True
        if not self.buffer.startswith(b"HTTP/1.1 101 "):
            raise Broken(f"were answered {self.buffer[9:12].decode(errors='replace')}, and not 101")
        self.ask(self.request)
        return False

    def _read_answer(self) -> bool:
        data = self._receive()
        request = self.request
        if request is None:
            raise Broken("were answered unasked")
        request.size += len(data)
        if self.left is None:
            self.buffer += data
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return True
            head = self.buffer[: end + 2].lower()
            if head[9:12] != b"200":
                raise Broken(f"were answered {head[9:12].decode(errors='replace')}, and not 200")
            request.server = _header(head, b"x-real-server")
            self.left = int(_header(head, b"content-length")) - (len(self.buffer) - end - 4)
        else:
            self.left -= len(data)
        if self.left > 0:
            # Without TLS, an event comes for what is left to be read.
            return self.load.tls is not None
        self._done()
        return False

    def _read_frame(self) -> bool:
        self.buffer += self._receive()
        while len(self.buffer) >= 2:
            kind, size, begin = self.buffer[0] & 15, self.buffer[1] & 127, 2
            if size == 126:
                if len(self.buffer) < 4:
                    return True
                size, begin = struct.unpack(">H", self.buffer[2:4])[0], 4
            elif size == 127:
                raise Broken("were answered with too much")
            if len(self.buffer) < begin + size:
                return True
            payload, self.buffer = self.buffer[begin : begin + size], self.buffer[begin + size :]
            if kind == _WS_PING:
                self._send(_frame(_WS_PONG, payload))
            elif kind == _CLOSE:
                raise Broken("lost their connection")
            elif kind == _TEXT and self.request is not None:
                if _PONG not in payload:
                    raise Broken("were answered something else")
                self.request.size += begin + size
                self._done()
        return self.load.tls is not None

    def _done(self) -> None:
        self.request.done = self.load.now()
        self.request = None
        self.load.free(self)

    # --- The socket ---

    def _receive(self) -> bytes:
        data = self.socket.recv(_CHUNK)
        if not data:
            raise Broken("lost their connection")
        return data

    def _send(self, data: bytes) -> None:
        """A request is so small that there is always room for it."""
        if self.socket.send(data) != len(data):
            raise Broken("could not be sent")

    def _watch(self, events: int) -> None:
        if self.events == events:
            return
        if self.events:
            self.load.selector.modify(self.socket, events, self)
        else:
            self.load.selector.register(self.socket, events, self)
        self.events = events


def _header(head: bytes, name: bytes) -> str:
    """The value of a header in lower-case text; nothing if it is not there."""
    begin = head.find(b"\r\n" + name + b": ")
    if begin < 0:
        return ""
    begin += len(name) + 4
    return head[begin : head.index(b"\r\n", begin)].decode(errors="replace")


def _frame(kind: int, payload: bytes) -> bytes:
    """A WebSocket frame of a client: masked, with zeros, which leave it as it is."""
    return struct.pack(">BB4x", 128 | kind, 128 | len(payload)) + payload


def _words(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "were refused"
    if isinstance(error, (ConnectionResetError, BrokenPipeError, ssl.SSLError)):
        return f"lost their connection ({type(error).__name__})"
    return str(error) if isinstance(error, Broken) else f"failed ({error})"
