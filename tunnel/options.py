"""What options a class takes, and whether the values of a table fit them."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from tunnel.config import Document, choices, meant, shown
from tunnel.errors import ConfigError
from tunnel.toml_lines import Place

Part = tuple[Any, Any, str | int]      # value, type, its place in the whole
Options = TypeVar("Options", bound=msgspec.Struct)

_UNIONS = (Union, types.UnionType)
_WORDS = {
    "int": "an integer", "float": "a number", "str": "a string", "bool": "true or false",
    "array": "an array", "object": "a table", "datetime": "a date and time", "date": "a date",
    "time": "a time", "list": "an array", "tuple": "an array", "dict": "a table", "Any": "a value",
}


def schema(cls: type) -> type[msgspec.Struct]:
    """The options of ``cls`` as a ``msgspec.Struct``.

    The nearest of its classes decides: by a Struct named ``Options``, or by the keyword arguments of
    an ``__init__`` written in Python (``Any`` where an argument is not annotated). An annotation that
    cannot be resolved is a ``ConfigError``.
    """
    for owner in cls.__mro__:
        options = vars(owner).get("Options")
        if isinstance(options, type) and issubclass(options, msgspec.Struct):
            return options
        if isinstance(vars(owner).get("__init__"), types.FunctionType):
            return _signature_schema(owner)
    return msgspec.defstruct("Options", [])


def _signature_schema(cls: type) -> type[msgspec.Struct]:
    try:
        signature = inspect.signature(vars(cls)["__init__"], eval_str=True)
    except NameError as error:
        raise ConfigError(f"{cls.__qualname__}.__init__: annotation not understood: {error}") from None
    taken = []
    for argument in list(signature.parameters.values())[1:]:
        if argument.kind in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY):
            kind = Any if argument.annotation is argument.empty else argument.annotation
            default = () if argument.default is argument.empty else (argument.default,)
            taken.append(_field(argument.name, kind, *default))
    return msgspec.defstruct("Options", taken, kw_only=True)


def _field(name: str, kind: Any, *default: Any) -> tuple[Any, ...]:
    """msgspec refuses mutable defaults as such; wrapped they are only shown, never handed on."""
    if not default:
        return (name, kind)
    return (name, kind, msgspec.field(default_factory=lambda: default[0]))


def convert(
    options: type[msgspec.Struct], table: dict[str, Any], path: Place, document: Document
) -> dict[str, Any] | None:
    """The values of ``table`` as ``options`` wants them, by field name; those not given are left out.

    Every mistake is reported to ``document``, ``path`` being the table's place there; then None.
    """
    before = len(document.problems)
    parts = list(_struct_parts(options, table, path, document))
    names = {field.encode_name: field.name for field in fields(options)}
    values = {names[str(key)]: _value(value, kind, (*path, key), document) for value, kind, key in parts}
    return values if len(document.problems) == before else None


def build(
    kind: type[Options], table: Any, path: Place, document: Document, instead: Options | None = None
) -> Options | None:
    """The table as a ``kind``, of which every struct forbids unknown keys.

    Every mistake is reported, and the value that has it is left out, with its whole array where it
    stands in one: what is sound can so be looked at further. ``instead`` is what is given where there
    is no table, or one without a key that it must have.
    """
    found = _sound(table, kind, path, document)
    return instead if found is None else found


def _sound(value: Any, kind: Any, path: Place, document: Document) -> Any:
    """The value without its unsound parts; None where nothing is left."""
    with suppress(msgspec.ValidationError):
        return msgspec.convert(value, kind)
    bare = _member(value, _bare(kind))
    if not isinstance(value, dict) or not (_is_struct(bare) or get_origin(bare) is dict):
        return _value(value, kind, path, document)
    parts = _parts(value, kind, path, document)
    found = {key: _sound(part, part_kind, (*path, key), document) for part, part_kind, key in parts}
    found = {key: part for key, part in found.items() if part is not None}
    if not _is_struct(bare):
        return found
    names = {field.encode_name: field.name for field in fields(bare)}
    with suppress(TypeError):      # a key that must be there is not
        return bare(**{names[str(key)]: part for key, part in found.items()})
    return None


def _struct_parts(
    options: type[msgspec.Struct], table: dict[str, Any], path: Place, document: Document
) -> Iterator[Part]:
    """The known keys of a table; those unknown or missing are reported."""
    known = {field.encode_name: field for field in fields(options)}
    for key in table.keys() - known.keys() - {options.__struct_config__.tag_field}:
        document.report((*path, key), f"unknown key{meant(key, known)}, {choices(known)}")
    for key, field in known.items():
        if key in table:
            yield table[key], field.type, key
        elif field.required:
            document.report(path, f'the key "{key}" is missing, expected {_kind(field)}')


def _value(value: Any, kind: Any, path: Place, document: Document) -> Any:
    before = len(document.problems)
    for part, part_kind, place in _parts(value, kind, path, document):
        _value(part, part_kind, (*path, place), document)
    if len(document.problems) > before:
        return None
    try:
        return msgspec.convert(value, kind, dec_hook=lambda custom, given: custom(given))
    except msgspec.ValidationError as error:
        document.report(path, _mismatch(value, kind, str(error)))
    except TypeError as error:
        document.report(path, f"cannot be set in a file: {error}")
    return None


def _parts(value: Any, kind: Any, path: Place, document: Document) -> Iterator[Part]:
    """What is inside ``value``, so that each mistake in it is found and has its own line."""
    kind = _member(value, _bare(kind))
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(value, dict) and _is_struct(kind):
        yield from _struct_parts(kind, value, path, document)
    elif isinstance(value, dict) and origin in _UNIONS and all(map(_is_struct, arguments)):
        _report_tag(value, arguments, path, document)
    elif isinstance(value, dict) and origin is dict:
        yield from ((part, arguments[1], key) for key, part in value.items())
    elif isinstance(value, list) and (origin is list or arguments[1:] == (...,)):
        yield from ((part, arguments[0], index) for index, part in enumerate(value))


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _member(value: Any, kind: Any) -> Any:
    """Of a union of tagged structs the one that the table's tag names; else ``kind``."""
    if get_origin(kind) in _UNIONS and isinstance(value, dict):
        for one in filter(_is_struct, get_args(kind)):
            if value.get(one.__struct_config__.tag_field) == one.__struct_config__.tag:
                return one
    return kind


def _report_tag(value: dict[str, Any], kinds: tuple[Any, ...], path: Place, document: Document) -> None:
    """None of the tagged structs ``kinds`` has the tag that the table has, if it has one."""
    field, known = kinds[0].__struct_config__.tag_field, [one.__struct_config__.tag for one in kinds]
    if field not in value:
        document.report(path, f'the key "{field}" is missing, {choices(known)}')
    else:
        tag = value[field]
        close = meant(tag, known) if isinstance(tag, str) else ""
        document.report((*path, field), f"found {shown(tag)}{close}, {choices(known)}")


def _bare(kind: Any) -> Any:
    """The type without its ``Annotated`` and without an ``| None``, which TOML cannot write."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in _UNIONS:
        rest = [one for one in get_args(kind) if one is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else kind
    return kind


def _mismatch(value: Any, kind: Any, message: str) -> str:
    """``Expected `int`, got `str` `` and the like, in words."""
    bare, note = _bare(kind), _note(kind)
    if get_origin(bare) is Literal and isinstance(value, str):
        known = [one for one in get_args(bare) if isinstance(one, str)]
        return f"found {shown(value)}{meant(value, known)}, {choices(known)}{note}"
    message, _, _ = message.partition(" - at `")
    expected = re.match(r"Expected (.*?)(?:, got `.*`)?$", message)
    if not expected:
        return f"found {shown(value)}: {message}{note}"
    return f"found {shown(value)}, expected {_words(expected[1])}{note}"


def _words(expected: str) -> str:
    def spoken(match: re.Match[str]) -> str:
        names = [name for name in match[1].split(" | ") if name != "null"]
        return " or ".join(_WORDS.get(name, name) for name in names)

    return re.sub(r"`(.*?)`", spoken, expected, count=1)


def _kind(field: FieldInfo) -> str:
    bare = _bare(field.type)
    name = getattr(bare, "__name__", str(bare))
    return _WORDS.get(name, name) + _note(field.type)


def _note(kind: Any) -> str:
    """The description in a type's ``msgspec.Meta``, in brackets."""
    for part in typing.get_args(kind):
        if isinstance(part, msgspec.Meta) and part.description:
            return f" ({part.description})"
        if get_origin(part) is Annotated and (note := _note(part)):
            return note
    return ""
