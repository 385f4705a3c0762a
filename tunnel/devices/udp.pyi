from typing import ClassVar

from tunnel.counters import Offload
from tunnel.device import Device
from tunnel.devices.udp_socket import SharedPort, UdpOptions

class Udp(Device):
    port: SharedPort | None
    Options: ClassVar[type[UdpOptions]]
    def __init__(self, **options: object) -> None: ...
    @property
    def options(self) -> UdpOptions: ...
    @property
    def address(self) -> tuple[str, int]: ...
    def offloads(self) -> dict[str, Offload]: ...
