"""Addresses, routes, rules and neighbours of a topology."""

from __future__ import annotations

import pytest

from tests.unit.lab.topologies import SOUND, changed, mistakes, the_mistake
from tunnel.lab.topology_file import parse

B = '["10.0.0.2/24", "fd00::2/64"]'


@pytest.mark.parametrize(("new", "expected"), [
    ('["10.0.0.2"]', 'found the string "10.0.0.2", expected an address with prefix length like'),
    ('["10.0.0.256/24"]', "'10.0.0.256' does not appear to be an IPv4 or IPv6 address; write it like 10.0.0.1/24"),
    ('["10.0.0.2/33"]', "10.0.0.2/33 has a prefix longer than 32"),
    ('["fd00::2/129"]', "fd00::2/129 has a prefix longer than 128"),
    ('["fd00::g/64"]', 'found the string "fd00::g/64", expected an address'),
    ('["fe80::2%eth0/64"]', 'found the string "fe80::2%eth0/64", expected an address'),
    ('["10.0.0.0/24"]', "10.0.0.0/24 is the network itself"),
    ('["10.0.0.255/24"]', "10.0.0.255/24 is the broadcast address"),
    ('["224.0.0.1/24"]', "no interface can have 224.0.0.1, which is a group"),
    ('["::/64"]', "no interface can have ::, which is no address"),
])
def test_a_malformed_address(new: str, expected: str) -> None:
    assert the_mistake(B, new).startswith(f"20: links[1].address[0]: {expected}")


@pytest.mark.parametrize(("old", "new", "expected"), [
    (B, '["10.0.0.1/24"]', "20: links[1].address[0]: a has 10.0.0.1 too, on the same network"),
    (B, '["fd00::254/64"]', "20: links[1].address[0]: br0 has fd00::254 too, on the same network"),
    (B, '["10.0.0.2/24", "10.0.0.2/16"]', "20: links[1].address[1]: b has 10.0.0.2 on eth0 already"),
    ("[bridges.br1]", '[bridges.br1]\naddress = ["10.0.0.2/24"]', "21: links[1].address[0]: br1 has 10.0.0.2 too"),
    ('"10.8.0.1/24"', '"10.0.0.9/16"',
     "17: links[0].address[0]: 10.0.0.0/24 overlaps 10.0.0.0/16 of a's interface tun0: two interfaces in one network"),
    ('"10.8.0.1/24"', '"10.0.0.1/32"', "17: links[0].address[0]: a has 10.0.0.1 on tun0 already"),
    ('["br0", "br1"]', '["br0", "br1"]\naddress = ["10.0.0.3/24"]',
     "24: links[2].address: the first end is a port of the bridge br0, which has no address: it belongs to [bridges.b"),
    ('["br0", "br1"]', '["br0", "br1"]\npeer_address = ["10.0.0.3/24"]',
     "24: links[2].peer_address: the second end is a port of the bridge br1"),
    ("[bridges.br1]", '[bridges.br1.interfaces.t]\ntype = "tap"\naddress = ["10.7.0.1/24"]',
     "16: bridges.br1.interfaces.t.address: a port of the bridge br1 has no address"),
    ("[nodes.b]", "[nodes.b]\nipv6 = false", "21: links[1].address[1]: b has ipv6 = false"),
    ("impair = {", "mtu = 1279\nimpair = {", "21: links[1].mtu: 1279 bytes, but IPv6 needs 1280 (RFC 8200), and eth0"),
    ('["br0", "br1"]', '["br0", "br1"]\nmtu = 1279', "24: links[2].mtu: 1279 bytes, which the bridge br0 will have to"),
    ("[bridges.br1]", '[bridges.br1]\nmtu = 1000\naddress = ["fd01::1/64"]',
     "15: bridges.br1.mtu: 1000 bytes, but IPv6 needs 1280"),
    ("impair = {", 'mac = "02:00"\nimpair = {', "21: links[1].mac: Ethernet address '02:00': write it like"),
    ("impair = {", 'mac = "01:00:00:00:00:01"\nimpair = {', "21: links[1].mac: 01:00:00:00:00:01 is no address of one"),
    ("[bridges.br1]", '[bridges.br1]\nfdb = [{ mac = "02:00:00:00:00:01", port = "b:eth0" }]',
     '15: bridges.br1.fdb[0].port: found the string "b:eth0", which is no port of br1: expected an interface of it'),
    ("[bridges.br1]", '[bridges.br1]\nfdb = [{ mac = "ff:00:00:00:00:01", port = "br0" }]',
     "15: bridges.br1.fdb[0].mac: ff:00:00:00:00:01 is no address of one interface"),
])
def test_a_mistake_of_addresses(old: str, new: str, expected: str) -> None:
    assert the_mistake(old, new).startswith(expected)


def test_an_address_in_the_middle_of_two_networks_overlaps_both() -> None:
    text = changed('["br0", "br1"]', '["b:x", "a:x"]\naddress = ["10.0.1.1/24"]') + (
        '[[links]]\nendpoints = ["b:y", "a:y"]\naddress = ["10.0.0.9/16"]\n'
    )
    assert [line.partition(" of ")[0] for line in mistakes(text)] == [
        "20: links[1].address[0]: 10.0.0.0/24 overlaps 10.0.0.0/16",
        "24: links[2].address[0]: 10.0.1.0/24 overlaps 10.0.0.0/16",
    ]


def test_a_mac_is_one_machines() -> None:
    text = changed('["br0", "br1"]', '["br1", "b:x"]\npeer_mac = "02:00:00:00:00:0a"').replace(
        'endpoints = ["a:eth0", "br0"]', 'mac = "02:00:00:00:00:0A"\nendpoints = ["a:eth0", "br1"]'
    )
    assert mistakes(text)[0].endswith("links[2].peer_mac: a:eth0 has 02:00:00:00:00:0a too, on the same network")


@pytest.mark.parametrize(("old", "new"), [
    ('"10.8.0.1/24"', '"10.0.0.9/32", "fe80::1/64"'),      # one host is no network; link-local ones are everywhere
    (B, '["10.0.0.2/24", "10.0.0.3/24", "fd00::2/64"]'),      # two of one network on one interface
    ('["br0", "br1"]', '["b:x", "a:x"]\naddress = ["10.0.7.1/31"]\npeer_address = ["10.0.7.0/31"]'),      # RFC 3021
    ("[bridges.br1]", '[bridges.br1]\nfdb = [{ mac = "02:00:00:00:00:01", port = "br0" }]'),
])
def test_sound_addresses(old: str, new: str) -> None:
    assert parse(changed(old, new)).topology.name == "office"


def test_the_same_address_on_two_networks_is_sound() -> None:
    text = changed('["br0", "br1"]', '["b:x", "br1"]\naddress = ["192.168.0.1/24"]')
    text += '[[links]]\nendpoints = ["a:x", "br2"]\naddress = ["192.168.0.1/24"]\n[bridges.br2]\n'
    assert len(parse(text).topology.bridges) == 3


ROUTE = '{ to = "default", via = "10.0.0.254" }'


@pytest.mark.parametrize(("new", "expected"), [
    ('{ to = "10.1.0.1/16", via = "10.0.0.254" }', "to: 10.1.0.1/16 has host bits set; write it like 10.1.0.0/16"),
    ('{ to = "everything", via = "10.0.0.254" }', "to: 'everything' does not appear to be an IPv4 or IPv6 network"),
    ('{ to = "default", via = "10.0.0.300" }', 'via: found the string "10.0.0.300", expected an address like'),
    ('{ to = "default", via = "10.0.0.254/24" }', 'via: found the string "10.0.0.254/24", expected an address like'),
    ('{ to = "fd01::/64", via = "10.0.0.254" }', "via: 10.0.0.254 is IPv4, but the route leads to fd01::/64, which is"),
    ('{ to = "default", via = "10.7.0.254" }',
     "via: 10.7.0.254 is in none of a's networks (it has 10.0.0.0/24, 10.8.0.0/24, 10.9.0.0/16)"),
    ('{ to = "default", via = "10.8.0.2", interface = "eth0" }', "via: 10.8.0.2 is in none of a's networks on eth0"),
    ('{ to = "default", via = "10.0.0.1" }', "via: 10.0.0.1 is a's own address"),
    ('{ to = "default", via = "fe80::1" }', "via: fe80::1 is link-local, and every interface has that network"),
    ('{ to = "default", via = "10.0.0.254", interface = "eth1" }',
     'interface: found the string "eth1" (did you mean "eth0"?), but a has the interfaces eth0, tun0'),
    ('{ to = "default", via = "10.0.0.254", source = "10.0.0.7" }', 'source: found the string "10.0.0.7", which is no'),
    ('{ to = "default", via = "10.0.0.254", table = 0 }', "table: found the integer 0, expected an integer >= 1"),
])
def test_a_mistake_of_a_route(new: str, expected: str) -> None:
    found = mistakes(changed(ROUTE, new))
    assert any(line.startswith(f"3: nodes.a.routes[0].{expected}") for line in found), found
    assert len(found) == 1 + ("eth1" in new)


def test_a_route_must_lead_somewhere() -> None:
    assert the_mistake(ROUTE, '{ to = "default" }').startswith("3: nodes.a.routes[0]: leads nowhere: expected via")


@pytest.mark.parametrize("new", [
    '{ to = "default", via = "10.9.3.3" }',      # on the network that another route puts on tun0
    '{ to = "default", via = "fe80::1", interface = "eth0" }',
    '{ to = "default", via = "fd00::254", source = "fd00::1", metric = 5 }',
    '{ to = "default", interface = "tun0" }',
])
def test_a_sound_route(new: str) -> None:
    assert parse(changed(ROUTE, new)).topology.nodes["a"].routes


@pytest.mark.parametrize(("old", "new", "expected"), [
    ('from = "10.0.0.2/32"', 'from = "10.0.0.2/24"', "11: nodes.b.rules[0].from: 10.0.0.2/24 has host bits set"),
    ('from = "10.0.0.2/32"', 'from = "10.0.0.2/32", to = "fd00::/64"', "11: nodes.b.rules[0]: from 10.0.0.2/32 to fd0"),
    ('iif = "lo"', 'oif = "eth3"', '11: nodes.b.rules[0].oif: found the string "eth3" (did you mean "eth0"?), but b h'),
    ('interface = "eth0", ', 'interface = "x", ', '10: nodes.b.neighbours[0].interface: found the string "x", but b h'),
    ('address = "10.0.0.1",', 'address = "10.0.0.1/24",', "10: nodes.b.neighbours[0].address: found the string"),
    ('"02:00:00:00:00:01"', '"02-00-00-00-00-01"', "10: nodes.b.neighbours[0].mac: Ethernet address '02-00"),
    ("[nodes.b]", '[nodes.b.interfaces.t]\ntype = "tun"\n[nodes.b]', ""),
])
def test_a_mistake_of_a_rule_or_a_neighbour(old: str, new: str, expected: str) -> None:
    if expected:
        assert the_mistake(old, new).startswith(expected)
    else:
        found = mistakes(changed(old, new).replace('interface = "eth0", address', 'interface = "t", address'))
        wanted = "t is a TUN, which has no Ethernet addresses and so no neighbours"
        assert found == [f"12: nodes.b.neighbours[0].interface: {wanted}"]


def test_a_lost_end_excuses_what_may_be_about_it() -> None:
    text = changed('["a:eth0", "br0"]', '["aa:eth0", "br0"]')
    assert mistakes(text) == ['16: links[0].endpoints[0]: no node is named "aa" (did you mean "a"?)']
    assert text != SOUND
