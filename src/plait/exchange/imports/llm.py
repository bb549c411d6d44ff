"""The `logs.db` of llm, in both of its layouts.

Since version 0.32 a conversation is a thread that ends at a message, and messages form a tree; before, a conversation was a list of
responses. A database that was brought up to date holds both: a conversation that is a thread is taken from there, whole.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from plait.core.messages import CallId, Outcome, ToolCall, ToolResult, Usage
from plait.exchange.imports.found import ONLY_TEXT, Conversation, Found, Left, Reading, Said, left_out
from plait.exchange.imports.values import Json, as_text, call_of, list_in, moment, text_in

SOURCE = "llm"


class Tables(Protocol):
    """A database that is read and never written."""

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns; empty where there is no such table."""
        ...

    def rows(self, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query."""
        ...


def read(tables: Tables, origin: str) -> Reading:
    """The conversations of a database."""
    threads: set[str] = set()
    if tables.columns("threads") and tables.columns("turns"):
        for identity, name, tip in tables.rows("SELECT id, name, tip_message_hash FROM threads ORDER BY id"):
            threads.add(str(identity))
            yield from _thread(tables, origin, str(identity), as_text(name), tip)
    if tables.columns("responses"):
        yield from _responses(tables, origin, threads)
    elif not tables.columns("threads"):
        yield Left(origin, "this database is not one of llm")


def _thread(tables: Tables, origin: str, identity: str, name: str, tip: object) -> Iterator[Found]:
    place = f"{origin}, thread {identity}"
    turns = {
        message: (moment(at), model, _usage(given, written))
        for message, at, model, given, written in tables.rows(
            "SELECT tip_message_hash, datetime_utc, coalesce(resolved_model, model), input_tokens, output_tokens FROM turns "
            "WHERE thread_id = ? ORDER BY datetime_utc",
            (identity,),
        )
    }
    chain: dict[str, str] = {}
    while tip is not None:
        found = next(tables.rows("SELECT hash, role, parent_hash FROM messages WHERE hash = ?", (tip,)), None)
        if found is None:
            yield Left(place, "a message before its others is missing")
            break
        if found[0] in chain:
            yield Left(place, "its messages go round in a circle; each was taken once")
            break
        chain[found[0]] = as_text(found[1])
        tip = found[2]
    left: Counter[str] = Counter()
    said: list[Said] = []
    at: float | None = None
    for message, role in reversed(chain.items()):
        at, model, usage = turns.get(message, (at, "", None))
        parts = list(tables.rows("SELECT type, text, payload FROM parts WHERE message_hash = ? ORDER BY position", (message,)))
        one = _message(tables, role, parts, left, at, as_text(model), usage)
        if not one.empty:
            said.append(one)
    yield from left_out(place, left)
    created = min((one[0] for one in turns.values() if one[0] is not None), default=None)
    yield Conversation(SOURCE, identity, tuple(said), name, created=created)


def _message(
    tables: Tables,
    role: str,
    parts: Sequence[tuple[Any, ...]],
    left: Counter[str],
    at: float | None,
    model: str,
    usage: Usage | None,
) -> Said:
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[ToolCall] = []
    results: list[ToolResult] = []
    for kind, text, payload in parts:
        more = _parsed(payload)
        if kind in ("text", "reasoning"):
            whole = as_text(text) or text_in(more, "text") or _borrowed(tables, more)
            (texts if kind == "text" else thoughts).append(whole)
        elif kind == "tool_call":
            calls.append(call_of(text_in(more, "tool_call_id"), text_in(more, "name"), more.get("arguments")))
        elif kind == "tool_result":
            outcome: Outcome = "error" if more.get("exception") else "done"
            name, output = text_in(more, "name"), as_text(more.get("output"))
            results.append(ToolResult(CallId(text_in(more, "tool_call_id")), name, output, outcome))
        else:
            left[f"{kind}: {ONLY_TEXT}"] += 1
            texts.append(f"[{kind}]")
    text = "\n\n".join(texts)
    if results:
        return Said("tool", text, at, results=tuple(results))
    if role == "assistant":
        return Said("assistant", text, at, "\n\n".join(thoughts), tuple(calls), model=model, usage=usage)
    return Said("system" if role == "system" else "user", text, at)


def _borrowed(tables: Tables, payload: Json) -> str:
    """A text that is put together from fragments."""
    pieces = []
    for piece in list_in(payload, "text_ref"):
        pieces.append(text_in(piece, "literal"))
        if isinstance(piece, dict) and "literal" not in piece and isinstance(number := piece.get("fragment"), int):
            found = next(tables.rows("SELECT content FROM fragments WHERE id = ?", (number,)), ("",))
            pieces.append(as_text(found[0]))
    return "".join(pieces)


def _responses(tables: Tables, origin: str, threads: set[str]) -> Iterator[Found]:
    """The conversations of the older layout."""
    columns = tables.columns("responses")
    wanted = ("id", "prompt", "system", "response", "datetime_utc", "model", "input_tokens", "output_tokens", "reasoning")
    chosen = ", ".join(one if one in columns else "NULL" for one in wanted)
    names = dict(tables.rows("SELECT id, name FROM conversations")) if tables.columns("conversations") else {}
    has_tools = bool(tables.columns("tool_calls"))
    has_attachments = bool(tables.columns("prompt_attachments"))
    whole = "SELECT DISTINCT coalesce(conversation_id, id) FROM responses ORDER BY 1"
    for (identity,) in tables.rows(whole):
        if identity in threads:
            continue
        said: list[Said] = []
        attached = 0
        rows = tables.rows(f"SELECT {chosen} FROM responses WHERE coalesce(conversation_id, id) = ? ORDER BY datetime_utc, id", (identity,))
        for row in rows:
            said += _response(tables, row, has_tools)
            if has_attachments:
                attached += next(tables.rows("SELECT count(*) FROM prompt_attachments WHERE response_id = ?", (row[0],)))[0]
        if attached:
            yield Left(f"{origin}, conversation {identity}", f"attachment: {ONLY_TEXT}", attached, loss=False)
        yield Conversation(
            SOURCE, str(identity), tuple(said), as_text(names.get(identity)), created=next((one.at for one in said if one.at), None)
        )


def _response(tables: Tables, row: tuple[Any, ...], has_tools: bool) -> Iterator[Said]:
    identity, prompt, system, response, when, model, given, written, reasoning = row
    at = moment(when)
    if as_text(system).strip():
        yield Said("system", as_text(system), at)
    calls: tuple[ToolCall, ...] = ()
    if has_tools:
        results = tables.rows("SELECT tool_call_id, name, output FROM tool_results WHERE response_id = ? ORDER BY id", (identity,))
        answered = tuple(ToolResult(CallId(as_text(call)), as_text(name), as_text(output)) for call, name, output in results)
        if answered:
            yield Said("tool", at=at, results=answered)
        asked = tables.rows("SELECT tool_call_id, name, arguments FROM tool_calls WHERE response_id = ? ORDER BY id", (identity,))
        calls = tuple(call_of(as_text(call), as_text(name), as_text(arguments)) for call, name, arguments in asked)
    if as_text(prompt).strip():
        yield Said("user", as_text(prompt), at)
    answer = Said("assistant", as_text(response), at, as_text(reasoning), calls, model=as_text(model), usage=_usage(given, written))
    if not answer.empty:
        yield answer


def _usage(given: Any, written: Any) -> Usage | None:
    counts = [one if isinstance(one, int) and one > 0 else 0 for one in (given, written)]
    return Usage(*counts) if any(counts) else None


def _parsed(payload: Any) -> dict[str, Json]:
    try:
        value = json.loads(payload) if isinstance(payload, str) else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
