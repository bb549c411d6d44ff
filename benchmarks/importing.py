"""Importing much: what another program left, read by the real program into a fresh database; and the most memory that it took.

Two sources, of as many conversations of 200 kB as make up the size: an export of ChatGPT, which is one list in one file, and records of
Claude Code, a file for each conversation, with tool calls. The size is 200 MB, or `IMPORT_MB`. Beside it stands the least that any importer
does: `json.loads` of each piece, and an insert of its bytes into one table, with the same syncs and commits of the same size. The clock
counts on a machine that does nothing else; on another one, the work.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, NothingMeasured, Plan
from plait.store import engine

MB = 1_000_000
SIZE = int(os.environ.get("IMPORT_MB", "200"))
SMOKE = 4
PER_CONVERSATION = 200_000
"""Bytes: 10,000 conversations make 2 GB."""
COMMIT = 4 * 1024 * 1024
"""Bytes after which the floor commits, as plait does."""
LINES = 30_000
"""Of the text that all texts are pieces of."""
COMMON = ("the", "to", "of", "and", "a", "in", "it", "is", "that", "you", "for", "i", "on", "with", "this", "not", "be", "as", "are", "if")
SYLLABLES = [first + second for first in "bdfgklmnprstvw" for second in ("a", "e", "i", "o", "u", "ar", "en", "il")]
VOCABULARY = 20_000
LENGTHS = (400, 3_000, 6_000)
"""Characters of a question, an answer and what a tool gave back."""
START = 1_700_000_000


def run(plan: Plan) -> list[Figure]:
    """Both sources, each beside its floor."""
    size = plan.times(SIZE, SMOKE) * MB
    texts = Texts(random.Random(1))
    figures = []
    for name, write in (("chatgpt", write_chatgpt), ("claude-code", write_claude_code)):
        directory = plan.home / name
        directory.mkdir()
        written = write(directory, texts, size)
        done = imported(plan.home / f"{name}-home", written)
        least = raw(plan.home / f"{name}.db", written)
        megabytes = written.size / MB
        told = f"import of {name}, {megabytes:,.0f} MB in {written.conversations:,} conversations"
        beside = {"json and raw SQLite": megabytes / least.seconds}
        figures.append(Figure(told, megabytes / done.seconds, "MB/s", 20, beside, at_least=True))
        beside = {"json and raw SQLite": megabytes / least.work}
        figures.append(Figure("the same, for a second of a core's work", megabytes / done.work, "MB", beside=beside))
        figures.append(Figure(f"the most memory meanwhile, {name}", done.memory, "MB", 100))
    return figures


@dataclass(frozen=True, slots=True)
class Written:
    """A source that was made: its `pieces` are what one `json.loads` takes."""

    path: Path
    size: int
    conversations: int
    pieces: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Done:
    """What an import took: seconds by the clock and of a core's work, and the most that was resident, in MB."""

    seconds: float
    work: float
    memory: float = 0.0


class Texts:
    """Texts of words that come as often as words of people do, as long as is asked for."""

    def __init__(self, chance: random.Random) -> None:
        words = [*COMMON, *("".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(VOCABULARY)), "日本語", "naïve"]
        sums = list(itertools.accumulate(1 / number for number in range(1, len(words) + 1)))
        self._pool = "".join(" ".join(chance.choices(words, cum_weights=sums, k=12)) + ".\n" for _ in range(LINES))
        self._chance = chance

    def text(self, length: int) -> str:
        """So many characters."""
        start = self._chance.randrange(len(self._pool) - length)
        return self._pool[start : start + length]


def write_chatgpt(directory: Path, texts: Texts, size: int) -> Written:
    """A `conversations.json`."""
    path, count = directory / "conversations.json", 0
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        while file.tell() < size:
            file.write((",\n" if count else "\n") + json.dumps(_tree(count, texts), ensure_ascii=False))
            count += 1
        file.write("\n]\n")
    return Written(path, path.stat().st_size, count, lambda: (line.strip(b",\n") for line in path.open("rb") if len(line) > 3))


def _tree(number: int, texts: Texts) -> dict[str, object]:
    mapping: dict[str, object] = {"m0": {"id": "m0", "message": None, "parent": None, "children": ["m1"]}}
    length, place = 0, 0
    while length < PER_CONVERSATION:
        place += 1
        role, text = (("user", texts.text(LENGTHS[0])), ("assistant", texts.text(LENGTHS[1])))[place % 2 == 0]
        length += len(text) + 400
        message = {
            "id": f"m{place}",
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": START + number * 100 + place,
            "content": {"content_type": "text", "parts": [text]},
            "status": "finished_successfully",
            "metadata": {"model_slug": "gpt-4o", "message_type": "next"},
            "recipient": "all",
        }
        mapping[f"m{place}"] = {"id": f"m{place}", "message": message, "parent": f"m{place - 1}", "children": [f"m{place + 1}"]}
    head = {"title": f"Talk {number}", "create_time": START + number, "mapping": mapping, "current_node": f"m{place}"}
    return head | {"conversation_id": f"{number:08}"}


def write_claude_code(directory: Path, texts: Texts, size: int) -> Written:
    """Files as in `~/.claude/projects`."""
    count, written = 0, 0
    while written < size:
        path = directory / f"project-{count % 10}" / f"{count:08}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in _records(count, texts)), encoding="utf-8")
        written += path.stat().st_size
        count += 1
    return Written(directory, written, count, lambda: (line for path in sorted(directory.rglob("*.jsonl")) for line in path.open("rb")))


def _records(number: int, texts: Texts) -> Iterator[dict[str, object]]:
    length, place = 0, 0
    while length < PER_CONVERSATION:
        call = {"type": "tool_use", "id": f"t{place}", "name": "Bash", "input": {"command": "cat " + texts.text(40)}}
        result = {"type": "tool_result", "tool_use_id": f"t{place}", "content": texts.text(LENGTHS[2])}
        for role, content in (
            ("user", texts.text(LENGTHS[0])),
            ("assistant", [call]),
            ("user", [result]),
            ("assistant", [{"type": "text", "text": texts.text(LENGTHS[1])}]),
        ):
            place += 1
            message: dict[str, object] = {"role": role, "content": content}
            if role == "assistant":
                usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 3}
                message |= {"id": f"msg{place}", "model": "claude-opus-4-5", "usage": usage}
            yield {
                "parentUuid": f"u{place - 1}",
                "isSidechain": False,
                "type": role,
                "message": message,
                "uuid": f"u{place}",
                "timestamp": START + number * 100 + place,
                "cwd": "/nowhere",
                "sessionId": f"{number:08}",
                "version": "2.1.0",
            }
        length += sum(LENGTHS) + 1_500


def imported(home: Path, written: Written) -> Done:
    """Import it with the program itself. Raises `NothingMeasured` where that fails or imports anything else than all of it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PLAIT_HOME": str(home), "LC_ALL": "C.UTF-8"}
    home.mkdir()
    output = home / "output"
    started = time.perf_counter()
    with output.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "plait", "import", str(written.path)], cwd=home, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    told = output.read_text(encoding="utf-8")
    if process.returncode or not told.startswith(f"{written.conversations:,} conversations imported"):
        raise NothingMeasured(f"the import of {written.path.name} ended with {process.returncode}: {told[:300]}")
    return Done(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / MB)


def raw(path: Path, written: Written) -> Done:
    """What the least takes: each piece parsed, and kept as it is."""
    path.touch(0o600)
    connection = engine.connect(path, writing=True)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE pieces (number INTEGER PRIMARY KEY, data BLOB) STRICT")
        started, worked, waiting = time.perf_counter(), time.process_time(), 0
        connection.execute("BEGIN IMMEDIATE")
        for number, piece in enumerate(written.pieces()):
            json.loads(piece)
            connection.execute("INSERT INTO pieces VALUES (?, ?)", (number, piece))
            waiting += len(piece)
            if waiting > COMMIT:
                connection.execute("COMMIT")
                connection.execute("BEGIN IMMEDIATE")
                waiting = 0
        connection.execute("COMMIT")
        return Done(time.perf_counter() - started, time.process_time() - worked)
    finally:
        connection.close()
