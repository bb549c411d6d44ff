"""Codex CLI's rollouts: a JSONL file for each session, `~/.codex/sessions/YYYY/MM/DD/rollout-TIME-ID.jsonl`.

Each line is `{timestamp, type, payload}`; until the summer of 2025 the payload stood alone. `response_item` is what went to the model and
came from it, and is what is taken; `event_msg` says the same again for the screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import IO

from plait.core.messages import CallId, ToolResult
from plait.exchange.imports.found import ONLY_TEXT, Conversation, Left, Reading, Said, left_out, unknown
from plait.exchange.imports.lines import records
from plait.exchange.imports.values import Json, as_text, call_of, list_in, moment, object_in, text_in, usage_of

SOURCE = "codex"
INJECTED = ("<user_instructions>", "<environment_context>", "# AGENTS.md instructions for ", "<turn_aborted>", "<permissions instructions>")
"""How messages begin that Codex puts in as if the user had written them."""
SHELL, SHELL_ENDS = "<user_shell_command>\n", "\n</user_shell_command>"
"""Around a command that the user ran with `!`, and what it gave; the model was not asked."""
WRAPPED = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted", "world_state", "token_usage_record"})
BOOKKEEPING = frozenset({"event_msg", "compacted", "ghost_snapshot", "compaction", "state", "world_state"})


class _Rollout:
    """One file, line by line."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.left: Counter[str] = Counter()
        self.strange: Counter[str] = Counter()
        self.id = self.directory = self.provider = self.model = ""
        self.created: float | None = None
        self._names: dict[str, str] = {}
        """Of the tools that were called, by the call."""
        self._last: Json = None
        self._items: dict[str, Callable[[Json, float | None], None]] = {
            "message": self._message,
            "reasoning": self._reasoning,
            "function_call": self._call,
            "custom_tool_call": self._call,
            "local_shell_call": self._call,
            "tool_search_call": self._call,
            "web_search_call": self._search,
            "function_call_output": self._output,
            "custom_tool_call_output": self._output,
            "tool_search_output": self._output,
        }

    def take(self, record: Json) -> None:
        """One line."""
        if record == self._last:
            self.left["a line that stands there twice"] += 1
            return
        self._last = record
        kind, at = text_in(record, "type"), moment(record.get("timestamp"))
        payload = object_in(record, "payload") if kind in WRAPPED else record
        if kind == "session_meta" or (not kind and not self.id and "instructions" in record):
            self._meta(payload, at)
        elif kind == "turn_context":
            self.model = text_in(payload, "model") or self.model
            self.directory = self.directory or text_in(payload, "cwd")
        elif kind == "token_usage_record":
            self._tokens(payload)
        elif kind in BOOKKEEPING or "record_type" in record:
            return
        else:
            self._item(payload, at)

    def _meta(self, payload: Json, at: float | None) -> None:
        if self.id:  # a fork repeats the one that it came from
            return
        self.id, self.directory = text_in(payload, "id"), text_in(payload, "cwd")
        self.provider = text_in(payload, "model_provider")
        self.created = moment(payload.get("timestamp")) or at

    def _tokens(self, payload: Json) -> None:
        """What one call of the model took; it follows the last item of its answer."""
        if self.said and self.said[-1].role == "assistant":
            self.said[-1] = replace(self.said[-1], usage=usage_of(payload.get("usage")))

    def _item(self, item: Json, at: float | None) -> None:
        kind = text_in(item, "type")
        if taker := self._items.get(kind):
            taker(item, at)
        elif kind not in BOOKKEEPING:
            self.strange[f"an item of the unknown type '{kind[:40]}'"] += 1

    def _message(self, item: Json, at: float | None) -> None:
        texts = []
        for part in list_in(item, "content"):
            text = text_in(part, "text")
            if not text and text_in(part, "type") not in ("input_text", "output_text", "text"):
                kind = text_in(part, "type") or "part"
                self.left[f"{kind}: {ONLY_TEXT}"] += 1
                text = f"[{kind}]"
            texts.append(text)
        text, role = "\n".join(texts), text_in(item, "role")
        if role == "user" and text.startswith(SHELL):
            command, _, gave = text.removeprefix(SHELL).removesuffix(SHELL_ENDS).partition("</command>\n<result>")
            self._add(Said("note", f"!{command.removeprefix('<command>').strip()}\n{gave.removesuffix('</result>').strip()}", at))
        elif role == "user" and text.lstrip().startswith(INJECTED):
            self.left["put in by Codex, not said by anybody"] += 1
        elif role in ("user", "assistant"):
            self._add(Said("user", text, at) if role == "user" else Said("assistant", text, at, model=self._model()))
        elif role in ("system", "developer"):
            self.left["put in by Codex, not said by anybody"] += 1
        else:
            self._add(unknown(role, text, at, self.left))

    def _reasoning(self, item: Json, at: float | None) -> None:
        """What it thought: the summary, for the rest is encrypted."""
        thoughts = [text_in(part, "text") for part in (*list_in(item, "summary"), *list_in(item, "content"))]
        self._add(Said("assistant", at=at, thinking="\n\n".join(part for part in thoughts if part), model=self._model()))

    def _call(self, item: Json, at: float | None) -> None:
        identity = text_in(item, "call_id") or text_in(item, "id")
        name = text_in(item, "name") or text_in(item, "type").removesuffix("_call")
        arguments = next((item[key] for key in ("arguments", "input", "action") if item.get(key) is not None), None)
        self._names[identity] = name
        self._add(Said("assistant", at=at, calls=(call_of(identity, name, arguments),), model=self._model()))

    def _search(self, item: Json, at: float | None) -> None:
        """A search of the provider's own, whose results are not kept."""
        self._call(item | {"name": "web_search"}, at)
        call = self.said[-1].calls[0]
        self._add(Said("tool", at=at, results=(ToolResult(call.id, call.name, "[Codex does not keep what was found.]"),)))

    def _output(self, item: Json, at: float | None) -> None:
        identity, output = text_in(item, "call_id"), item.get("output")
        text = text_in(output, "content") or as_text(output)
        if isinstance(output, list):
            text = "\n".join(text_in(part, "text") or f"[{text_in(part, 'type') or 'part'}]" for part in output)
        failed = isinstance(output, dict) and output.get("success") is False
        result = ToolResult(CallId(identity), self._names.get(identity, "tool"), text, "error" if failed else "done")
        self._add(Said("tool", at=at, results=(result,)))

    def _model(self) -> str:
        return f"{self.provider or 'openai'}:{self.model}" if self.model else ""

    def _add(self, said: Said) -> None:
        if not said.empty:
            self.said.append(said)


def read(stream: IO[bytes], origin: str) -> Reading:
    """The session of a file."""
    rollout = _Rollout()
    for found in records(stream, origin):
        if isinstance(found, Left):
            yield found
        else:
            rollout.take(found[1])
    for reason, count in rollout.strange.items():
        yield Left(origin, reason, count)
    yield from left_out(origin, rollout.left)
    identity = rollout.id or PurePath(origin).stem
    if rollout.said or rollout.id:
        yield Conversation(SOURCE, identity, tuple(rollout.said), "", rollout.directory, rollout.created)
