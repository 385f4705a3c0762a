"""A ``set`` of the configuration protocol: each line is applied as it comes, the first mistake ends it."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from tunnel import endpoints
from tunnel.protocols.wireguard.uapi_device import Device, Peer

log = logging.getLogger(__name__)

KEY = 32  # bytes
T = TypeVar("T")


class Refused(Exception):
    """A line that could not be applied: the ``number`` of its error, and never a text, which might show a key."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Setting:
    """One message. ``line`` for each of its lines, then ``end``; no more after ``Refused``.

    Lines of a peer that is to be passed over are read as all others, and then not applied: ``peer`` is None.
    """

    def __init__(self, device: Device) -> None:
        self.device, self.tunnel = device, device.tunnel
        self.public_key = b""
        self.peer: Peer | None = None
        self.is_new = False  # the peer was not known before this message
        self._over = False
        self._keys = DEVICE_KEYS
        self._seen: set[str] = set()
        self._named: set[bytes] = set()

    def line(self, text: str) -> None:
        """Apply ``key=value``, or raise ``Refused``; what came before counts nevertheless."""
        try:
            self._line(text)
        except Exception as error:
            with suppress(Exception):
                self._configured()
            raise _refusal(error) from None

    def end(self) -> None:
        """The lines of a peer are over, by the next peer or at the end: what was applied begins to count."""
        try:
            self._settle()
            self._configured()
        except Exception as error:
            raise _refusal(error) from None

    def pass_over(self) -> None:
        """The lines that follow are about nobody."""
        self._over, self.peer = True, None

    def _line(self, text: str) -> None:
        key, equals, value = text.partition("=")
        if key not in ("update_only", "remove"):
            self._settle()
        if not equals:
            raise Refused(errno.EPROTO)
        if key == "public_key":
            self._select(parsed(_key, value))
            return
        apply = self._keys.get(key)
        if apply is None or (key in self._seen and key != "allowed_ip"):
            raise Refused(errno.EINVAL)
        self._seen.add(key)
        apply(self, value)

    def _select(self, key: bytes) -> None:
        """The lines that follow are about this peer, or about nobody: it is ourselves."""
        self._configured()
        if key in self._named:
            raise Refused(errno.EINVAL)
        self._named.add(key)
        self._seen.clear()
        self._keys = PEER_KEYS
        self.public_key, self.peer = key, self.tunnel.peers.get(key)
        self.is_new, self._over = self.peer is None, False
        if key == self.tunnel.public_key:
            self.pass_over()

    def _settle(self) -> None:
        """A peer that is not known is made, unless the line behind its key says otherwise."""
        if self._keys is PEER_KEYS and self.peer is None and not self._over:
            self.peer = self.tunnel.add_peer(self.public_key)

    def _configured(self) -> None:
        peer = self.peer
        self.pass_over()
        if peer is not None:
            self.tunnel.configured(peer)


def _private_key(setting: Setting, value: str) -> None:
    key = parsed(_key, value)
    setting.tunnel.private_key = key if any(key) else None


def _listen_port(setting: Setting, value: str) -> None:
    number = parsed(_number, value, 0xFFFF)
    try:
        setting.device.listen_port = number
    except OSError:
        raise Refused(errno.EADDRINUSE) from None


def _fwmark(setting: Setting, value: str) -> None:
    number = parsed(_number, value, 0xFFFFFFFF)
    try:
        setting.device.fwmark = number
    except OSError:
        raise Refused(errno.EADDRINUSE) from None


def _replace_peers(setting: Setting, value: str) -> None:
    parsed(_true, value)
    setting.tunnel.remove_all_peers()


def _remove(setting: Setting, value: str) -> None:
    parsed(_true, value)
    if setting.peer is not None:
        setting.tunnel.remove_peer(setting.public_key)
    setting.pass_over()


def _update_only(setting: Setting, value: str) -> None:
    parsed(_true, value)
    if setting.is_new:
        if setting.peer is not None:  # other lines came first
            setting.tunnel.remove_peer(setting.public_key)
        setting.pass_over()


def _preshared_key(setting: Setting, value: str) -> None:
    key = parsed(_key, value)
    if setting.peer is not None:
        setting.peer.preshared_key = key


def _endpoint(setting: Setting, value: str) -> None:
    if setting.peer is not None:
        parsed(setattr, setting.peer, "endpoint", value)


def _keepalive(setting: Setting, value: str) -> None:
    seconds = parsed(_number, value, 0xFFFF)
    if setting.peer is not None:
        setting.peer.keepalive_s = seconds


def _replace_allowed_ips(setting: Setting, value: str) -> None:
    parsed(_true, value)
    if setting.peer is not None:
        setting.peer.clear_allowed()


def _allowed_ip(setting: Setting, value: str) -> None:
    less = value.startswith("-")
    address, length = parsed(_prefix, value[less:])
    if setting.peer is not None:
        (setting.peer.disallow if less else setting.peer.allow)(address, length)


def _protocol_version(_setting: Setting, value: str) -> None:
    if value != "1":
        raise Refused(errno.EINVAL)


Keys = dict[str, Callable[[Setting, str], None]]
DEVICE_KEYS: Keys = {
    "private_key": _private_key,
    "listen_port": _listen_port,
    "fwmark": _fwmark,
    "replace_peers": _replace_peers,
}
PEER_KEYS: Keys = {
    "remove": _remove,
    "update_only": _update_only,
    "preshared_key": _preshared_key,
    "endpoint": _endpoint,
    "persistent_keepalive_interval": _keepalive,
    "replace_allowed_ips": _replace_allowed_ips,
    "allowed_ip": _allowed_ip,
    "protocol_version": _protocol_version,
}


def _refusal(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    log.error("uapi: a line could not be applied: %s", type(error).__name__)  # its text might show a key
    return Refused(errno.ENOANO)


def parsed(parse: Callable[..., T], *values: object) -> T:
    """What ``parse`` makes of a value; what it finds wrong is EINVAL."""
    try:
        return parse(*values)
    except ValueError:
        raise Refused(errno.EINVAL) from None


def _key(text: str) -> bytes:
    key = bytes.fromhex(text)
    if len(text) != 2 * KEY or len(key) != KEY:  # fromhex passes over blanks
        raise ValueError
    return key


def _number(text: str, most: int) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 10 or int(text) > most:
        raise ValueError
    return int(text)


def _true(text: str) -> None:
    if text != "true":
        raise ValueError


def _prefix(text: str) -> tuple[bytes, int]:
    """Packed address and prefix length; host bits stay as they are."""
    address, _, length = text.partition("/")
    packed = endpoints.packed(address)
    return packed, _number(length, 8 * len(packed))
