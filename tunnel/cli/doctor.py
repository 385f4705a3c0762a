"""``tunnel doctor``: what this machine lets the engine do."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import click

from tunnel import offloads
from tunnel.cli.table import json_option, show_json, show_table
from tunnel.crypto import aead
from tunnel.errors import ConfigError, DeviceError
from tunnel.lab import machine

CAP_NET_ADMIN = 12
SOCKET_BUFFER = 7 << 20      # bytes that a Udp device asks for
SELFTEST_S = 30
CONTAINED = "the container or its seccomp profile forbids them: allow unshare(2)"
LIBRARIES = {      # needed, and what it is for
    "click": (True, "the command line"),
    "msgspec": (True, "configuration"),
    "pyroute2": (True, "addresses and links"),
    "uvloop": (True, "the event loop"),
    "Cython": (False, "plugins in Cython"),
    "rich": (False, "progress displays"),
    "scapy": (False, "making and reading odd packets"),
}
OFFLOADS = {
    "vnet": "unfinished checksums into and out of a TUN",
    "tso": "TCP super-packets into a TUN",
    "uso": "UDP super-packets into and out of a TUN",
    "gso": "a run of datagrams as one send",
    "gro": "a run of datagrams as one receive",
    "mmsg": "many datagrams a call",
}
OF_A_TUN = ("vnet", "tso", "uso")


class Finding(NamedTuple):
    """One thing that was looked at. ``needed``: without it no engine runs."""

    what: str
    passed: bool
    seen: str
    remedy: str = ""
    needed: bool = False

    @property
    def verdict(self) -> str:
        """``ok``, ``limited`` or ``missing``."""
        return "ok" if self.passed else "missing" if self.needed else "limited"


@click.command()
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Check this machine: what works, what does not, and what to do about it.

    Offloads are tried out with data that is compared, and what labs need is made once, in network namespaces that
    are gone afterwards.
    The exit code is 0 where an engine can run, else 2.
    """
    findings = [*_machine(), *_namespaces(), *_tun(), *_labs(), *_buffers(), _cipher(), *_libraries()]
    if as_json:
        show_json([{**one._asdict(), "verdict": one.verdict} for one in findings])
    else:
        rows = [[one.what, one.verdict, one.seen, "" if one.passed else one.remedy] for one in findings]
        show_table(["what", "verdict", "seen", "what to do"], rows)
    if any(one.needed and not one.passed for one in findings):
        context.exit(DeviceError.exit_code)


def _machine() -> Iterator[Finding]:
    system = platform.system()
    seen = f"{system} {platform.release()}, Python {platform.python_version()}"
    yield Finding("system", system == "Linux", seen, "tunnel runs on Linux only", needed=True)


def _namespaces() -> Iterator[Finding]:
    """Rights here, or root of a user namespace: one of the two is needed."""
    passed, seen = _selftest("user")["user namespaces"]
    admin = _has_net_admin()
    yield Finding(
        "CAP_NET_ADMIN", admin, "held" if admin else f"not held by uid {os.geteuid()}",
        "run as root, or inside a user namespace (`unshare -Urn`, or a lab)", needed=not passed,
    )
    remedy = machine.forbidding(rootless=True) or CONTAINED
    yield Finding("user namespaces", passed, seen, remedy, needed=not admin)


def _has_net_admin() -> bool:
    status = Path("/proc/self/status").read_text()
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> CAP_NET_ADMIN & 1)


def _labs() -> Iterator[Finding]:
    """No engine needs them."""
    for one in machine.tried():
        yield Finding(one.what, one.passed, one.seen, one.remedy)


def _tun() -> Iterator[Finding]:
    checks = _selftest()
    made = checks["namespace"][0] and checks["tun"][0]
    seen, _, remedy = checks["tun" if checks["namespace"][0] else "namespace"][1].partition("; ")
    yield Finding("TUN device", made, seen, remedy or "see the line above", needed=True)
    for name in OFFLOADS:
        yield _offload(name, checks[name] if made or name not in OF_A_TUN else (False, "not tried without a TUN"))


def _offload(name: str, check: tuple[bool, str]) -> Finding:
    """Proved by data that was compared, switched off, or refused."""
    passed, seen = check
    remedy = f"without it all works, slower; where it does harm: {offloads.VARIABLE}={name}, or --no-offload {name}"
    if not offloads.allowed(name):
        passed, seen = False, "switched off"
        remedy = f"unset {offloads.VARIABLE} ({os.environ[offloads.VARIABLE]})"
    return Finding(f"offload {name}", passed, f"{OFFLOADS[name]}: {seen}", remedy)


def _selftest(*which: str) -> dict[str, tuple[bool, str]]:
    """A process of its own, since a thread cannot leave its user namespace and nothing must stay."""
    command = [sys.executable, "-m", "tunnel.cli.selftest", *which]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SELFTEST_S, check=False)
    if done.returncode:
        raise DeviceError(f"the self-test ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return {name: (passed, seen) for name, (passed, seen) in json.loads(done.stdout).items()}


def _buffers() -> Iterator[Finding]:
    """With CAP_NET_ADMIN sockets go beyond the limit (SO_RCVBUFFORCE)."""
    for name in ("rmem_max", "wmem_max"):
        limit = int(Path("/proc/sys/net/core", name).read_text())
        seen = f"{limit} bytes" + (", which CAP_NET_ADMIN exceeds" if limit < SOCKET_BUFFER else "")
        passed = limit >= SOCKET_BUFFER or _has_net_admin()
        yield Finding(
            f"net.core.{name}", passed, seen if passed else f"{limit} bytes",
            f"sysctl -w net.core.{name}={SOCKET_BUFFER}",
        )


def _cipher() -> Finding:
    """The library that seals packets. Raises ``ConfigError`` where the one that was asked for is not there."""
    library, fastest = aead.Aead().library, aead.LIBRARIES[0]
    remedy = ""
    try:
        aead.Aead(fastest)
    except ConfigError as error:
        remedy = str(error)
    if not remedy and library != fastest:
        remedy = f"unset {aead.VARIABLE} ({os.environ[aead.VARIABLE]}): {fastest} takes half the time"
    passed = not remedy or platform.machine() != "x86_64"
    return Finding("ChaCha20-Poly1305", passed, f"by {library}", remedy)


def _libraries() -> Iterator[Finding]:
    for name, (needed, purpose) in LIBRARIES.items():
        try:
            yield Finding(name, True, version(name), needed=needed)
        except PackageNotFoundError:
            yield Finding(name, False, f"not installed ({purpose})", f"pip install {name}", needed)
