"""The options that a constructor was given, checked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from tunnel.errors import ConfigError

Struct = TypeVar("Struct", bound=msgspec.Struct)


def read(kind: str, options: type[Struct], given: dict[str, Any]) -> Struct:
    """``given`` as ``options``; ``kind`` names the device or handler in the message.

    Raises ``ConfigError``.
    """
    try:
        return msgspec.convert(given, options)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{kind}: {error}") from None


def mac(kind: str, key: str, text: str) -> bytes:
    """The six bytes of a MAC that an interface can have, ``02:00:00:00:00:01``. Raises ``ConfigError``."""
    try:
        address = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        address = b""
    if len(address) != 6 or text.count(":") != 5 or address[0] & 1 or not any(address):
        raise ConfigError(f"{kind}: {key} = {text!r}: a unicast MAC was expected, such as 02:00:00:00:00:01")
    return address


def check_interfaces(kind: str, addresses: Iterable[str]) -> None:
    """Raise ``ConfigError`` unless each is an address with its prefix length."""
    wrong = []
    for text in addresses:
        try:
            if "/" not in text:
                raise ValueError
            ipaddress.ip_interface(text)
        except ValueError:
            wrong.append(f"{kind}: address {text!r}: ADDRESS/PREFIX was expected, such as 10.8.0.1/24 or fd08::1/64")
    if wrong:
        raise ConfigError(wrong)
