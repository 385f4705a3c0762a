"""What the program is told: its words and its environment, as wireguard-go reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunnel.errors import ConfigError

USAGE = """\
usage: tunnel-wg [-f | --foreground] NAME
       tunnel-wg --version

Makes the interface NAME, which speaks the WireGuard protocol, and goes into the background;
with -f it stays. `wg` or `wg-quick` configures it, `ip link delete NAME` ends it.

LOG_LEVEL=verbose|error|silent in the environment says how much it logs; further variables:
docs/wireguard.md"""

FOREGROUND, TUN_FD, UAPI_FD = "WG_PROCESS_FOREGROUND", "WG_TUN_FD", "WG_UAPI_FD"
LOG_LEVEL = "LOG_LEVEL"
KEY_LOG = "TUNNEL_WG_KEYLOG"
READY_FD = "TUNNEL_WG_READY_FD"  # from the program to itself: where to say that it runs


@dataclass(frozen=True)
class Settings:
    """``tun_fd``: a TUN that is open; ``uapi_fd``: a socket that listens; ``ready_fd``: see ``tunnel.wg.daemon``."""

    name: str
    foreground: bool = False
    tun_fd: int | None = None
    uapi_fd: int | None = None
    ready_fd: int | None = None
    log_level: str | None = None  # None: not told
    key_log: str | None = None


def read(words: Sequence[str], environment: Mapping[str, str]) -> Settings | None:
    """None where the words are wrong; ``ConfigError`` where the environment is."""
    foreground = len(words) > 0 and words[0] in ("-f", "--foreground")
    names = words[1:] if foreground else words
    if len(names) != 1 or not names[0] or names[0].startswith("-"):
        return None
    return Settings(
        names[0],
        foreground=foreground or environment.get(FOREGROUND) == "1",
        tun_fd=_descriptor(environment, TUN_FD),
        uapi_fd=_descriptor(environment, UAPI_FD),
        ready_fd=_descriptor(environment, READY_FD),
        log_level=environment.get(LOG_LEVEL) or None,
        key_log=environment.get(KEY_LOG) or None,
    )


def _descriptor(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ConfigError(f"{name}={text!r}: the number of an open descriptor was expected")
    return int(text) if text else None
