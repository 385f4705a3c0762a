"""The command ``tunnel-wg``: an interface that speaks the WireGuard protocol, where wireguard-go would be started.

    tunnel-wg NAME       make the interface, go into the background
    tunnel-wg -f NAME    stay in the foreground

`wg`, `wg-quick` and `ip` do the rest. It ends with the interface, with its socket, or by SIGTERM. Exit
codes as wireguard-go's: 0, also after wrong words, which are answered with the usage; 1 if it cannot start.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from tunnel.errors import ConfigError, TunnelError
from tunnel.wg import command_line
from tunnel.wg.command_line import Settings


def main(words: Sequence[str] | None = None, make: Callable[[], Any] | None = None) -> int:
    """Run the command line, ``sys.argv`` unless told; the exit code. ``make`` makes another handler than ours."""
    words = sys.argv[1:] if words is None else words
    if [*words] == ["--version"]:
        return _version()
    try:
        settings = command_line.read(words, os.environ)
    except ConfigError as error:
        return _failed(error)
    if settings is None:
        print(command_line.USAGE)
        return 0
    return _run(settings, make)


def _run(settings: Settings, make: Callable[[], Any] | None) -> int:
    from tunnel.wg import daemon, logs, parts, rights

    rights.forbid_dumps()
    logs.begin(settings.name, settings.log_level)
    make = make or parts.wireguard
    answer = daemon.Answer(None)
    try:
        answer = daemon.Answer(settings.ready_fd)
        if settings.foreground:
            _serve(settings, make, lambda: answer.give(daemon.READY))
        else:
            daemon.start(settings, make)
    except (TunnelError, OSError) as error:
        with suppress(OSError):
            answer.give(str(error).encode())
        return _failed(error)
    return 0


def _serve(settings: Settings, make: Callable[[], Any], ready: Callable[[], None]) -> None:
    from tunnel.wg import serve

    serve.run(settings, make, ready)


def _version() -> int:
    from tunnel import __version__

    print(f"tunnel-wg {__version__}")
    return 0


def _failed(error: Exception) -> int:
    print(f"tunnel-wg: {error}", file=sys.stderr)
    return 1
