"""The host as a holder sees it: the namespaces in which it was started, and what a lab makes there.

Everything made there is in the journal before it is made, so that ``tunnel.lab.undo`` finds it again.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

from tunnel.lab import links, messages, named_files, netns
from tunnel.lab.journal import Journal
from tunnel.lab.space import Space

INDEXES = 1 << 20, 1 << 30  # where those of one lab begin, at random: none may take another lab's


class Host:
    """The network namespace ``net`` and the mount namespace ``mount`` of the host; owns both descriptors."""

    def __init__(self, net: int, mount: int) -> None:
        self._net, self._mount = net, mount
        with netns.inside(net):
            self.space = Space(random.randrange(*INDEXES))

    @contextmanager
    def files(self) -> Iterator[None]:
        """Stands among the host's files. The process must have one thread."""
        home = os.open(netns.OWN_MOUNT, os.O_RDONLY | os.O_CLOEXEC)
        netns.setns(self._mount, netns.CLONE_NEWNS)
        try:
            yield
        finally:
            netns.setns(home, netns.CLONE_NEWNS)
            os.close(home)

    def name(self, name: str, made: Space, journal: Journal) -> None:
        """Gives a lab's namespace a name that all programs of the machine see."""

        def note(file: os.stat_result) -> None:
            journal.add(
                "name", name=name, device=file.st_dev, file=file.st_ino, inode=made.inode, cookie=made.cookie
            )

        with self.files():
            named_files.put(name, made.netns, note)

    def note_link(self, interface: str, index: int, kind: str, journal: Journal) -> None:
        """Writes down an interface that is about to be made in the host's namespace."""
        journal.add("link", interface=interface, index=index, of=kind, inode=self.space.inode, cookie=self.space.cookie)

    def take_card(self, card: str, node: str, interface: str, made: Space, journal: Journal) -> None:
        """Moves an interface of the host into a node, under the name that it has there."""
        found = links.facts(self.space.talk, card)
        kept = {key: found[key] for key in ("mac", "mtu", "txqueuelen", "up")}
        journal.add(
            "card", lab=journal.lab, card=card, of=found["kind"], kept=kept, node=node, interface=interface,
            inode=made.inode, cookie=made.cookie,
        )  # fmt: skip
        self.space.talk.do(messages.link_set(found["index"], name=interface, netns=made.netns))

    def go_home(self) -> None:
        """Stands in the host's namespaces from now on."""
        netns.setns(self._mount, netns.CLONE_NEWNS)
        netns.setns(self._net, netns.CLONE_NEWNET)

    def close(self) -> None:
        """Lets go of the host."""
        self.space.close()
        os.close(self._net)
        os.close(self._mount)
