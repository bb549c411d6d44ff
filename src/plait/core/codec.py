"""Tagged JSON <-> events, commands, messages, replies.

Rules:
1. Every value of ours is an object with a `type`; there are no other objects, so that nothing has to be guessed.
2. Decoding checks every field against the dataclass's annotations, for JSON comes from disks and sockets: `CodecError` says which field.
3. An event of an unknown type survives a round trip as `UnknownEvent`. A missing field takes its default; an unknown one is refused.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from plait.core import commands, context_commands, events, filing_commands, messages, metrics_commands, revision_commands
from plait.core.errors import PlaitError

Json = Any
Value = TypeVar("Value")
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_from_json = json.JSONDecoder().decode
_Decoder = Callable[[Json, str], Any]


class CodecError(PlaitError):
    """A JSON text is not one of our values; the text names the field."""


def _members(alias: Any) -> tuple[type, ...]:
    return tuple(get_args(alias))


TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *_members(events.Event),
        events.Stamped,
        events.Cursor,
        *_members(messages.Message),
        *_members(messages.ModelEvent),
        messages.Attachment,
        messages.ToolCall,
        messages.ToolResult,
        messages.ToolSpec,
        messages.Sampling,
        messages.Usage,
        messages.ModelRequest,
        *_members(commands.Command),
        *_members(commands.Reply),
        commands.SessionInfo,
        commands.ModelLine,
        commands.GateFigures,
        commands.Heavy,
        commands.Held,
        commands.Hit,
        context_commands.ContextPart,
        revision_commands.TurnLine,
        filing_commands.InTrash,
        metrics_commands.Counter,
        metrics_commands.Timing,
    )
}


def encode(value: object) -> str:
    """A value of ours as one line of JSON. Lone surrogates, which no store and no wire takes, become U+FFFD."""
    return without_surrogates(_to_json(_plain(value)))


def without_surrogates(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate."""
    if not text.isascii():
        try:
            text.encode()  # three times as fast as to search for them
        except UnicodeEncodeError:
            return _SURROGATES.sub("\ufffd", text)
    return text


def cleaned(value: Value) -> Value:
    """A value of ours as it will be when it was encoded and decoded: U+FFFD for each lone surrogate. Itself where there is none."""
    if isinstance(value, str):
        return without_surrogates(value)  # type: ignore[return-value]  # a text for a text
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, tuple):
        parts = tuple(cleaned(one) for one in value)
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts  # type: ignore[return-value]  # likewise
    if is_dataclass(value) and not isinstance(value, type):
        changed = {name: new for name in _field_names(type(value)) if (new := cleaned(old := getattr(value, name))) is not old}
        return replace(value, **changed) if changed else value
    return value


def decode(text: str | bytes) -> Any:
    """The value that `encode` was given. Raises `CodecError`."""
    return from_plain(parse(text))


def parse(text: str | bytes) -> Json:
    """JSON text as plain data. Raises `CodecError` for what is not JSON, or nested beyond reason."""
    try:
        return _from_json(text) if isinstance(text, str) else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CodecError(f"This is not valid JSON: {error}. Send one JSON object a line.") from error


def encode_event(event: events.Event) -> tuple[str, str]:
    """An event's type name and its JSON, as a store keeps them."""
    if isinstance(event, events.UnknownEvent):
        return without_surrogates(event.name), without_surrogates(event.data)
    return type(event).__name__, encode(event)


def decode_event(name: str, data: str) -> events.Event:
    """The event that was stored under `name`; one that this version does not know, or cannot read, is kept as `UnknownEvent`."""
    if name not in _EVENT_NAMES:
        return events.UnknownEvent(name, data)
    try:
        value: events.Event = decode(data)
    except CodecError:
        return events.UnknownEvent(name, data)
    return value if type(value).__name__ == name else events.UnknownEvent(name, data)


_EVENT_NAMES = {kind.__name__ for kind in _members(events.Event)} - {"UnknownEvent"}


_SURROGATES = re.compile("[\ud800-\udfff]")


def _plain(value: object) -> Json:
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        kind: type = type(value)
        plain: dict[str, Json] = {"type": kind.__name__}
        for name in _field_names(kind):
            plain[name] = _plain(getattr(value, name))
        return plain
    raise CodecError(f"{type(value).__name__} is not plain data. Put it into a frozen dataclass of ours.")


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def from_plain(plain: Json, where: str = "value") -> Any:
    """Plain data as the value that its `type` names. Raises `CodecError`."""
    if not isinstance(plain, dict):
        raise CodecError(f"{where} is not an object. Send one of: {', '.join(sorted(TYPES))}.")
    kind = TYPES.get(str(plain.get("type")))
    if kind is None:
        raise CodecError(f"{where} has the unknown type {str(plain.get('type'))!r}. Send one of: {', '.join(sorted(TYPES))}.")
    return object_of(kind, plain, where)


def object_of(kind: type, plain: dict[str, Json], where: str) -> Any:
    """Plain data as a value of the dataclass `kind`, which need not be one of `TYPES`. Raises `CodecError`."""
    decoders, required = _decoders(kind)
    values = {}
    for name, value in plain.items():
        if name == "type":
            continue
        found = decoders.get(name)
        if found is None:
            raise CodecError(f"{where} ({kind.__name__}) has no field {name!r}. Its fields are: {', '.join(decoders)}.")
        as_it_is, decoder = found
        values[name] = value if type(value) in as_it_is else decoder(value, name)
    if not required.issubset(values):
        missing = required - values.keys()
        raise CodecError(f"{where} ({kind.__name__}) lacks {', '.join(sorted(missing))}. Send every field without a default.")
    return kind(**values)


@cache
def _decoders(kind: type) -> tuple[dict[str, tuple[frozenset[type], _Decoder]], frozenset[str]]:
    """By field: the types of plain data that it takes as they are, which is most of all there is, and what decodes the rest."""
    hints = get_type_hints(kind)
    required = {one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING}
    return {one.name: (_as_it_is(hints[one.name]), _decoder(hints[one.name])) for one in fields(kind)}, frozenset(required)


def _as_it_is(hint: Any) -> frozenset[type]:
    if isinstance(hint, NewType):
        return _as_it_is(hint.__supertype__)
    if get_origin(hint) in (Union, types.UnionType):
        return frozenset().union(*map(_as_it_is, get_args(hint)))
    if hint is float:
        return frozenset((int, float))
    return frozenset((hint,)) if hint in (str, int, bool, types.NoneType) else frozenset()


def _decoder(hint: Any) -> _Decoder:
    """A function that takes plain data and the field's name, and returns the checked value."""
    if isinstance(hint, NewType):
        return _decoder(hint.__supertype__)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _choice(arguments)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is tuple:
        return _sequence(_decoder(arguments[0]))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _enum(hint)
    if is_dataclass(hint):
        return _nested((hint,))
    return _scalar(hint)


def _choice(allowed: tuple[Any, ...]) -> _Decoder:
    known = {one: one for one in allowed}  # so that the words in ten thousand events are one text each

    def decoder(value: Json, name: str) -> Any:
        found = known.get(value) if isinstance(value, str) else None
        if found is None:
            raise CodecError(f"{name} is {value!r}. It takes one of: {', '.join(map(str, allowed))}.")
        return found

    return decoder


def _enum(kind: type[StrEnum]) -> _Decoder:
    choice = _choice(tuple(one.value for one in kind))
    return lambda value, name: kind(choice(value, name))


def _sequence(one: _Decoder) -> _Decoder:
    def decoder(value: Json, name: str) -> Any:
        if not isinstance(value, list):
            raise CodecError(f"{name} is not a list. Send a list, empty if there is nothing.")
        return tuple(one(item, name) for item in value)

    return decoder


def _nested(kinds: tuple[Any, ...]) -> _Decoder:
    names = {kind.__name__ for kind in kinds}

    def decoder(value: Json, name: str) -> Any:
        if not isinstance(value, dict) or str(value.get("type")) not in names:
            raise CodecError(f"{name} is not one of {', '.join(sorted(names))}. Send an object with that type.")
        return from_plain(value, name)

    return decoder


def _union(arguments: tuple[Any, ...]) -> _Decoder:
    kinds = tuple(kind for kind in arguments if is_dataclass(kind))
    scalars = [_decoder(kind) for kind in arguments if not is_dataclass(kind) and kind is not type(None)]
    optional = type(None) in arguments
    nested = _nested(kinds) if kinds else None

    def decoder(value: Json, name: str) -> Any:
        if value is None and optional:
            return None
        if nested is not None and isinstance(value, dict):
            return nested(value, name)
        for scalar in scalars:
            try:
                return scalar(value, name)
            except CodecError:
                continue
        raise CodecError(f"{name} is {str(value)[:40]!r}, which is of the wrong type. See the documentation of its fields.")

    return decoder


def _scalar(kind: Any) -> _Decoder:
    accepted = (int, float) if kind is float else kind

    def decoder(value: Json, name: str) -> Any:
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise CodecError(f"{name} is {str(value)[:40]!r}. It takes a value of type {kind.__name__}.")
        return value

    return decoder
