"""Lines of a key log as Wireshark reads it (its ``wg.keylog_file``): enough to decrypt the sessions they name."""

from __future__ import annotations

import base64

from tunnel.protocols.wireguard.constants import NO_KEY


def lines(ephemeral_private: bytes, preshared_key: bytes) -> list[str]:
    """Of one handshake: our ephemeral key, and the preshared key where there is one."""
    found = [f"LOCAL_EPHEMERAL_PRIVATE_KEY = {base64.b64encode(ephemeral_private).decode()}"]
    if preshared_key != NO_KEY:
        found.append(f"PRESHARED_KEY = {base64.b64encode(preshared_key).decode()}")
    return found
