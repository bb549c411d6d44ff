"""Anthropic's content: a text, or a list of blocks. Claude Code's records and Claude.ai's export both hold it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from plait.core.messages import Attachment, CallId, Outcome, ToolCall, ToolResult, Usage
from plait.exchange.imports.found import ONLY_TEXT, Said
from plait.exchange.imports.values import Json, as_text, call_of, list_in, text_in


@dataclass(slots=True)
class _Gathered:
    """Blocks of one message up to the first result after other things, or the other way round."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)


class Blocks:
    """Turns the content of one conversation's messages into what was said; what is not text is counted in `left`."""

    def __init__(self) -> None:
        self.left: Counter[str] = Counter()
        self._waiting: list[ToolCall] = []
        """Calls without a result, for results that do not say whose they are."""
        self._made = 0

    def said(
        self,
        role: str,
        content: Json,
        at: float | None,
        *,
        model: str = "",
        usage: Usage | None = None,
        attachments: tuple[Attachment, ...] = (),
    ) -> Iterator[Said]:
        """What a message says: results of tools apart from the rest, in the order of the blocks."""
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content if isinstance(content, list) else []
        given = _Gathered()
        for block in blocks:
            is_result = text_in(block, "type").endswith("tool_result")
            if is_result != bool(given.results) and (given.texts or given.thoughts or given.calls or given.results):
                yield from _messages(role, given, at, model, usage)
                given, usage = _Gathered(), None
            self._gather(block, given)
        yield from _messages(role, given, at, model, usage, attachments)

    def _gather(self, block: Json, given: _Gathered) -> None:
        kind = text_in(block, "type") or type(block).__name__
        if kind == "text":
            given.texts.append(text_in(block, "text"))
        elif kind == "thinking":
            given.thoughts.append(text_in(block, "thinking"))
        elif kind.endswith("tool_use"):
            self._made += 1
            call = call_of(text_in(block, "id") or f"call-{self._made}", text_in(block, "name"), block.get("input"))
            self._waiting.append(call)
            given.calls.append(call)
        elif kind.endswith("tool_result"):
            given.results.append(self._result(block))
        elif kind not in ("redacted_thinking", "token_budget", "flag"):  # these say nothing
            kind = kind.removesuffix("_url")  # as in OpenAI's interface
            self.left[f"{kind}: {ONLY_TEXT}"] += 1
            given.texts.append(text_in(block, "text") or f"[{kind}]")

    def _result(self, block: Json) -> ToolResult:
        identity = text_in(block, "tool_use_id")
        call = next((one for one in self._waiting if one.id == identity or (not identity and one.name == text_in(block, "name"))), None)
        call = call or (self._waiting[0] if self._waiting and not identity else None)
        if call is not None:
            self._waiting.remove(call)
        name = call.name if call else text_in(block, "name") or "tool"
        outcome: Outcome = "error" if block.get("is_error") is True else "done"
        return ToolResult(call.id if call else CallId(identity), name, self._content(block.get("content")), outcome)

    def _content(self, content: Json) -> str:
        if not isinstance(content, list):
            return as_text(content)
        texts = []
        for part in content:
            kind = text_in(part, "type")
            if kind not in ("text", "") and (kind == "image" or "source" in part):
                self.left[f"{kind}: {ONLY_TEXT}"] += 1
                texts.append(f"[{kind}]")
            else:
                texts.append(text_in(part, "text") or as_text(part))
        return "\n".join(texts)


def _messages(
    role: str, given: _Gathered, at: float | None, model: str, usage: Usage | None, attachments: tuple[Attachment, ...] = ()
) -> Iterator[Said]:
    if given.results:
        yield Said("tool", at=at, results=tuple(given.results))
    text, thinking = ("\n\n".join(part for part in parts if part.strip()) for parts in (given.texts, given.thoughts))
    if role == "assistant":
        said = Said("assistant", text, at, thinking, tuple(given.calls), model=model, usage=usage)
    else:
        said = Said("user", text, at, attachments=attachments)
    if not said.empty:
        yield said


def attachments_of(message: Json, left: Counter[str]) -> tuple[Attachment, ...]:
    """The attached texts of a message of Claude.ai; files without their text are counted in `left`."""
    kept = []
    for one in list_in(message, "attachments"):
        if text := text_in(one, "extracted_content"):
            kept.append(Attachment(text_in(one, "file_name") or "attachment", text))
        else:
            left["attachment without its text"] += 1
    for one in list_in(message, "files"):
        if isinstance(one, dict) and one:
            left["file: the export does not hold it"] += 1
    return tuple(kept)
