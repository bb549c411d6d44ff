"""Claude Code's records: a JSONL file for each session, `~/.claude/projects/DIRECTORY/ID.jsonl`.

Records are taken in the order of the file, which is the order in which they were written: what was taken back with a rewind stands where
it was said. The talk of a subagent (`isSidechain`) is a conversation of its own. A record that stands twice is taken once.

Commands that were typed, such as `/export` and `!ls`, and what they gave stand there as messages of the user, in tags. A command that the
model answered is one; all others, and what commands gave, are notes. So is the summary of a compaction: the model is told all of it here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import IO

from plait.exchange.imports.blocks import Blocks
from plait.exchange.imports.found import Conversation, Found, Left, Reading, Said, left_out
from plait.exchange.imports.lines import records
from plait.exchange.imports.values import Json, moment, object_in, text_in, usage_of

SOURCE = "claude-code"
TITLES = {"summary": "summary", "ai-title": "aiTitle", "custom-title": "customTitle"}
"""Records that hold a title, and the key under which."""
BOOKKEEPING = frozenset(
    (
        *("system", "progress", "file-history-snapshot", "file-history-delta", "queue-operation", "attachment", "last-prompt"),
        *("permission-mode", "agent-name", "agent-color", "agent-setting", "tag", "mode", "pr-link", "worktree-state", "started", "result"),
        *("content-replacement", "speculation-accept", "attribution-snapshot", "agent_listing_delta", "bridge-session"),
    )
)
"""Types of records in which nobody says anything."""
TYPED = ("<command-", "<bash-", "<local-command-")
"""How messages begin that hold a command, or what one gave."""


@dataclass(slots=True)
class _Talk:
    """One line of conversation, as it is gathered."""

    blocks: Blocks = field(default_factory=Blocks)
    said: list[Said] = field(default_factory=list)
    commands: list[int] = field(default_factory=list)
    """The places of commands that were typed."""

    def told(self) -> tuple[Said, ...]:
        """What was said, up to a last command after which nobody said anything yet; a command is a message where an answer follows."""
        said, following = list(self.said), ""
        commands = set(self.commands)
        for place in range(len(said) - 1, -1, -1):
            if place in commands and not following:
                del said[place:]
            elif place in commands and following != "assistant":
                said[place] = replace(said[place], role="note")
            elif said[place].role != "note":
                following = said[place].role
        return tuple(said)


class _File:
    """One file, record by record."""

    def __init__(self) -> None:
        self.talks: dict[str, _Talk] = {}
        """By the name of the subagent; the main one has none."""
        self.left: Counter[str] = Counter()
        self.strange: Counter[str] = Counter()
        self.titles: dict[str, str] = {}
        self.session = self.directory = ""
        self.created: float | None = None
        self._known: set[str] = set()
        self._answers: set[str] = set()

    def take(self, record: Json) -> None:
        """One record."""
        kind = text_in(record, "type")
        if kind in TITLES:
            self.titles[kind] = text_in(record, TITLES[kind])
        elif kind in ("user", "assistant"):
            self._take_message(kind, record)
        elif kind not in BOOKKEEPING:
            self.strange[f"a record of the unknown type '{kind[:40]}'"] += 1

    def _take_message(self, role: str, record: Json) -> None:
        name = text_in(record, "uuid")
        if name and name in self._known:
            self.left["a record that stands there twice"] += 1
            return
        self._known.add(name)
        at, message = moment(record.get("timestamp")), object_in(record, "message")
        self.session = self.session or text_in(record, "sessionId")
        self.directory = self.directory or text_in(record, "cwd")
        self.created = self.created or at
        if not message or not isinstance(message.get("content"), (str, list)):
            self.strange["a message without content"] += 1
            return
        if record.get("isMeta") is True:
            self.left["put in by Claude Code, not said by anybody"] += 1
            return
        model, answer = text_in(message, "model"), text_in(message, "id")
        usage = None if answer and answer in self._answers else usage_of(message.get("usage"))  # each block repeats its answer's
        self._answers.add(answer)
        side = (text_in(record, "agentId") or "side") if record.get("isSidechain") is True else ""
        talk = self.talks.setdefault(side, _Talk())
        if role == "user" and isinstance(text := message["content"], str) and self._put_in(talk, text, at, record):
            return
        talk.said += talk.blocks.said(role, message["content"], at, model=f"anthropic:{model}" if model else "", usage=usage)

    def _put_in(self, talk: _Talk, text: str, at: float | None, record: Json) -> bool:
        """What stands there as a message of the user and is none; False for what is one."""
        if record.get("isCompactSummary") is True:
            talk.said.append(Said("note", text, at))
        elif text.lstrip().startswith(TYPED):
            command, gave = _typed(text)
            if command:
                talk.commands.append(len(talk.said))
                talk.said.append(Said("user", command, at))
            elif gave:
                talk.said.append(Said("note", gave, at))
        else:
            return False
        return True

    def conversations(self, origin: str) -> Iterator[Found]:
        """What the file held, and what of it was not taken."""
        for reason, count in self.strange.items():
            yield Left(origin, reason, count)
        for talk in self.talks.values():
            self.left.update(talk.blocks.left)
        yield from left_out(origin, self.left)
        identity = self.session or PurePath(origin).stem
        title = next((found for kind in ("custom-title", "ai-title", "summary") if (found := self.titles.get(kind))), "")
        for side, talk in self.talks.items():
            whose = f"{identity}/{side}" if side else identity
            named = title if not side else f"Subagent of {title or identity}"
            created = self.created if not side else talk.said[0].at if talk.said else None
            told = talk.told()
            if rest := len(talk.said) - len(told):
                yield Left(origin, "a command after which nobody said anything, or what it gave", rest, loss=False)
            yield Conversation(SOURCE, whose, told, named, self.directory, created)


def _typed(text: str) -> tuple[str, str]:
    """The command that a message holds, and what one gave."""
    if bash := _tagged(text, "bash-input"):
        return f"!{bash}", ""
    command = f"{_tagged(text, 'command-name')} {_tagged(text, 'command-args')}".strip()
    outputs = (_tagged(text, name) for name in ("local-command-stdout", "local-command-stderr", "bash-stdout", "bash-stderr"))
    return command, "\n".join(output for output in outputs if output)


def _tagged(text: str, name: str) -> str:
    """What stands between the first tags of this name; to the end where the second is missing, nothing where the first is."""
    _, begins, rest = text.partition(f"<{name}>")
    return rest.partition(f"</{name}>")[0].strip() if begins else ""


def read(stream: IO[bytes], origin: str) -> Reading:
    """The session of a file, and those of its subagents."""
    file = _File()
    for found in records(stream, origin):
        if isinstance(found, Left):
            yield found
        else:
            file.take(found[1])
    yield from file.conversations(origin)
