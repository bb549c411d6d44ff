"""aichat's sessions and its log of single questions.

A session is a YAML file, `sessions/NAME.yaml` (`sessions/_/TIME-NAME.yaml` where aichat named it): the model, and messages without times.
What was summed up to save room (`compressed_messages`) comes first. `messages.md` has what was asked outside of sessions, each question
with its answer; the model saw no other, so each is a conversation.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import PurePath
from typing import IO

from plait.core.codec import without_surrogates
from plait.core.messages import ToolResult
from plait.exchange.imports.blocks import Blocks
from plait.exchange.imports.found import Conversation, Found, Left, Reading, Said, left_out, unknown
from plait.exchange.imports.lines import Lines, Rejoined, lines
from plait.exchange.imports.values import Json, as_text, call_of, list_in, moment, object_in, text_in
from plait.exchange.imports.yaml_values import parsed

SOURCE = "aichat"
HEAD = "# CHAT: "
"""How each entry of `messages.md` begins."""
RULE = "--------"
_ENTRY = re.compile(re.escape(HEAD) + r"(.*) \[([^\[\]]{10,40})\](?: \(.*\))?")
_SESSION = re.compile(r"^(?:compressed_)?messages:", re.MULTILINE)
_AUTONAME = re.compile(r"(\d{8}T\d{6})(?:-(.*))?")
_FIRST_LINE = 64 * 1024
_BEGIN_CALLS, _END_CALLS = "<tool_calls>\n", "\n</tool_calls>\n"


def is_session(head: str) -> bool:
    """Whether a YAML file that begins so is a session."""
    return head.startswith("model:") and _SESSION.search(head) is not None


def read(stream: IO[bytes], origin: str) -> Reading:
    """The session of a YAML file, or the entries of a `messages.md`."""
    first = stream.readline(_FIRST_LINE)
    if first.decode(errors="replace").lstrip("\ufeff").startswith(HEAD):
        return _log(Rejoined(first, stream), origin)
    return _session_of(Rejoined(first, stream), origin)


def _session_of(stream: Lines, origin: str) -> Iterator[Found]:
    document = parsed(stream)
    value = document.value
    messages = [*list_in(value, "compressed_messages"), *list_in(value, "messages")]
    if document.broken:
        yield Left(origin, document.broken)
        if messages and _content(messages[-1]) is None:
            del messages[-1]  # the break went through it, and is told
        if not messages:
            return
    elif not isinstance(value, dict) or not value.keys() & {"messages", "compressed_messages"}:
        yield Left(origin, "this is not a session of aichat")
        return
    if document.replaced:
        yield Left(origin, document.replaced)
    teller = _Teller(text_in(value, "model"))
    for message in messages:
        teller.take(message)
    for reason, count in teller.strange.items():
        yield Left(origin, reason, count)
    yield from left_out(origin, teller.blocks.left)
    title, created = PurePath(origin).stem, None
    if made := _AUTONAME.fullmatch(title):
        title, created = (made[2] or "").replace("-", " "), moment(made[1], local=True)
    yield Conversation(SOURCE, _identity(PurePath(origin).stem, teller.said), tuple(teller.said), title, created=created)


def _identity(name: str, said: Sequence[Said]) -> str:
    """A session can be emptied and begun anew under its name, so its first question belongs to what it is."""
    first = next((one.text for one in said if one.role == "user"), "")
    return f"{name}/{sha256(without_surrogates(first).encode()).hexdigest()[:12]}"


class _Teller:
    """Turns messages into what was said, one after the other."""

    def __init__(self, model: str, at: float | None = None) -> None:
        self.said: list[Said] = []
        self.blocks = Blocks()
        self.strange: Counter[str] = Counter()
        self._model, self._at = model, at
        self._calls = 0

    def take(self, message: Json) -> None:
        """One message."""
        role, content = text_in(message, "role"), _content(message)
        results = _results_in(content)
        if results is not None:
            self.take_calls(*results)
        elif content is None:
            self.strange["a message without content"] += 1
        elif role == "system":
            self.said.append(Said("system", as_text(content), self._at))
        elif role in ("user", "assistant"):
            whole = content if isinstance(content, (str, list)) else as_text(content)
            self.said += self.blocks.said(role, whole, self._at, model=self._model)
        else:
            self.said.append(unknown(role, as_text(content), self._at, self.blocks.left))

    def take_calls(self, results: Sequence[Json], text: str, thinking: str) -> None:
        """Tool calls, which are kept together with what the tools gave back."""
        calls, answers = [], []
        for one in results:
            self._calls += 1
            asked = object_in(one, "call")
            call = call_of(text_in(asked, "id") or f"call-{self._calls}", text_in(asked, "name"), asked.get("arguments"))
            calls.append(call)
            answers.append(ToolResult(call.id, call.name, as_text(one.get("output")) if isinstance(one, dict) else ""))
        for said in (Said("assistant", text, self._at, thinking, tuple(calls), model=self._model), Said("tool", results=tuple(answers))):
            if not said.empty:
                self.said.append(said)


def _content(message: Json) -> Json:
    return message.get("content") if isinstance(message, dict) else None


def _results_in(content: Json) -> tuple[list[Json], str, str] | None:
    """The calls with their results, and what the model said and thought beside them; None where the content has none."""
    if isinstance(content, dict) and "tool_results" in content:
        return list_in(content, "tool_results"), text_in(content, "text"), text_in(content, "thought")
    if isinstance(content, list) and len(content) == 2 and isinstance(content[0], list):  # before the summer of 2024
        return content[0], content[1] if isinstance(content[1], str) else "", ""
    return None


def _log(stream: Lines, origin: str) -> Iterator[Found]:
    """The entries; a line that looks like the beginning of one is one where an empty line, or nothing, stands before it."""
    entry: _Entry | None = None
    before = ""
    for found in lines(stream, origin):
        if isinstance(found, Left):
            yield found
            continue
        number, line = found
        line = line.rstrip("\r\n")
        if not before.strip() and (head := _ENTRY.fullmatch(line)):
            if entry is not None:
                yield from entry.conversation(origin)
            entry = _Entry(number, moment(head[2]), head[2])
        elif entry is not None:
            entry.lines.append(line)
        elif line.strip():
            yield Left(f"{origin}:{number}", "the line stands before the first question")
        before = line
    if entry is not None:
        yield from entry.conversation(origin)


class _Entry:
    """One question with its answer, line by line."""

    def __init__(self, number: int, at: float | None, when: str) -> None:
        self.lines: list[str] = []
        self._number, self._at, self._when = number, at, when

    def conversation(self, origin: str) -> Iterator[Found]:
        """All of it."""
        text = "\n".join(("", *self.lines)).rstrip("\n")
        asked, rule, rest = text.partition(f"\n{RULE}\n")
        answer = rest.removesuffix(RULE)
        if not rule or answer == rest:
            yield Left(f"{origin}:{self._number}", "the answer is cut off")
        teller = _Teller("", self._at)
        teller.take({"role": "user", "content": asked.strip("\n")})
        if answer.startswith(_BEGIN_CALLS) and _END_CALLS in answer:
            block, _, answer = answer.removeprefix(_BEGIN_CALLS).partition(_END_CALLS)
            said, _, results = block.rpartition("\n")
            if not _take_results(teller, results, said):
                yield Left(f"{origin}:{self._number}", "the tool calls are not valid JSON")
        teller.take({"role": "assistant", "content": answer.strip("\n")})
        yield Conversation(SOURCE, _identity(f"messages/{self._when}", teller.said), tuple(teller.said), created=self._at)


def _take_results(teller: _Teller, text: str, said: str) -> bool:
    try:
        results = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(results, list):
        return False
    teller.take_calls(results, said, "")
    return True
