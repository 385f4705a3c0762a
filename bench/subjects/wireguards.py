"""Programs that speak the WireGuard protocol, one in each of two hosts: ours, wireguard-go, boringtun, others.

All are driven as ``PROGRAM -f NAME`` and configured by ``wg``. A control socket is named after its
interface, under /run: each program has a /run of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.process import Running
from bench.site import Hosts, cabled
from bench.subject import Program, Subject, program_version
from bench.subjects.tunnel import commit
from bench.subjects.udp_tunnels import NAME, PORT, End, ends

WG = Program("wg", "apt-get install wireguard-tools")
OURS = Program(str(Path(sys.executable).with_name("tunnel-wg")), "make build")
OWN_RUN = "mount -t tmpfs tmpfs /run && exec"


def key() -> tuple[str, str]:
    """A private key and its public one, in base64."""
    private = _wg("genkey")
    return private, _wg("pubkey", private)


def _wg(verb: str, stdin: str = "") -> str:
    done = subprocess.run(["wg", verb], input=stdin, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def control(end: End, program: Running, *words: str) -> list[str]:
    """The command line of ``wg`` in the file system that the program sees."""
    return end.host.command("nsenter", f"--mount=/proc/{program.pid}/ns/mnt", "wg", *words)


def configure(end: End, program: Running, verb: str, text: str) -> None:
    """``wg setconf`` or ``addconf`` of a text."""
    subprocess.run(control(end, program, verb, NAME, "/dev/stdin"), input=text, text=True, check=True)


def shown(site: Hosts, number: int, what: str) -> str:
    """``wg show NAME WHAT`` of the near (0) or the far (1) end."""
    end, program = list(ends(site))[number], site.processes[number]
    done = subprocess.run(control(end, program, "show", NAME, what), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def added(site: Hosts, number: int, text: str) -> None:
    """``wg addconf`` at the near (0) or the far (1) end."""
    configure(list(ends(site))[number], site.processes[number], "addconf", text)


def start(stack: ExitStack, end: End, command: str, env: dict[str, str] | None) -> Running:
    """The program in a host; it listens for ``wg``."""
    program = end.host.start(stack, "unshare", "--mount", "sh", "-c", f"{OWN_RUN} {command} {NAME}", env=env)
    show = control(end, program, "show", NAME)

    def listens() -> bool:
        return subprocess.run(show, capture_output=True, check=False).returncode == 0

    program.await_until(listens, "control socket")
    return program


def pair(command: str, env: dict[str, str] | None = None) -> Callable[[ExitStack], Hosts]:
    """A ``build``: the command in each host, with keys of this run, one peer and no keepalive."""

    def build(stack: ExitStack) -> Hosts:
        site = cabled(stack)
        keys = [key() for _ in range(2)]
        for number, end in enumerate(ends(site)):
            program = start(stack, end, command, env)
            site.processes.append(program)
            peer = f"[Peer]\nPublicKey={keys[1 - number][1]}\nEndpoint={end.there}:{PORT}\nAllowedIPs=0.0.0.0/0\n"
            configure(end, program, "setconf", f"[Interface]\nPrivateKey={keys[number][0]}\nListenPort={PORT}\n{peer}")
            end.up()
        site.settle()
        return site

    return build


def ours(cipher: str) -> Subject[Hosts]:
    """``tunnel-wg`` with an implementation of the cipher."""
    return Subject(
        name=f"tunnel-wg-{cipher}",
        setting=f"one peer, no keepalive, TUNNEL_AEAD={cipher}, offloads on",
        build=pair(f"{OURS.name} -f", os.environ | {"TUNNEL_AEAD": cipher}),
        version=commit,
        needs=(OURS, WG),
    )


def program(name: str, path: str, install: str, options: Sequence[str] = ("-f",)) -> Subject[Hosts]:
    """Another program, as it comes."""
    return Subject(
        name=name,
        setting=f"one peer, no keepalive, as installed: {path}",
        build=pair(" ".join([path, *options])),
        version=lambda: program_version(path, "--version"),
        needs=(Program(path, install), WG),
    )


def peer(name: str, path: str) -> Subject[Hosts]:
    """One that is named on the command line."""
    return program(name, path, f"{path}: no such program")


MULTI_BUFFER = ours("ipsec-mb")
LIBCRYPTO = ours("libcrypto")
WIREGUARD_GO = program("wireguard-go", "wireguard-go", "apt-get install wireguard-go")
BORINGTUN = program(
    "boringtun", "boringtun-cli", "cargo install boringtun-cli", ("--foreground", "--disable-drop-privileges")
)
EVERY = (MULTI_BUFFER, LIBCRYPTO, WIREGUARD_GO, BORINGTUN)
