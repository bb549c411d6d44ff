"""Every format by its name, and which one a file is in, from how it begins."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import IO, Any

from plait.exchange.imports import aichat, aider, chatgpt, claude_ai, claude_code, codex, jsonl, llm, plait
from plait.exchange.imports.found import Reading

Reader = Callable[[IO[bytes], str], Reading]

READERS: dict[str, Reader] = {
    chatgpt.SOURCE: chatgpt.read,
    claude_ai.SOURCE: claude_ai.read,
    claude_code.SOURCE: claude_code.read,
    codex.SOURCE: codex.read,
    aider.SOURCE: aider.read,
    aichat.SOURCE: aichat.read,
    jsonl.SOURCE: jsonl.read,
    plait.SOURCE: plait.read,
}
FORMATS = (*READERS, llm.SOURCE)
"""All names; that of llm is a database, and no stream."""
HEAD = 256 * 1024
"""Bytes of a file's beginning that are enough to know it: a first line can hold a whole file that was talked about."""
SQLITE = b"SQLite format 3\0"
ZIP = b"PK\x03\x04"
_CUT = {
    claude_code.SOURCE: re.compile(r'"parentUuid":'),
    codex.SOURCE: re.compile(r'"type":"response_item"'),
    jsonl.SOURCE: re.compile(r'"role"\s*:\s*"|"messages"\s*:\s*\['),
}
"""What stands near the beginning of a first line that is longer than the head, such as a whole file that was pasted."""
_KEYS = {chatgpt.SOURCE: re.compile(r'"mapping"\s*:\s*\{'), claude_ai.SOURCE: re.compile(r'"chat_messages"\s*:\s*\[')}


def format_of(head: bytes) -> str:
    """The name of the format of a file that begins so; empty where none is known."""
    if head.startswith(SQLITE):
        return llm.SOURCE
    text = head.removeprefix(b"\xef\xbb\xbf").decode(errors="replace").lstrip()
    if text.startswith(aider.HEAD):
        return aider.SOURCE
    if text.startswith(aichat.HEAD) or aichat.is_session(text):
        return aichat.SOURCE
    if plait.HEAD.match(text):
        return plait.SOURCE
    if text.startswith("["):
        return _of_list(text)
    for line in text.splitlines()[:50]:
        if name := _of_record(line):
            return name
    if not text.startswith("{"):
        return ""
    found = _of_list(text)
    if not found and "\n" not in text:
        found = next((name for name, key in _CUT.items() if key.search(text, 0, 2000)), "")
    return found


def _of_list(text: str) -> str:
    found = [(match.start(), name) for name, key in _KEYS.items() if (match := key.search(text))]
    return min(found)[1] if found else ""


def _of_record(line: str) -> str:
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(record, dict):
        return ""
    kind = record.get("type")
    if kind in codex.WRAPPED and isinstance(record.get("payload"), dict):
        return codex.SOURCE
    if (kind in ("user", "assistant") and "sessionId" in record) or kind in claude_code.TITLES or kind in claude_code.BOOKKEEPING:
        return claude_code.SOURCE
    if kind is None and {"id", "timestamp", "instructions"} <= record.keys():
        return codex.SOURCE
    if isinstance(record.get("mapping"), dict):
        return chatgpt.SOURCE
    if isinstance(record.get("chat_messages"), list):
        return claude_ai.SOURCE
    return jsonl.SOURCE if isinstance(record.get("role"), str) or isinstance(record.get("messages"), list) else ""
