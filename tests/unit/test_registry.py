"""Classes by short name, by module and by file; plugins are installed distributions made here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
import pytest

from tests.unit import nodes
from tunnel import options, registry
from tunnel.errors import ConfigError
from tunnel.registry import BUILT_IN, Entry, entries, find

NODES = Path(nodes.__file__)
PLUGIN = """\
from tunnel.handler import Handler

class Nat(Handler):
    def process(self, batch):
        pass
"""


def install(folder: Path, name: str, points: str, source: str = PLUGIN) -> None:
    """A distribution ``name`` 1.2 with the module of that name and these entry points."""
    metadata = folder / f"{name}-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(f"[tunnel.handlers]\n{points}\n")
    (folder / f"{name}.py").write_text(source)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def refusal(name: str, folder: Path = NODES.parent) -> str:
    with pytest.raises(ConfigError) as caught:
        find("handler", name, folder, trust=True)
    return str(caught.value)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in BUILT_IN for name in BUILT_IN[kind]])
def test_what_is_built_in_is_there_and_its_options_can_be_read(kind: registry.Kind, name: str) -> None:
    for field in msgspec.structs.fields(options.schema(find(kind, name))):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(object(), field.type)


def test_a_plugin_is_found_by_its_entry_point(site: Path) -> None:
    install(site, "plugin_nat", "nat = plugin_nat:Nat")
    assert Entry("handler", "nat", "plugin_nat:Nat", "plugin_nat", "1.2") in entries("handler")
    assert find("handler", "nat").__name__ == "Nat"


def test_listing_imports_nothing(site: Path) -> None:
    install(site, "plugin_bomb", "bomb = plugin_bomb:Bomb", "raise SystemExit('imported')")
    assert "bomb" in [entry.name for entry in entries("handler")]
    assert "plugin_bomb" not in sys.modules


def test_a_plugin_cannot_take_a_name_that_is_built_in(site: Path) -> None:
    install(site, "plugin_echo", "echo = plugin_echo:Nat")
    assert [entry.target for entry in entries("handler") if entry.name == "echo"] == [BUILT_IN["handler"]["echo"]]


def test_a_name_of_two_plugins_is_refused(site: Path) -> None:
    install(site, "plugin_one", "both = plugin_one:Nat")
    install(site, "plugin_two", "both = plugin_two:Nat")
    assert refusal("both") == (
        "'both' is the handler of several plugins, "
        "expected one of plugin_one:Nat (plugin_one), plugin_two:Nat (plugin_two)"
    )
    assert find("handler", "plugin_two:Nat").__module__ == "plugin_two"


def test_a_plugin_that_cannot_be_imported(site: Path) -> None:
    install(site, "plugin_stale", "stale = plugin_stale:Nat", "raise ImportError('no symbol tunnel_abi_0')")
    assert refusal("stale") == (
        "plugin_stale:Nat: plugin_stale cannot be imported: ImportError: no symbol tunnel_abi_0"
    )


@pytest.mark.parametrize(("name", "expected"), [
    ("ehco", "found 'ehco': no such handler (did you mean \"echo\"?), expected one of echo, "),
    ("tap", "found 'tap': it is a device, which belongs under [devices]"),
    ("no_such_module:X", "no_such_module cannot be imported: ModuleNotFoundError"),
    ("nodes.py:Tow", "nodes.py has no 'Tow' (did you mean \"Two\"?), expected a subclass of tunnel.Handler"),
    ("nodes.py:Cable", "'Cable' in nodes.py is no handler, expected a subclass of tunnel.Handler"),
    ("nodes.py:IP", "'IP' in nodes.py is no handler, expected a subclass of tunnel.Handler"),
    ("missing.py:Two", "missing.py: cannot be read: No such file or directory"),
    ("collections:OrderedDict", "'OrderedDict' in collections is no handler"),
])
def test_a_class_that_is_not_there(name: str, expected: str) -> None:
    assert expected in refusal(name)


def test_a_file_is_looked_for_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    found = find("handler", "mine.py:Nat", tmp_path, trust=True)
    assert found.__name__ == "Nat"
    assert find("handler", f"{tmp_path}/mine.py:Nat", trust=True) is found


def test_a_changed_file_is_another_module(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    found = find("handler", "mine.py:Nat", tmp_path, trust=True)
    (tmp_path / "mine.py").write_text(PLUGIN + "# changed\n")
    assert find("handler", "mine.py:Nat", tmp_path, trust=True) is not found


@pytest.mark.parametrize(("source", "expected"), [
    ("import tunnel\nclass (", "bad.py:2: SyntaxError: invalid syntax"),
    ("def f():\n    return 1 / 0\nf()\n", "bad.py:2: ZeroDivisionError: division by zero"),
    ("\nimport no_such_module", "bad.py:2: ModuleNotFoundError: No module named 'no_such_module'"),
])
def test_a_file_that_raises(tmp_path: Path, source: str, expected: str) -> None:
    (tmp_path / "bad.py").write_text(source)
    before = set(sys.modules)
    assert expected in refusal("bad.py:Nat", tmp_path)
    assert not any(name.startswith("bad") for name in set(sys.modules) - before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is kept from files of others: run as root")
def test_as_root_a_file_that_others_may_write_is_not_executed(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("raise SystemExit('executed')")
    file.chmod(0o666)
    with pytest.raises(ConfigError, match=r"mine.py may be written by others \(mode 666\)"):
        find("handler", "mine.py:Nat", tmp_path)
