"""A file that is cut off anywhere, or broken anywhere: what is whole is read, the rest is told, nothing raises; and memory stays small."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

import pytest

from plait.cli.import_files import Source, read
from plait.core import events as e
from plait.core.messages import ProjectId, SessionId
from plait.core.session import Session, SessionState
from plait.exchange.imports import chatgpt, lines
from plait.exchange.imports.found import Conversation, Left, Said
from plait.exchange.imports.history import new_session
from plait.exchange.imports.yaml_values import parsed
from tests.exchange.imports.reading import FILES, FIXTURES, database_of, fixture, read_bytes


def become_sessions(conversations: list[Conversation]) -> None:
    """Each becomes a completed session."""
    for one in conversations:
        session = Session(SessionId("a"))
        new_session(session, e.SessionOpened("talk", "debug", ProjectId("p"), "/"), one)
        assert session.state is SessionState.COMPLETED


@pytest.mark.parametrize("file", ["chatgpt.json", "claude-ai.json"])
def test_a_list_cut_at_each_byte_gives_the_conversations_before_the_cut(file: str) -> None:
    data = (FIXTURES / file).read_bytes().rstrip()
    whole, _ = fixture(file)
    counts = set()
    for cut in range(len(data)):
        found, left = read_bytes(data[:cut], FILES[file])
        assert found == whole[: len(found)]
        assert any(one.loss for one in left), f"the cut at {cut} was not told"
        counts.add(len(found))
    assert counts == {0, 1, 2}


@pytest.mark.parametrize("file", [file for file in FILES if file.endswith(".jsonl")])
def test_lines_cut_at_each_byte_give_the_messages_before_the_cut(file: str) -> None:
    data = (FIXTURES / file).read_bytes()
    whole = {one.id: without_usage(one.said) for one in fixture(file)[0]}
    for cut in range(len(data) + 1):
        found, left = read_bytes(data[:cut], FILES[file], f"/nowhere/{next(iter(whole))}.jsonl")
        for one in found:
            assert without_usage(one.said) == whole[one.id][: len(one.said)]
        assert any(one.loss for one in left) == (not _last_line_is_whole(data[:cut])), cut
    assert sum(len(one.said) for one in found) == sum(map(len, whole.values()))


def without_usage(said: tuple[Said, ...]) -> tuple[Said, ...]:
    """The tokens of an answer may stand in a later line than the answer."""
    return tuple(replace(one, usage=None) for one in said)


def _last_line_is_whole(data: bytes) -> bool:
    last = data.rsplit(b"\n", 1)[-1]
    try:
        return not last or isinstance(json.loads(last), dict)
    except ValueError:
        return False


def test_a_history_of_aider_cut_at_each_byte_is_read() -> None:
    data = (FIXTURES / "aider-0.86.md").read_bytes()
    counts = set()
    for cut in range(len(data)):
        found, _ = read_bytes(data[:cut], "aider")
        become_sessions(found)
        counts.add(len(found))
    assert counts == {0, 1, 2}


@pytest.mark.parametrize("file", FILES)
def test_a_wrong_byte_costs_no_more_than_what_holds_it(file: str) -> None:
    """It raises nothing; and of lines, all that is in the others is read."""
    data = (FIXTURES / file).read_bytes()
    whole = texts_of(fixture(file)[0])
    chance = random.Random(4)
    for _ in range(150):
        place = chance.randrange(len(data))
        broken = data[:place] + bytes([chance.randrange(256)]) * chance.choice([0, 1, 3]) + data[place + 1 :]
        found, _ = read_bytes(broken, FILES[file])
        become_sessions(found)
        if file.endswith(".jsonl"):
            end = data.find(b"\n", place + 1)
            line = data[data.rfind(b"\n", 0, place) + 1 : end if end >= 0 else None].decode()  # two, where their break was hit
            lost = whole - texts_of(found)
            forms = {text: {json.dumps(text.removeprefix("!"), ensure_ascii=only)[1:-1] for only in (True, False)} for text in lost}
            assert [text for text in lost if not any(form in line for form in forms[text])] == []


def texts_of(conversations: list[Conversation]) -> Counter[str]:
    """The first line of each message, and how often it is there: what stands for an image is no line of the file."""
    return Counter(said.text.partition("\n")[0] for one in conversations for said in one.said)


def test_a_conversation_that_is_broken_in_the_middle_leaves_those_around_it() -> None:
    data = (FIXTURES / "chatgpt.json").read_bytes().strip()[1:-1]
    broken = data.replace(b'"children": ["u1"]', b'"children": ["u1"', 1)
    found, left = read_bytes(b"[" + data + b"," + broken + b"," + data + b"]", "chatgpt")
    assert [one.title for one in found] == [
        "Cache loses entries",
        "Planning a trip",
        "Planning a trip",
        "Cache loses entries",
        "Planning a trip",
    ]
    assert [one.place for one in left if one.loss] == ["/nowhere/file, conversation 3"]


@pytest.mark.parametrize("data", [b"[" * 100_000, b'[{"a":' * 50_000, b"9" * 10_000, b'{"type":"user","x":' + b"[" * 50_000, b"\0" * 5000])
@pytest.mark.parametrize("name", sorted(set(FILES.values())))
def test_what_is_no_such_file_at_all_raises_nothing(data: bytes, name: str) -> None:
    found, left = read_bytes(data, name)
    assert not any(one.said for one in found)
    assert any(one.loss for one in left)


def test_values_of_any_type_in_any_place_raise_nothing() -> None:
    odd = [None, True, 7, -1, 1e400, "x", [], [None], ["x"], {}, {"type": "text"}, {"type": 5, "text": []}]
    chance = random.Random(9)

    def mangled(value: object) -> object:
        if chance.random() < 0.08:
            return chance.choice(odd)
        if isinstance(value, dict):
            return {key: mangled(one) for key, one in value.items()}
        return [mangled(one) for one in value] if isinstance(value, list) else value

    for file, name in FILES.items():
        text = (FIXTURES / file).read_text(encoding="utf-8")
        for _ in range(100 if not file.endswith(".md") else 0):
            if file.endswith(".jsonl"):
                data = "\n".join(json.dumps(mangled(json.loads(line))) for line in text.splitlines())
            elif file.endswith(".yaml"):
                data = json.dumps(mangled(parsed(io.BytesIO(text.encode())).value))  # JSON is YAML too
            else:
                data = json.dumps([mangled(one) for one in json.loads(text)])
            become_sessions(read_bytes(data.encode(), name)[0])


def conversations_at(path: Path) -> tuple[list[Conversation], list[Left]]:
    """What a database of llm holds, as an import reads it."""
    found = list(read(Source(path, "llm", 0), lambda size: None))
    return [one for one in found if isinstance(one, Conversation)], [one for one in found if isinstance(one, Left)]


@pytest.mark.parametrize("file", ["llm-0.27.sql", "llm-0.36.sql"])
def test_a_database_that_is_cut_anywhere_gives_what_it_has_and_is_told(file: str, tmp_path: Path) -> None:
    path = database_of(file, tmp_path)
    data = path.read_bytes()
    whole, _ = conversations_at(path)
    for cut in range(0, len(data), 509):
        path.write_bytes(data[:cut])
        found, left = conversations_at(path)
        become_sessions(found)
        assert all(one in whole for one in found)
        assert found == whole or any(one.loss for one in left), f"the cut at {cut} was not told"


def test_a_database_that_is_overwritten_raises_nothing(tmp_path: Path) -> None:
    path = database_of("llm-0.36.sql", tmp_path)
    data = path.read_bytes()
    losses = 0
    for place in range(0, len(data), 2048):
        path.write_bytes(data[:place] + b"\xaa" * 512 + data[place + 512 :])
        found, left = conversations_at(path)
        become_sessions(found)
        losses += any(one.loss for one in left)
    assert losses > len(data) / 2048 / 10


def test_a_line_that_is_too_long_is_left_out_and_the_next_one_read() -> None:
    limit = 64 * 1024 * 1024
    assert limit == lines.LONGEST
    data = io.BytesIO(b'{"role": "user", "content": "' + b"x" * limit + b'"}\n{"role": "user", "content": "y"}\n')
    found = list(lines.records(data, "f"))
    assert [one.place for one in found if isinstance(one, Left)] == ["f:1"]
    assert [one[1]["content"] for one in found if not isinstance(one, Left)] == ["y"]


class _Endless(io.RawIOBase):
    """A list of many conversations that is nowhere whole."""

    def __init__(self, one: bytes, times: int) -> None:
        self._one, self._left, self._rest = one, times, b"["

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and self._left:
            self._rest += self._one + b","
            self._left -= 1
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


def test_a_large_list_is_never_in_memory() -> None:
    message = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["word " * 20_000]}}
    one = json.dumps({"title": "t", "id": "i", "mapping": {"n": {"message": message, "children": []}}, "current_node": "n"}).encode()
    times = 40_000_000 // len(one)
    tracemalloc.start()
    try:
        count = sum(isinstance(found, Conversation) for found in chatgpt.read(cast("IO[bytes]", _Endless(one, times)), "f"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == times
    assert peak < 16_000_000
