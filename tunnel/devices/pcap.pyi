from typing import ClassVar

from tunnel.device import Device
from tunnel.devices.pcap_file import PcapOptions

class Pcap(Device):
    Options: ClassVar[type[PcapOptions]]
    def __init__(self, **options: object) -> None: ...
    @property
    def options(self) -> PcapOptions: ...
    @property
    def foreign(self) -> int: ...
