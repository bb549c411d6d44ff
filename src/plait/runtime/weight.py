"""About how much memory an event holds, for the caps of the ring and of the journal."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

from plait.core import events as e

OBJECTS = 200
"""Bytes of the objects around an event's text, a round figure."""


def weight(stamped: e.Stamped) -> int:
    """Characters of all texts that the event holds, and `OBJECTS`. Text outside ASCII takes up to four times as much."""
    match stamped.event:
        case e.AnswerDelta() | e.AnswerProgress() as said:
            text = len(said.text) + len(said.thinking)
        case e.UserSaid(text=words, attachments=attachments):
            text = len(words) + sum(len(one.path) + len(one.text) for one in attachments)
        case e.AssistantSaid(message=message):
            calls = sum(len(call.name) + len(call.arguments) for call in message.calls)
            text = len(message.text) + len(message.thinking) + len(message.provider_state or "") + calls
        case e.ToolStarted(call=call):
            text = len(call.name) + len(call.arguments)
        case e.ToolReturned(result=result) | e.QuestionAnswered(result=result):
            text = len(result.content)
        case e.QuestionAsked(question=question, choices=choices):
            text = len(question) + sum(map(len, choices))
        case event:
            kind: type = type(event)
            text = 0
            for name in _names(kind):
                if isinstance(value := getattr(event, name), str):
                    text += len(value)
    return OBJECTS + text


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))
