# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against a service with TLS on this machine: it really asks."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.lautan.lvs.plugins.modules import service_probe

NAME = "conference.example.org"


class Service(BaseHTTPRequestHandler):
    """Answers as real servers do, unless it is told to do otherwise."""

    protocol_version = "HTTP/1.1"
    status = 200

    def do_GET(self) -> None:
        assert self.headers["Host"] == NAME
        self.send_response(type(self).status if self.path == "/lb-ok" else 404)
        self.send_header("Content-Length", "3")
        self.send_header("X-Real-Server", "rs1")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate that signed itself, and its key: PEM text and a file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(timezone.utc)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName(NAME)])
    signed = built.add_extension(names, critical=True).sign(key, hashes.SHA256())
    pem = signed.public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(pem + key.private_bytes(*form))
    return pem.decode(), file


@pytest.fixture
def service(certificate):
    """The port of a service."""
    pem, file = certificate
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"address": "127.0.0.1", "port": server.server_port, "host": NAME, "ca": pem, "interval": 0.02}
    server.shutdown()
    server.server_close()
    Service.status = 200


def run(capsys, **options) -> dict:
    with contextlib.suppress(SystemExit), patch_module_args(options):
        service_probe.main()
    return json.loads(capsys.readouterr().out)


def test_a_service_that_answers(capsys, service):
    begin = time.monotonic()
    result = run(capsys, **service, seconds=1, history=True)
    assert 1 <= time.monotonic() - begin < 5
    assert result["changed"] is False
    noticed = result["noticed"]
    assert 20 < noticed["requests"] <= 51
    assert (noticed["failed"], noticed["held_alive"], noticed["held_server"]) == (0, True, "rs1")
    assert sum(each["answered"]["rs1"] for each in result["seconds"]) == noticed["requests"]
    assert sum(each["answered"] for each in result["history"]["requests"]) == noticed["requests"]
    documented = yaml.safe_load(service_probe.RETURN)
    assert set(noticed) == set(documented["noticed"]["contains"])
    assert set(result) - {"changed", "invocation"} == set(documented) - {"errors"}


def test_a_service_that_fails_for_a_while(capsys, service):
    def fail() -> None:
        Service.status = 503

    timer = threading.Timer(0.5, fail)
    timer.start()
    noticed = run(capsys, **service, seconds=1.2)["noticed"]
    timer.join()
    assert noticed["failed"] > 5
    assert "503" in noticed["error"]
    assert noticed["gap"] > 0.3
    assert noticed["held_alive"] is False


def test_it_ends_when_its_file_is_removed(capsys, service, tmp_path):
    file = tmp_path / "load"

    def end() -> None:
        while not file.exists():
            time.sleep(0.01)
        time.sleep(0.5)
        file.unlink()

    thread = threading.Thread(target=end)
    thread.start()
    begin = time.monotonic()
    assert run(capsys, **service, seconds=30, file=str(file))["noticed"]["requests"] > 5
    thread.join()
    assert time.monotonic() - begin < 10


def test_it_removes_its_file_when_its_time_is_over(capsys, service, tmp_path):
    assert "noticed" in run(capsys, **service, seconds=0.5, file=str(tmp_path / "load"))
    assert list(tmp_path.iterdir()) == []


def test_nobody_answers(capsys, service):
    result = run(capsys, **(service | {"host": "another.example.org"}), seconds=0.3)
    assert result["failed"] is True
    assert "127.0.0.1: the service did not answer: SSLCertVerificationError" in result["msg"]


def test_everything_that_is_wrong_is_told_at_once(capsys, tmp_path):
    wrong = {"address": "vip", "port": 0, "host": "a b", "path": "lb-ok", "interval": 0, "timeout": -1, "seconds": 0}
    result = run(capsys, **wrong, file=str(tmp_path), ca="none")
    assert result["failed"] is True
    assert [error.split("=")[0].split(":")[0] for error in result["errors"]] == [*wrong, "file", "ca"]
    assert f"file='{tmp_path}': is there already" in result["errors"]
    assert "address='vip': must be an IP address" in result["errors"]


def test_a_file_that_cannot_be_made(capsys):
    options = {"address": "127.0.0.1", "host": NAME, "seconds": 1}
    assert run(capsys, **options, file="/nowhere/load")["errors"] == ["file='/nowhere/load': cannot be made there"]
