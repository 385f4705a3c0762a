"""The keyword arguments of a handler, checked against its ``Options``."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from tunnel.errors import ConfigError

Struct = TypeVar("Struct", bound=msgspec.Struct)


def read(kind: str, options: type[Struct], given: dict[str, Any]) -> Struct:
    """``given`` as ``options``; ``kind`` is the handler's name in the message. Raises ``ConfigError``."""
    try:
        return msgspec.convert(given, options)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{kind}: {error}") from None


def mac(kind: str, key: str, text: str) -> bytes:
    """The six bytes of a MAC that one interface can have, such as ``02:00:00:00:00:01``. Raises ``ConfigError``."""
    try:
        address = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        address = b""
    if len(address) != 6 or text.count(":") != 5 or address[0] & 1 or not any(address):
        raise ConfigError(f"{kind}: {key} = {text!r}: a unicast MAC was expected, such as 02:00:00:00:00:01")
    return address
