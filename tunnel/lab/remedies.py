"""What to do about an error number of the kernel, in the words of a lab."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

from tunnel.errors import LabError, TunnelError

REMEDIES = {
    errno.EPERM: "run as root; without root, allow user namespaces:"
    " sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0"
    " (in a container: give it CAP_SYS_ADMIN)",
    errno.EACCES: "run as root, or open the device to this user: chmod 0666 /dev/net/tun",
    errno.ENOENT: "this machine has no such file; modprobe tun makes /dev/net/tun",
    errno.ENOSPC: "raise the sysctls user.max_user_namespaces and user.max_net_namespaces",
    errno.EEXIST: "it exists already: choose another or delete it first",
    errno.EBUSY: "it is in use: choose another name, or multi_queue for a further queue",
    errno.ENODEV: "there is no such interface: make the link first",
    errno.ENETUNREACH: "the gateway is in no network of an interface that is up: address and up come first",
    errno.ENETDOWN: "set the interface up first",
    errno.EADDRNOTAVAIL: "the interface has no such address",
    errno.ESRCH: "there is no such route",
    errno.EINVAL: "the kernel does not take this value, or not for this kind of interface",
    errno.ERANGE: "the value is outside of what the interface allows",
    errno.EOPNOTSUPP: "this kernel cannot do it, or not with this kind of interface",
    errno.EAFNOSUPPORT: "this kernel lacks the address family",
    errno.EMFILE: "raise the limit of open files: ulimit -n",
}


def refused(what: str, number: int, words: str, remedies: Mapping[int, str] = REMEDIES) -> LabError:
    """The error for what was asked, the kernel's number and words, and the remedy where one is known.

    Words that have a ``;`` say themselves what to do.
    """
    text = f"{what}: {words}"
    return LabError(f"{text}; {remedies[number]}" if number in remedies and ";" not in words else text, number)


def failure(error: Exception) -> dict[str, Any]:
    """An exception as a reply: the kernel's number and words, and the step of a plan that it is about."""
    number = getattr(error, "errno", None) or 0
    if isinstance(error, TunnelError):
        return {"errno": number, "words": str(error), "complete": True}
    words = error.args[1] if number and len(error.args) > 1 else f"{type(error).__name__}: {error}"
    place = getattr(error, "filename", None)
    found = {"errno": number, "words": f"{place}: {words}" if place else str(words)}
    step = getattr(error, "what", None)
    return found if step is None else {**found, "step": step}
