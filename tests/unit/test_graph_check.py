"""What only the whole graph tells."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.nodes import ETHERNET, IP, Cable, Mute, One, Two
from tunnel.errors import ConfigError
from tunnel.graph import Graph
from tunnel.graph_check import problems


def built(*links: str, **media: int) -> Graph:
    """Devices ``a``, ``b`` (and what ``media`` names), handlers ``one``, ``two``, ``other``."""
    graph = Graph()
    for name in {end for link in links for end in link.split()} & {"a", "b"}:
        graph.add(Cable(medium=media.get(name, IP)), name)
    for name, kind in {"one": One, "two": Two, "other": Two}.items():
        graph.add(kind(), name)
    for link in links:
        graph.link(link)
    return graph


def complaints(graph: Graph) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        graph.check()
    return [problem.text for problem in caught.value.problems]


@pytest.mark.parametrize("links", [
    ("a -- b",),
    ("a -- two.left", "two.right -- b"),
    ("a -- two.left", "two.right -- other.left"),
    ("a -> one", "two.left -> one", "two.right -> b"),
    ("a -- two.left", "two.right -> two.right"),
    ("a -> b", "two.left -> other.left"),
    ("a -> b", "two.left -> one", "other.left -> one"),
])
def test_a_sound_graph(links: tuple[str, ...]) -> None:
    graph = built(*links)
    graph.check()
    assert graph.links


def test_an_output_goes_to_one_place() -> None:
    (text,) = complaints(built("a -> one", "b -> one", "a -> two.left"))
    assert text == (
        'link "a -> two.left": a already goes to one.in, expected one place for each output: '
        "a tee or a switch sends to several"
    )


def test_a_link_made_twice() -> None:
    (text,) = complaints(built("a -> one", "a -> one"))
    assert text.startswith('link "a -> one.in": a already goes to one.in')


def test_a_device_without_a_link() -> None:
    graph = built("a -> one")
    graph.add(Cable(), "spare")
    assert complaints(graph) == ['spare: no link joins this device, expected one such as "spare -- NAME.PORT"']


def test_no_device_at_all() -> None:
    assert complaints(built()) == ["the graph has no device, expected at least one"]


def test_a_handler_that_decides_nothing() -> None:
    graph = built("a -> one")
    graph.add(Mute(), "mute")
    assert complaints(graph) == ["mute: Mute overrides neither process nor c_process, expected one of them"]


@pytest.mark.parametrize("links", [
    ("two.left -- other.left",),
    ("two.left -> two.right",),
    ("two.left -> other.left", "other.right -> two.right"),
])
def test_a_loop_without_any_device(links: tuple[str, ...]) -> None:
    (text,) = complaints(built("a -> b", *links))
    assert text.endswith("closes a loop without any device, expected one linked to it")


def test_media_must_fit() -> None:
    assert complaints(built("a -- two.left", "b -- two.right", a=ETHERNET, b=ETHERNET)) == [
        'link "a -> two.left": a carries Ethernet frames, two.left IP packets, expected the same at both ends'
    ]
    assert complaints(built("a -- b", a=ETHERNET, b=IP)) == [
        'link "a -> b": a carries Ethernet frames, b IP packets, expected the same at both ends'
    ]


def test_all_problems_come_together() -> None:
    graph = built("a -> one", "a -> two.left", "two.right -> two.right")
    graph.add(Mute(), "mute")
    graph.add(Cable(), "spare")
    assert [text.split(":")[0] for text in complaints(graph)] == ["mute", 'link "a -> two.left"', "spare"]


def test_what_workers_cannot_share() -> None:
    graph = built("a -- two.left")
    assert not problems(graph)
    graph.engine = msgspec.structs.replace(graph.engine, workers=2)
    graph.file, graph.lines = "g.toml", {"a": 3, "two": 5}
    assert [str(problem) for problem in problems(graph)] == [
        "g.toml:3: a: a Cable cannot be shared among 2 workers, expected workers = 1",
        *(
            f"g.toml{line}: {name}: {kind}, as it is set up here, does not allow 2 workers (it is not `parallel`), "
            "expected workers = 1"
            for line, name, kind in (("", "one", "One"), (":5", "two", "Two"), ("", "other", "Two"))
        ),
    ]
