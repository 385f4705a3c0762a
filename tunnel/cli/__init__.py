"""The command ``tunnel``: each command is the file of its name, imported only when it is called.

Exit codes: 0; 1 usage or configuration; 2 refused by the kernel; 130 interrupted; 141 nobody reads
the output any more. An error is one line a mistake on stderr: what, where, what to do.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from tunnel import __version__
from tunnel.errors import TunnelError

# Here, so that the help needs no import; ``tunnel COMMAND --help`` is the command's own.
COMMANDS = {
    "check": "Check a graph file and show what it joins.",
    "demo": "Build two hosts and a tunnel between them, use it, account for every packet.",
    "doctor": "Check this machine: what works, what does not, what to do.",
    "drops": "Show where running engines lost packets, and why.",
    "echo": "Answer pings, ARP and neighbour solicitations on a TUN or TAP.",
    "handlers": "List the types of handlers and devices that graph files can use.",
    "lab": "Check a network that a file describes.",
