"""Becoming a program in a node."""

from __future__ import annotations

import errno
import os
from typing import NoReturn

from tunnel.errors import LabError
from tunnel.lab import attached
from tunnel.lab.netns import CANNOT_EXECUTE
from tunnel.lab.programs import installation


def enter(lab_name: str | None, node: str, program: list[str]) -> NoReturn:
    """Executes a program in a node of a lab that is up, in the place of this process."""
    with attached(lab_name) as lab:
        env = {**os.environ, **installation(), "TUNNEL_LAB": str(lab.name), "TUNNEL_NODE": node}
        try:
            words, fds = lab[node].entrance(program, env["PATH"])
        except LabError as error:
            if error.errno == errno.ENOENT:
                error.exit_code = CANNOT_EXECUTE
            raise
        for fd in fds:
            os.set_inheritable(fd, True)
        os.execve(words[0], words, env)
