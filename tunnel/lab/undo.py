"""Undoes what a journal tells of, as far as it is still what the journal means.

Called by a holder at its end, and by ``tunnel lab clean`` for one that was killed. Nothing is known by its
name alone: a process is its number and start time, a namespace its inode and cookie, a file its device and
inode, a link its index, kind and namespace. What does not match any more is somebody else's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from tunnel.errors import LabError
from tunnel.lab import links, messages, named_files, netns, space
from tunnel.lab.processes import end_all_in, in_namespaces, kill, net_of, start_of
from tunnel.lab.rtnl import Conversation, Refused

Entry = dict[str, Any]
NOTHING_HELD: Mapping[int, int] = {}
ASK_COOKIE = "import socket; print(int.from_bytes(socket.socket().getsockopt(1, 71, 8), 'little'))"  # SO_NETNS_COOKIE


def places(entries: Iterable[Entry], held: Mapping[int, int] = NOTHING_HELD) -> list[str]:
    """Gives cards back, removes links and names, the last made first; what could not be undone, in words.

    The calling thread stands in the host's namespaces, and nothing runs in the lab's any more; ``held`` has
    descriptors of these, by inode, where there are some. The name of a namespace in which a card must stay
    is kept: without it the kernel would drop both.
    """
    undoing: dict[str, Callable[[Entry], None]] = {
        "card": lambda entry: _give_back(entry, held), "link": _remove_link, "name": _remove_name
    }  # fmt: skip
    failed, needed = [], set()
    for entry in reversed([entry for entry in entries if entry["kind"] in undoing]):
        if entry["kind"] == "name" and entry["inode"] in needed:
            continue
        try:
            undoing[entry["kind"]](entry)
        except (OSError, LabError) as error:
            words = getattr(error, "strerror", None) or str(error)
            failed.append(f"{entry['kind']} {entry.get('name') or entry.get('interface')}: {words}")
            needed.add(entry["inode"])
    return failed


def processes(entries: Iterable[Entry]) -> int:
    """Kills what runs in namespaces of a lab whose holder was killed, and what it had started; how many."""
    entries = list(entries)
    started = [one for one in entries if one["kind"] == "process" and start_of(one["pid"]) == one["start"]]
    for one in started:
        kill(one["pid"], lambda pid: start_of(pid) == one["start"])  # noqa: B023 called before the next turn
    spaces = {one["inode"]: one["cookie"] for one in entries if one["kind"] == "netns"}
    ours = [pid for pid in in_namespaces(spaces, {os.getpid()}) if cookie_of(pid) == spaces.get(net_of(pid))]
    end_all_in({net_of(pid) for pid in ours} & spaces.keys(), spare={os.getpid()})
    return len(started) + len(ours)


def cookie_of(pid: int) -> int | None:
    """The cookie of a process's network namespace, asked for by a program that enters it; None where none can."""
    try:
        fds = {kind: os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("user", "net")}
    except OSError:
        return None
    try:
        own = os.stat("/proc/self/ns/user").st_ino
        spaces = [f"{kind}={fd}" for kind, fd in fds.items() if kind != "user" or os.fstat(fd).st_ino != own]
        python = [sys.executable, "-I", "-S"]
        words = [*python, netns.__file__, *spaces, "--", *python, "-c", ASK_COOKIE]
        told = subprocess.run(words, pass_fds=[*fds.values()], capture_output=True, text=True, check=False)
        return int(told.stdout) if told.returncode == 0 else None
    finally:
        for fd in fds.values():
            os.close(fd)


def _remove_name(entry: Entry) -> None:
    """A name under /run/netns, if it still stands for our namespace, or for nothing yet."""
    try:
        fd = named_files.open_file(entry["name"])
    except FileNotFoundError:
        return
    try:
        found = os.fstat(fd)
        mounted = netns.is_net(fd)
        ours = mounted and found.st_ino == entry["inode"] and space.cookie(fd) == entry["cookie"]
        empty = not mounted and (found.st_dev, found.st_ino) == (entry["device"], entry["file"])
    finally:
        os.close(fd)
    if ours or empty:
        named_files.take(entry["name"])


def _remove_link(entry: Entry) -> None:
    """An interface in the host's namespace."""
    if (os.stat(netns.OWN_NET).st_ino, space.here()) != (entry["inode"], entry["cookie"]):
        return
    with Conversation() as talk, suppress(Refused):
        found = links.facts(talk, entry["interface"])
        if (found["index"], found["kind"]) == (entry["index"], entry["of"]):
            talk.do(messages.link_delete(entry["index"]))


def _give_back(entry: Entry, held: Mapping[int, int]) -> None:
    """A card that was moved into a node; from a namespace that is gone the kernel gave it back."""
    fd = _space_of(entry, held)
    if fd is None:
        return
    try:
        if (os.fstat(fd).st_ino, space.cookie(fd)) == (entry["inode"], entry["cookie"]):
            move_back(fd, entry)
    finally:
        os.close(fd)


def _space_of(entry: Entry, held: Mapping[int, int]) -> int | None:
    """A descriptor of the namespace that a card is in: the host's, one that is held, or one that has its name."""
    if os.stat(netns.OWN_NET).st_ino == entry["inode"]:
        return netns.open_net()
    if entry["inode"] in held:
        return os.dup(held[entry["inode"]])
    with suppress(LabError):
        return named_files.open_named(f"{entry['lab']}-{entry['node']}")
    return None


def move_back(fd: int, entry: Entry) -> None:
    """Moves a card out of the namespace behind ``fd``, to the host, with its old name and settings.

    The kernel moves first and renames then: were the name taken, the card would arrive under another.
    """
    home, kept = netns.open_net(), dict(entry["kept"])
    up = kept.pop("up")
    try:
        with netns.inside(fd), Conversation() as there, netns.inside(home), Conversation() as here:
            found = _facts(there, entry["interface"])
            if found is None or found["kind"] != entry["of"]:
                return
            if _facts(here, entry["card"]):
                raise LabError(f"the host has another interface {entry['card']} by now; rename or delete that")
            there.do(messages.link_set(found["index"], up=False, master=0, **kept))
            there.do(messages.link_set(found["index"], name=entry["card"], netns=home))
            if up:
                here.do(messages.link_set(links.index(here, entry["card"]), up=True))
    finally:
        os.close(home)


def _facts(talk: Conversation, interface: str) -> dict[str, Any] | None:
    with suppress(Refused):
        return links.facts(talk, interface)
    return None
