"""Lines of a TOML text, against tomllib and texts that hypothesis writes."""

from __future__ import annotations

import contextlib
import itertools
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tunnel.toml_lines import Place, lines

EXAMPLE = '''\
# a = 1
top = 1
"quoted.key" = 2  # [no.table]
[a.b]
text = """
[fake]
x = 1 \\""" still text"""
raw = \'\'\'
y = 2\'\'\'\'\'
when = 1979-05-27 07:32:00 # a date, a blank, a time
[[peers]]
key = "one"
[peers.extra]
deep.dotted.key = true
[[peers]]
key = 'two'
points = [
  1, # one
  [2, 3], "]",

  { x = 1, y.z = { w = 2 } }, ]
[a]
late = {}
'''


def test_every_construct_has_its_line() -> None:
    found = lines(EXAMPLE)
    assert found == {
        ("top",): 2, ("quoted.key",): 3,
        ("a",): 22, ("a", "b"): 4, ("a", "b", "text"): 5, ("a", "b", "raw"): 8, ("a", "b", "when"): 10,
        ("peers",): 11, ("peers", 0): 11, ("peers", 0, "key"): 12, ("peers", 0, "extra"): 13,
        ("peers", 0, "extra", "deep"): 14, ("peers", 0, "extra", "deep", "dotted"): 14,
        ("peers", 0, "extra", "deep", "dotted", "key"): 14,
        ("peers", 1): 15, ("peers", 1, "key"): 16, ("peers", 1, "points"): 17,
        ("peers", 1, "points", 0): 18, ("peers", 1, "points", 1): 19, ("peers", 1, "points", 1, 0): 19,
        ("peers", 1, "points", 1, 1): 19, ("peers", 1, "points", 2): 19, ("peers", 1, "points", 3): 21,
        ("peers", 1, "points", 3, "x"): 21, ("peers", 1, "points", 3, "y"): 21,
        ("peers", 1, "points", 3, "y", "z"): 21, ("peers", 1, "points", 3, "y", "z", "w"): 21,
        ("a", "late"): 23,
    }


def test_an_empty_text_has_no_lines() -> None:
    assert lines("") == {}
    assert lines("# only a comment") == {}


# Every leaf that the strategies write holds a number of its own, so tomllib's tree tells the path of
# each number and a search for the number tells its line.
MARK = "\N{SECTION SIGN}"
leaves = st.sampled_from([
    '"MARK"', "'MARK'", '"MARK \\" # ]}"', "'MARK # \\'",
    '"""MARK\n[not.a.table]\n x = "1" \\""" ""\n"""', '"""MARK"""""', "'''MARK\nk = 2\n''''",
])
gaps = st.sampled_from(["", "\n", " # ] } \"\n", "\n\n  # '''\n\t"])
names = st.sampled_from(["a", "b-1", '"c d"', '"e.f"', "'g'", '"\\u0041"', "3"])
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(st.tuples(gaps, inner, gaps), max_size=3).map(
            lambda items: "[" + ",".join("".join(item) for item in items) + "]"
        ),
        st.lists(st.tuples(names, inner), max_size=3, unique_by=lambda pair: pair[0]).map(
            lambda pairs: ", ".join(f"{key} . k{n} = {value}" for n, (key, value) in enumerate(pairs))
        ).map("{{ {} }}".format),
    ),
    max_leaves=5,
)
pairs = st.tuples(st.lists(names, min_size=1, max_size=3).map(" . ".join), values).map(" = ".join)
headers = st.lists(names, min_size=1, max_size=3).map(".".join).flatmap(
    lambda name: st.sampled_from([f"[{name}]", f"[ {name} ] # ]", f"[[{name}]]"])
)
statements = st.lists(st.one_of(pairs, headers, st.just(""), st.just("# = [")), max_size=12)


def accepted(parts: list[str]) -> str:
    """The statements that are valid TOML together with those before them."""
    numbers, kept = itertools.count(1), ""
    for part in parts:
        text = kept + re.sub("MARK", lambda _: f"{MARK}{next(numbers)}{MARK}", part) + "\n"
        with contextlib.suppress(tomllib.TOMLDecodeError):
            tomllib.loads(text)
            kept = text
    return kept


def leaves_of(tree: object, path: Place = ()) -> Iterator[tuple[Place, str]]:
    if isinstance(tree, str):
        yield path, tree.split(MARK)[1]
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves_of(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from leaves_of(value, (*path, index))


@given(statements)
def test_every_leaf_has_the_line_where_it_is_written(parts: list[str]) -> None:
    text = accepted(parts)
    found = lines(text)
    for path, number in leaves_of(tomllib.loads(text)):
        before, _, _ = text.partition(f"{MARK}{number}{MARK}")
        assert found[path] == before.count("\n") + 1
        for depth in range(1, len(path)):
            assert path[:depth] in found


@given(statements)
def test_no_path_is_made_up(parts: list[str]) -> None:
    text = accepted(parts)
    tree = tomllib.loads(text)
    for path in lines(text):
        node: Any = tree
        for part in path:
            assert part in (node if isinstance(node, dict) else range(len(node)))
            node = node[part]
