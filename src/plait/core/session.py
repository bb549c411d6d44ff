"""A session is a fold over its events, and its states are a table.

Rules:
1. `Session.apply` is the only thing that changes a session. It is synchronous and does no I/O.
2. `TRANSITIONS` says which event is legal in which state; what is not there raises `IllegalTransition` and changes nothing.
3. What the joint state implies (queued work, something unseen) is in `_settle`, and nowhere else.
4. Everything is checked before anything is changed.
5. A call that the model asked for starts at most once and returns at most once (promise P3); the check is here, so that no bug elsewhere
   and no late or repeated event can break it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from plait.core import events as e
from plait.core.answer import Answer
from plait.core.branching import last_used, rewound
from plait.core.brief import in_one_line
from plait.core.conditions import fits
from plait.core.errors import IllegalTransition
from plait.core.filing import Filing
from plait.core.messages import CallId, ProjectId, SessionId, ToolCall, Turn, Usage
from plait.core.roles import CONVERSATION, EPHEMERAL, PASSING, USE, is_news, news_after
from plait.core.states import TRANSITIONS, Awaited, SessionState, Trigger, refusal, trigger_of

__all__ = ["TRANSITIONS", "Awaited", "Session", "SessionState", "Trigger", "trigger_of"]


@dataclass(slots=True)
class Session:
    """One session, folded from its events. Read its fields; only `apply` changes them, and what reads it from a store (`seq`)."""

    id: SessionId
    name: str = ""
    named_by_hand: bool = False
    title: str = ""
    kind: e.Kind = "development"
    kind_by_hand: bool = False
    project: ProjectId = ProjectId("")
    directory: str = ""
    state: SessionState = SessionState.ACTIVE
    seq: int = 0
    created_at: float = 0.0
    last_at: float = 0.0
    used_at: float = 0.0
    """When its user last did something in it."""
    settings: dict[str, e.SettingValue] = field(default_factory=dict)
    queue: list[Turn] = field(default_factory=list)
    running: Turn | None = None
    answer: Answer = field(default_factory=Answer)
    asked_calls: dict[CallId, ToolCall] = field(default_factory=dict)
    """Calls of the last answer that have not been started."""
    open_calls: dict[CallId, ToolCall] = field(default_factory=dict)
    """Calls that were started and have not returned."""
    question: e.QuestionAsked | None = None
    ended: int = 0
    """The number of the last end of a turn; `ending` is how, and `unseen` whether no front end has shown it."""
    unseen: bool = False
    ending: e.Ending = "done"
    waiting_since: float = 0.0
    """When it last became WaitingForInput."""
    mark: e.Seen = field(default_factory=lambda: e.Seen(0))
    """How far front ends have shown it."""
    unread: list[int] = field(default_factory=list)
    """Numbers of the answers, questions and failures after the mark."""
    messages: int = 0
    usage: Usage = Usage()
    cost: float = 0.0
    """US dollars of the calls whose price was known; `unpriced` counts the others."""
    unpriced: int = 0
    context_used: int = 0
    """Tokens of the last call, input and output: what the next one starts from."""
    conversation: list[e.Stamped] = field(default_factory=list)
    """What the provider's view is made from (`core.history`): messages, tool results, starts and ends of turns."""
    taken_back: list[list[e.Stamped]] = field(default_factory=list)
    """What was rewound and can be redone, the last one last; whatever is said next ends that."""
    first: str = ""
    """The beginning of its first message, in one line."""
    said: int = 0
    """Messages of its user, those that were taken back among them."""
    forked_from: SessionId = SessionId("")
    filing: Filing = field(default_factory=Filing)

    def apply(self, stamped: e.Stamped) -> None:
        """Take one event in. Raises `IllegalTransition`, and changes nothing, where the table or the turn forbids it."""
        event = stamped.event
        self._check_place(stamped)
        if not fits(self, event):
            what = type(event).__name__
            raise IllegalTransition(f"Session '{self.name}' has no turn, call or event that {what} fits. Nothing changed.")
        target = self._target(event)
        if stamped.seq is not None:
            self.seq = stamped.seq
            self.last_at = stamped.at
            if type(event) in USE:
                self.used_at = stamped.at
        self._fold(stamped)
        self._settle(target, stamped.at)

    @property
    def waiting_for(self) -> Awaited:
        """What its user has to look at or to answer; empty if it does not wait."""
        if self.state is not SessionState.WAITING:
            return ""
        if self.question is not None:
            return "question"
        return "answer" if self.ending == "done" else self.ending

    def _check_place(self, stamped: e.Stamped) -> None:
        """A durable event has the next sequence number, an ephemeral one none; the first event opens the session, and no other does."""
        event, seq = stamped.event, stamped.seq
        if (seq is None) != (type(event) in EPHEMERAL):
            raise IllegalTransition(f"{type(event).__name__} has the sequence number {seq}. Only durable events have one, and each has.")
        if seq is not None and seq != self.seq + 1:
            raise IllegalTransition(f"Session '{self.name}' is at event {self.seq} and was given event {seq}. Read it again.")
        if isinstance(event, e.SessionOpened) and self.seq:
            raise IllegalTransition(f"Session '{self.name}' is open already. Open another one instead.")
        if not isinstance(event, e.SessionOpened) and not self.seq:
            raise IllegalTransition(f"Session '{self.id}' is not open and cannot take {type(event).__name__}. Open it first.")

    def _target(self, event: e.Event) -> SessionState:
        if isinstance(event, e.SessionOpened):
            return SessionState.ACTIVE
        if type(event) in PASSING:
            return self.state
        trigger = trigger_of(event)
        target = TRANSITIONS[self.state].get(trigger) if trigger else None
        if target is None:
            raise IllegalTransition(refusal(self.name, self.state, event))
        return target

    def _fold(self, stamped: e.Stamped) -> None:
        event = stamped.event
        match event:
            case e.UserSaid() | e.RetryAsked() | e.CompactionAsked():
                self._ask(event)
            case e.TurnStarted():
                self.queue.pop(0)
                self.running = event.turn
            case e.AnswerDelta():
                self.answer.add(event.text, event.thinking)
            case e.AnswerProgress():
                self.answer.save(event.text, event.thinking)
            case e.AssistantSaid():
                self._take_answer(event)
            case e.HandedOver():
                self.answer = Answer()
            case e.ToolStarted():
                self.open_calls[event.call.id] = self.asked_calls.pop(event.call.id)
            case e.QuestionAsked():
                self.question = event
            case e.ToolReturned() | e.QuestionAnswered():
                self._end_call(event.result.call)
            case e.TurnEnded():
                self._end_turn(event)
            case e.Compacted():
                self._count(event.usage, event.cost)
                self.context_used = event.told
            case e.Rewound() | e.Redone():
                self._revise(event)
            case e.Seen():
                self._see(event)
            case e.Closed():
                self.queue.clear()
                self._leave_turn()
                self._see(e.Seen(self.seq))
            case _:
                self._describe(stamped)
        if type(event) in CONVERSATION:
            self.conversation.append(stamped)
            if is_news(event):
                self.unread.append(self.seq)
            if isinstance(event, e.TurnEnded) and event.seen:  # whoever sees this end was shown all that came before it
                self._see(e.Seen(self.seq))

    def _take_answer(self, event: e.AssistantSaid) -> None:
        self.answer = Answer()
        self.asked_calls = {call.id: call for call in event.message.calls} if event.complete else {}
        self.messages += 1
        self._count(event.usage, event.cost)
        if event.usage:
            self.context_used = event.usage.input + event.usage.output

    def _describe(self, stamped: e.Stamped) -> None:
        match event := stamped.event:
            case e.SessionOpened():
                self.name, self.kind = event.name, event.kind
                self.named_by_hand, self.kind_by_hand = event.named_by_hand, event.kind_by_hand
                self.project, self.directory = event.project, event.directory
                self.created_at = stamped.at
            case e.Renamed():
                self.name, self.named_by_hand = event.name, event.by_hand
            case e.KindChanged():
                self.kind = event.kind
            case e.Titled():
                self.title = event.title
            case e.SettingChanged(key=key, value=None):
                self.settings.pop(key, None)
            case e.SettingChanged(key=key):
                self.settings[key] = event.value
            case e.Forked():
                self.forked_from = event.parent
            case e.DirectoryChanged():
                self.directory = event.directory
            case e.Tagged() | e.Pinned() | e.Archived() | e.Trashed():
                self.filing = self.filing.after(event, stamped.at)
            case _:
                pass

    def _count(self, usage: Usage | None, cost: float | None) -> None:
        if usage:
            self.usage += usage
            self.cost += cost or 0.0
            self.unpriced += cost is None

    def _ask(self, event: e.UserSaid | e.RetryAsked | e.CompactionAsked) -> None:
        self.queue.append(Turn(self.seq))
        self.taken_back.clear()
        if isinstance(event, e.UserSaid):
            self.messages += 1
            self.said += 1
            self.first = self.first or in_one_line(event.text)

    def _revise(self, event: e.Rewound | e.Redone) -> None:
        """Nobody is told any more that what was taken back is new."""
        if isinstance(event, e.Rewound):
            self.conversation, taken = rewound(self.conversation, event.turn)
            self.taken_back.append(taken)
            gone = {stamped.seq for stamped in taken}
            self.unread = [seq for seq in self.unread if seq not in gone]
            self.unseen = self.unseen and self.ended not in gone
        else:
            self.conversation = sorted((*self.conversation, *self.taken_back.pop()), key=lambda stamped: stamped.seq or 0)
        self.context_used = last_used(self.conversation)

    def _end_call(self, call: CallId) -> None:
        self.open_calls.pop(call, None)
        self.asked_calls.pop(call, None)
        if self.question is not None and self.question.call == call:
            self.question = None

    def _end_turn(self, event: e.TurnEnded) -> None:
        if self.running == event.turn:
            self._leave_turn()
        else:
            self.queue.remove(event.turn)
        self.ended, self.ending, self.unseen = self.seq, event.ending, not event.seen

    def _see(self, mark: e.Seen) -> None:
        """The mark may go back: an end can be recorded as seen while the front end that saw it to the last but one event turns away."""
        self.mark = mark
        self.unread = news_after(self.conversation, mark.upto)
        self.unseen = self.ended > mark.upto

    def _leave_turn(self) -> None:
        self.running = None
        self.answer = Answer()
        self.asked_calls.clear()
        self.open_calls.clear()
        self.question = None

    def _settle(self, target: SessionState, at: float) -> None:
        """What the joint state implies beyond the table: a question or something unseen keeps it waiting, work keeps it Processing."""
        if target in (SessionState.ACTIVE, SessionState.WAITING, SessionState.PROCESSING):
            if self.question is not None:
                target = SessionState.WAITING
            elif self.queue or self.running is not None:
                target = SessionState.PROCESSING
            else:
                target = SessionState.WAITING if self.unseen else SessionState.ACTIVE
        if target is SessionState.PROCESSING and self.state is not SessionState.PROCESSING:
            self.unseen = False
        if target is SessionState.WAITING and self.state is not SessionState.WAITING:
            self.waiting_since = at
        self.state = target
