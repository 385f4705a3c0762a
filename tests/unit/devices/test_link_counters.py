"""Counters of interfaces over rtnetlink, against /proc/net/dev and /sys; no rights needed."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys

import pytest

from tunnel.devices.link_counters import LinkCounters, namespace


@pytest.fixture
def links():
    made = LinkCounters()
    yield made
    made.close()


def test_every_interface_is_there(links: LinkCounters):
    assert {(link.number, link.name) for link in links.all()} == set(socket.if_nameindex())


def test_one_by_name(links: LinkCounters):
    found = links.one("lo")
    assert found == next(link for link in links.all() if link.name == "lo")


def test_its_own_namespace_needs_no_right(links: LinkCounters):
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        assert links.one("lo", here).name == "lo"
        assert links.namespace == namespace() == (os.fstat(here).st_dev, os.fstat(here).st_ino)
    finally:
        os.close(here)


def test_an_interface_that_is_not_there(links: LinkCounters):
    with pytest.raises(OSError, match="No such device") as refused:
        links.one("nowhere")
    assert refused.value.errno == errno.ENODEV
    assert links.one("lo").name == "lo", "the next answer is the right one"


def test_no_namespace(links: LinkCounters):
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match=r"Invalid argument|Bad file descriptor"):
            links.one("lo", null)
    finally:
        os.close(null)


def test_a_closed_socket_tells_nothing(links: LinkCounters):
    links.close()
    links.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        links.all()


FORKED = """
import os
from tunnel.devices.link_counters import LinkCounters
links = LinkCounters()
names = [link.name for link in links.all()]
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        right = all([link.name for link in links.all()] == names and links.one("lo").name == "lo" for _ in range(300))
        os._exit(0 if right else 1)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children])
"""


def test_processes_that_were_forked_do_not_read_each_others_answers():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=False)
    assert done.stdout == "[0, 0, 0, 0]\n", done.stderr


def test_the_mtu(links: LinkCounters):
    with open("/sys/class/net/lo/mtu", encoding="ascii") as file:
        assert links.mtu("lo") == int(file.read())
    with pytest.raises(OSError, match="No such device"):
        links.mtu("nobody")
