"""How our messages read as plain text, where a wire has no other place for them. Pure.

Rule: an attachment cannot end its own block: the closing tag does not occur in what it closes.
"""

from __future__ import annotations

import json
from html import escape

from plait.core.messages import Attachment, ToolResult, UserMessage


def user_text(message: UserMessage) -> str:
    """What the user said, the attached files before it."""
    parts = [*(_file(attachment) for attachment in message.attachments), message.text]
    return "\n\n".join(part for part in parts if part)


def _file(attachment: Attachment) -> str:
    tag, number = "file", 1
    lowered = attachment.text.lower()
    while f"</{tag}" in lowered:
        number += 1
        tag = f"file-{number}"
    path = escape(attachment.path).replace("\n", "&#10;").replace("\r", "&#13;")
    return f'<{tag} path="{path}">\n{attachment.text}\n</{tag}>'


def result_text(result: ToolResult) -> str:
    """What a tool call came to. A tool's error is marked as one; the other outcomes say it in their own words."""
    return f"Error: {result.content}" if result.outcome == "error" else result.content


def arguments_object(arguments: str) -> dict[str, object]:
    """A call's arguments as an object, for wires and servers that take nothing else; what is none is carried as text."""
    try:
        value = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"invalid_json": arguments}
