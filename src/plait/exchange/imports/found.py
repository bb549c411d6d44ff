"""What a reader finds: conversations, and what could not be taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, TypeAlias

from plait.core.codec import without_surrogates
from plait.core.filing import Filing
from plait.core.messages import Attachment, ToolCall, ToolResult, Usage
from plait.core.revisions import Compacted

OWN = "plait"
"""The source of sessions of plait's own."""
ONLY_TEXT = "only text is imported"
Role: TypeAlias = Literal["user", "assistant", "tool", "system", "note", "retry", "summary", "rewound"]
"""`system` is what the program told the model, `note` what it told its user; neither is sent to a model by plait.

Of plait's own sessions alone: `retry` asks for the last answer anew, `summary` stands for what was said before, `rewound` takes back.
"""


@dataclass(frozen=True, slots=True)
class Said:
    """One message as the other program kept it. `at` is seconds since 1970, None where it is not known or beyond belief."""

    role: Role
    text: str = ""
    at: float | None = None
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    model: str = ""
    usage: Usage | None = None
    complete: bool = True
    """False for an answer that was cut off."""
    compacted: Compacted | None = None
    """Of a `summary`, whose text is what its user wanted to be kept."""
    place: int = 0
    """How many messages stand before what a `summary` leaves, or before what is `rewound`."""

    @property
    def empty(self) -> bool:
        """Whether nothing was said at all."""
        if self.role in ("retry", "summary", "rewound"):
            return True
        return not (self.text.strip() or self.thinking.strip() or self.calls or self.results or self.attachments)


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation. `id` is the other program's own, the same in each reading; `directory` is as it was written, and not trusted."""

    source: str
    id: str
    said: tuple[Said, ...]
    title: str = ""
    directory: str = ""
    created: float | None = None
    name: str = ""
    """Its name, where it had one of plait's."""
    filing: Filing = field(default_factory=Filing)


@dataclass(frozen=True, slots=True)
class Left:
    """Something that was not taken, `count` times: where, and why. A `loss` was broken; the rest plait has no place for."""

    place: str
    reason: str
    count: int = 1
    loss: bool = True


Found: TypeAlias = Conversation | Left
Reading: TypeAlias = Iterator[Found]


def unknown(role: str, text: str, at: float | None, left: Counter[str]) -> Said:
    """What somebody said of whom nothing is known: for the user to read, and for no model. It is counted in `left`."""
    left[f"a message of the unknown role '{role[:40]}': it is kept as a note"] += 1
    return Said("note", f"{role or 'Nobody'}: {text}" if text.strip() else "", at)


def left_out(place: str, counts: Mapping[str, int]) -> Iterator[Left]:
    """What plait has no place for, by its reason."""
    for reason, count in counts.items():
        yield Left(place, reason, count, loss=False)


def versions(said: tuple[Said, ...]) -> Iterator[str]:
    """The version of each beginning of a conversation, the empty one first: how many messages, and the digest of what they say."""
    digest = sha256()
    yield f"0:{digest.hexdigest()[:16]}"
    for number, one in enumerate(said, 1):
        calls = [part for call in one.calls for part in (call.id, call.name, call.arguments)]
        results = [part for result in one.results for part in (result.call, result.content)]
        revised = (str(one.place), one.compacted.summary if one.compacted else "") if one.role in ("summary", "rewound") else ()
        for part in (one.role, one.text, one.thinking, *calls, *results, *revised):
            kept = without_surrogates(part).encode()
            digest.update(len(kept).to_bytes(8, "big"))
            digest.update(kept)
        yield f"{number}:{digest.hexdigest()[:16]}"
