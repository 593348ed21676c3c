# Copyright (c) lautan.lvs contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real thing, in a temporary directory: a file is replaced as a whole, or stays as it was."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.lautan.lvs.plugins.module_utils._keepalived import glue
from ansible_collections.lautan.lvs.plugins.module_utils._keepalived.model import File


def wanted(text: str) -> File:
    return File(text, 0o640, os.getuid(), os.getgid())


@pytest.fixture(params=["nameless", "named"])
def path(request, tmp_path, monkeypatch):
    """Of a file that is there, on a file system with and without O_TMPFILE."""
    if request.param == "named":
        real = os.open

        def no_tmpfile(name, flags, *mode, **more):
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "Operation not supported")
            return real(name, flags, *mode, **more)

        monkeypatch.setattr(glue.os, "open", no_tmpfile)
    path = tmp_path / "keepalived.conf"
    path.write_text("old")
    path.chmod(0o600)
    return path


def test_replaced(path):
    inode = path.stat().st_ino
    glue.replace_file(str(path), wanted("näw\udcff"))
    assert path.read_bytes() == "näw".encode() + b"\xff"
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.stat().st_ino != inode
    assert [item.name for item in path.parent.iterdir()] == ["keepalived.conf"]


def test_new(path):
    path.unlink()
    glue.replace_file(str(path), wanted("new"))
    assert path.read_text() == "new"


def test_what_an_interrupted_run_left(path):
    (path.parent / ".keepalived.conf.new").write_text("half")
    glue.replace_file(str(path), wanted("new"))
    assert [item.name for item in path.parent.iterdir()] == ["keepalived.conf"]
    assert path.read_text() == "new"


@pytest.mark.parametrize("call", ["write", "fsync", "rename", "fchown"])
def test_whatever_fails(path, monkeypatch, call):
    def fail(*args, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(glue.os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        glue.replace_file(str(path), wanted("new"))
    assert path.read_text() == "old"
    assert [item.name for item in path.parent.iterdir()] == ["keepalived.conf"]


def test_written_in_pieces(path, monkeypatch):
    real = os.write
    monkeypatch.setattr(glue.os, "write", lambda descriptor, data: real(descriptor, data[:2]))
    glue.replace_file(str(path), wanted("new text"))
    assert path.read_text() == "new text"


def test_link_is_followed(path):
    link = path.parent / "link.conf"
    link.symlink_to(path)
    glue.replace_file(str(link), wanted("new"))
    assert link.is_symlink()
    assert path.read_text() == "new"
