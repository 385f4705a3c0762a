"""Wait for a program to say that it is ready."""

from __future__ import annotations

import os
import select
import subprocess
import time
from typing import Any

from tunnel.errors import LabError


def await_line(process: subprocess.Popen[Any], beginning: str, *, limit_s: float = 30.0) -> str:
    """The line of the program's stderr (a pipe) that begins so; the lines before it are skipped.

    Raises ``LabError`` with all that it said where it ends, or stays silent for ``limit_s``, before that.
    """
    assert process.stderr is not None, "stderr=subprocess.PIPE was expected"
    fd, until, said = process.stderr.fileno(), time.monotonic() + limit_s, b""
    while select.select([fd], [], [], max(0.0, until - time.monotonic()))[0]:
        if not (more := os.read(fd, 4096)):
            break
        said += more
        for line in said.decode(errors="replace").splitlines(keepends=True):
            if line.startswith(beginning) and line.endswith("\n"):
                return line.rstrip()
    words = said.decode(errors="replace").strip()
    raise LabError(f"{process.args!r} did not say {beginning!r}: {words or 'it said nothing'}")
