"""The events of a session of plait's, from a document -> what was said in it.

What was retried, shortened and taken back is told as such, so that a model is sent the same after an import. A setting, a question that
waits and a turn that runs are not told: they can do nothing here. The events come from a file: they may be missing or out of place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from plait.core import events as e
from plait.core.errors import UsageError
from plait.core.filing import Filing
from plait.core.messages import Turn
from plait.core.tags import MOST_TAGS, checked_tag
from plait.exchange.imports.found import Said
from plait.exchange.imports.values import moment

UNASKED = "This message was never sent to a model:"
COPIED = "What stands before this was copied from the session"


class Teller:
    """A session's events, taken in one by one; what was said is there after `end`."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.left: Counter[str] = Counter()
        """What plait has no place for, by its reason."""
        self.name = self.title = self.directory = ""
        self.created: float | None = None
        self.filing = Filing()
        self._seqs: list[int] = []
        """Of each message, the number of the event that it is told by."""
        self._queued: dict[Turn, Said] = {}
        self._retries: set[Turn] = set()
        self._keeping: dict[Turn, str] = {}
        self._started: dict[Turn, int] = {}
        """Where the message of a turn stands."""
        self._can_come_back: list[int] = []
        """The places of the rewinds that can be redone."""
        self._unfinished = False

    def take(self, stamped: e.Stamped) -> None:
        """One event."""
        at, seq = moment(stamped.at), stamped.seq or 0
        match stamped.event:
            case e.UserSaid(text=text, attachments=attachments):
                self._asked()
                self._queued[Turn(seq)] = Said("user", text, at, attachments=attachments)
            case e.RetryAsked():
                self._asked()
                self._retries.add(Turn(seq))
            case e.CompactionAsked(keep=keep):
                self._asked()
                self._keeping[Turn(seq)] = keep
            case e.TurnStarted(turn=turn):
                self._begin(turn, seq, at)
            case e.TurnEnded(turn=turn, ending=ending, detail=detail):
                self._unfinished = False
                self._forget(turn, seq, at)
                if ending != "done" and detail.strip():
                    self._add(Said("note", detail, at), seq)
            case e.AnswerProgress():
                self._unfinished = True
            case e.AssistantSaid():
                self._unfinished = False
                self._answer(stamped.event, seq, at)
            case e.ToolReturned(result=result) | e.QuestionAnswered(result=result):
                self._add(Said("tool", at=at, results=(result,)), seq)
            case e.Compacted(turn=turn, upto=upto):
                place = sum(one <= upto for one in self._seqs)
                self._add(Said("summary", self._keeping.get(turn, ""), at, compacted=stamped.event, place=place), seq)
            case e.Rewound(turn=turn):
                self._rewind(turn, stamped.event, seq, at)
            case e.Redone():
                self._bring_back()
            case e.Noted(text=text):
                self._add(Said("note", text, at), seq)
            case e.Forked(name=name):
                self._add(Said("note", f"{COPIED} {name}.", at), seq)
            case e.UnknownEvent(name=name):
                self.left[f"an event of another plait, '{name[:40]}'"] += 1
            case event:
                self._describe(event, at)

    def end(self) -> None:
        """The messages whose turns never began, and an answer that was still being written."""
        for turn in list(self._queued):
            self._forget(turn, 0, None)
        if self._unfinished:
            self.left["an answer that was still being written"] += 1

    def _describe(self, event: e.Event, at: float | None) -> None:
        match event:
            case e.SessionOpened(name=name, directory=directory):
                self.name, self.directory, self.created = name, directory, at
            case e.Renamed(name=name):
                self.name = name
            case e.Titled(title=title):
                self.title = title
            case e.DirectoryChanged(directory=directory):
                self.directory = directory
            case e.Tagged(tags=tags):
                self.filing = replace(self.filing, tags=_valid(tags))
            case e.Pinned() | e.Archived():
                self.filing = self.filing.after(event, 0.0)
            case _:
                pass

    def _add(self, said: Said, seq: int) -> None:
        self.said.append(said)
        self._seqs.append(seq)

    def _asked(self) -> None:
        """Whatever is asked ends what could be brought back."""
        self._can_come_back.clear()

    def _begin(self, turn: Turn, seq: int, at: float | None) -> None:
        """A message stands where its turn began, as the model saw it."""
        if said := self._queued.pop(turn, None):
            self._started[turn] = len(self.said)
            self._add(said, seq)
        elif turn in self._retries:
            self._add(Said("retry", at=at), seq)

    def _forget(self, turn: Turn, seq: int, at: float | None) -> None:
        """What was taken out of the queue."""
        if said := self._queued.pop(turn, None):
            files = "".join(f"\n\n{one.path}:\n{one.text}" for one in said.attachments)
            self._add(Said("note", f"{UNASKED}\n{said.text}{files}", at), seq)

    def _answer(self, event: e.AssistantSaid, seq: int, at: float | None) -> None:
        message = event.message
        calls = (message.text, at, message.thinking, message.calls)
        self._add(Said("assistant", *calls, model=event.model, usage=event.usage, complete=event.complete), seq)

    def _rewind(self, turn: Turn, event: e.Rewound, seq: int, at: float | None) -> None:
        if turn not in self._started:
            self.left["going back to a message that is not there"] += 1
            return
        self._can_come_back.append(len(self.said))
        self._add(Said("rewound", event.text, at, place=self._started[turn]), seq)

    def _bring_back(self) -> None:
        """As if it had never been taken back: nothing else was asked since."""
        if not self._can_come_back:
            self.left["bringing back what was not taken back"] += 1
            return
        place = self._can_come_back.pop()
        del self.said[place], self._seqs[place]


def _valid(tags: Sequence[str]) -> tuple[str, ...]:
    """Those that can be tags here."""
    kept = set()
    for tag in tags[:MOST_TAGS]:
        try:
            kept.add(checked_tag(tag))
        except UsageError:
            continue
    return tuple(sorted(kept))
