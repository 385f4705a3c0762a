"""What the running program may still do, and that nobody may look into it.

Set up, it changes links and sockets only: CAP_NET_ADMIN stays in effect (SO_MARK, buffers, links of another
namespace). CAP_NET_BIND_SERVICE stays within reach, and takes effect only while a port below 1024 is bound,
since the port comes by the configuration protocol, at any time. capset(2) and PR_CAPBSET_DROP are about the
calling thread: there is no other yet. See capabilities(7).
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from collections.abc import Iterator
from contextlib import contextmanager

# linux/capability.h
CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN = 8, 10, 12
VERSION_3 = 0x20080522
# linux/prctl.h, linux/securebits.h
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 4, 24, 28, 38, 47
PR_CAPBSET_READ, PR_CAP_AMBIENT_CLEAR_ALL = 23, 4
SECUREBITS = 0xEF  # NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, and all four locked

_libc = ctypes.CDLL(None, use_errno=True)


def forbid_dumps() -> None:
    """No core dump, and no look into the memory for those without CAP_SYS_PTRACE: there are keys in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_DUMPABLE, 0)


def drop() -> None:
    """Give up for good whatever is not needed any more; the user id stays. ``OSError`` if the kernel refuses."""
    _, permitted, _ = capabilities()
    if permitted & 1 << CAP_SETPCAP:  # without it there is nothing to bound: see no_new_privs
        _drop_bounding_set()
        _prctl(PR_SET_SECUREBITS, SECUREBITS)
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    permitted &= 1 << CAP_NET_ADMIN | 1 << CAP_NET_BIND_SERVICE
    _set(permitted & 1 << CAP_NET_ADMIN, permitted, 0)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


@contextmanager
def for_port(port: int) -> Iterator[None]:
    """Within, a port below 1024 may be bound, if that was ever allowed."""
    effective, permitted, inheritable = capabilities()
    if not 0 < port < 1024:
        yield
        return
    _set(effective | permitted & 1 << CAP_NET_BIND_SERVICE, permitted, inheritable)
    try:
        yield
    finally:
        _set(effective, permitted, inheritable)


def capabilities() -> tuple[int, int, int]:
    """Effective, permitted, inheritable of this thread, as masks."""
    data = ctypes.create_string_buffer(24)
    _check(_libc.capget(_header(), data))
    low_e, low_p, low_i, high_e, high_p, high_i = struct.unpack("=6I", data.raw)
    return low_e | high_e << 32, low_p | high_p << 32, low_i | high_i << 32


def _set(effective: int, permitted: int, inheritable: int) -> None:
    masks = (effective, permitted, inheritable)
    data = struct.pack("=6I", *(mask & 0xFFFFFFFF for mask in masks), *(mask >> 32 for mask in masks))
    _check(_libc.capset(_header(), data))


def _drop_bounding_set() -> None:
    """As many as the kernel knows."""
    for number in range(64):
        if _libc.prctl(PR_CAPBSET_READ, number, 0, 0, 0) < 0:
            return
        _prctl(PR_CAPBSET_DROP, number)


def _header() -> bytes:
    return struct.pack("=Ii", VERSION_3, 0)


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)))


def _check(status: int) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
