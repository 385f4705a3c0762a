import socket as sockets
from typing import ClassVar

from tunnel.counters import Offload
from tunnel.device import Device
from tunnel.devices.udp_socket import SharedPort, UdpOptions

class Udp(Device):
    port: SharedPort | None
    ahead: sockets.socket | None
    options: UdpOptions
    Options: ClassVar[type[UdpOptions]]
    def __init__(self, **options: object) -> None: ...
    @property
    def socket(self) -> sockets.socket | None: ...
    @property
    def address(self) -> tuple[str, int]: ...
    def rebind(self, listen: str) -> None: ...
    def set_mark(self, number: int) -> None: ...
    def offloads(self) -> dict[str, Offload]: ...
