# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against a service on this machine: it really asks."""

from __future__ import annotations

import contextlib
import json
import socketserver
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lautan.lvs.plugins.modules import benchmark_load


class Service(BaseHTTPRequestHandler):
    """Answers as real servers do."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece

    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(0.5)
        body = b"x" * (300000 if self.path == "/large" else 100)
        self.send_response(200 if self.path != "/none" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Real-Server", "rs1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


class Janus(socketserver.StreamRequestHandler):
    """Answers a ping, and asks for one now and then."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: janus-protocol\r\n\r\n")
        while True:
            head = self.rfile.read(6)
            if len(head) < 6:
                return
            kind, size = head[0] & 15, head[1] & 127
            assert head[1] & 128  # clients mask
            payload = self.rfile.read(size)
            if kind == 10:
                assert payload == b"there?"
                continue
            assert json.loads(payload)["janus"] == "ping"
            answer = b'{"janus":"pong","transaction":"lautan"}'
            self.wfile.write(b"\x89\x06there?" + struct.pack(">BB", 129, len(answer)) + answer)


@pytest.fixture
def service():
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def load(capsys, *runs: dict, **options) -> dict:
    common = {"generator": "open", "address": "127.0.0.1", "host": "x", "seconds": 0.5, "warmup": 0.2, "name": "one"}
    with contextlib.suppress(SystemExit), patch_module_args(
        {"runs": [common | run for run in runs], "pause": 0} | options
    ):
        benchmark_load.main()
    return json.loads(capsys.readouterr().out)


def test_an_open_loop(capsys, service) -> None:
    result = load(
        capsys,
        {"port": service, "rate": 100},
        {"port": service, "rate": 50, "fresh": True},
        {"port": service, "rate": 10, "path": "/large"},
    )
    kept, fresh, large = result["runs"]
    assert (kept["answered"], kept["failed"], kept["by_server"]) == (50, 0, {"rs1": 50})
    assert kept["sent"] > 40
    assert (fresh["answered"], fresh["failed"]) == (25, 0)
    assert (large["answered"], large["failed"]) == (5, 0)
    assert large["bytes"] > 5 * 300000
    assert 0 < kept["latency"]["p50"] <= kept["latency"]["p99"] <= kept["latency"]["max"]
    documented = yaml.safe_load(benchmark_load.RETURN)["runs"]["contains"]
    assert all(set(each) == set(documented) for each in result["runs"])


def test_who_has_to_wait_for_a_connection_has_waited(capsys, service) -> None:
    slow = load(capsys, {"port": service, "rate": 10, "path": "/slow", "connections": 1, "timeout": 30})["runs"][0]
    assert slow["answered"] == 5
    assert slow["latency"]["max"] > 1.5


def test_what_fails_is_told(capsys, service) -> None:
    result = load(
        capsys,
        {"port": service, "rate": 20, "path": "/none"},
        {"port": 9, "rate": 20},
        {"port": service, "rate": 20, "path": "/slow", "timeout": 0.2},
    )
    none, nobody, late = result["runs"]
    assert none["failed"] == 10
    assert none["error"] == "nothing was answered: 10 were answered 404, and not 200"
    assert nobody["error"] == "nothing was answered: 10 were refused"
    assert late["troubles"] == "10 got no answer in time"


def test_signalling(capsys) -> None:
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Janus) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run = {"generator": "signalling", "port": server.server_address[1], "rate": 40, "path": "/ws"}
        told = load(capsys, run)["runs"][0]
        server.shutdown()
    assert (told["answered"], told["failed"], told["error"]) == (20, 0, "")


def test_wrk_that_is_not_there(capsys, tmp_path) -> None:
    told = load(
        capsys,
        {"generator": "wrk", "port": 1, "seconds": 1, "warmup": 0, "rate": None},
        launcher=str(tmp_path / "none"),
    )
    assert "was not found" in told["runs"][0]["error"]


def test_mistakes(capsys) -> None:
    told = load(capsys, {"port": 0, "rate": 0})
    assert told["failed"] is True
    assert told["errors"] == [
        "runs[0].port=0: must be 1 to 65535",
        "runs[0].rate=0: must be more than 0, as open asks at a rate",
    ]
