# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The held connection, to a server on this machine which ends connections in one way or the other."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._probe import load

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Real-Server: rs1\r\n\r\nok"


def hold(
    monkeypatch: pytest.MonkeyPatch, says: list[bytes], ends_when_asked: bool = False, resets: bool = False
) -> Any:
    """What becomes of a held connection, to a server that says this to one request after the other of a connection.

    :param ends_when_asked: it ends a connection when it gets one more request, and not as soon as it has said all.
    :param resets: as one does that knows nothing of the connection.
    """
    held: dict[str, Any] = {"answers": [], "error": None, "server": None, "ended": 0}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for what in says:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(what)
        if ends_when_asked:
            await reader.readuntil(b"\r\n\r\n")
        if resets:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()

    async def whole() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setattr(load, "connect", lambda config, tls: asyncio.open_connection("127.0.0.1", port))
        config = {"host": "conference.example.org", "path": "/"}
        async with server:
            await load.held_connection(config, None, lambda: len(held["answers"]) == 4, held)

    asyncio.run(whole())
    return held


@pytest.mark.parametrize("ends_when_asked", [False, True])
def test_ended_in_good_order(monkeypatch: pytest.MonkeyPatch, ends_when_asked: bool) -> None:
    """Between two requests, or when one was under way, of which the server has not said anything."""
    held = hold(monkeypatch, [ANSWER, ANSWER], ends_when_asked)
    assert (held["error"], held["ended"], len(held["answers"])) == (None, 1, 4)


@pytest.mark.parametrize(
    ("says", "resets", "error"),
    [
        ([ANSWER, ANSWER[:20]], False, "IncompleteReadError"),
        ([ANSWER, ANSWER[:-2]], False, "IncompleteReadError"),
        ([ANSWER, ANSWER[:-1]], False, "IncompleteReadError"),
        ([ANSWER], True, "ConnectionResetError"),
        ([], False, "IncompleteReadError"),
        ([ANSWER, ANSWER.replace(b"200 OK", b"503 No")], False, "ValueError"),
    ],
    ids=["head", "before the body", "body", "reset", "never answers", "error"],
)
def test_lost(monkeypatch: pytest.MonkeyPatch, says: list[bytes], resets: bool, error: str) -> None:
    held = hold(monkeypatch, says, ends_when_asked=resets, resets=resets)
    assert held["error"].startswith(error)
    assert len(held["answers"]) == max(0, len(says) - 1 + resets)
