"""Events -> what the user sees: finished blocks into the scrollback, the growing rest as the live tail.

Rules:
1. It keeps nothing but what it is in the middle of: everything shown comes from events, live or replayed, through the same door.
2. A message is echoed where its turn starts, so that the scrollback reads in the order of the conversation; until then it is `queued`.
3. What deltas have shown already is not shown again by the finished answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from plait.core import events as e
from plait.core.context import compacted_words
from plait.core.messages import AssistantMessage, Turn
from plait.core.sanitize import sanitize
from plait.repl import render
from plait.repl.revisions import revision_text
from plait.repl.style import Look
from plait.repl.surface import Surface

ASKING = "ask_user"
"""The tool whose call is shown as the question that comes of it."""
THINKING_SHOWN = 400
"""Characters of the end of the thinking under way that are shown; all of it is in the session."""

_TALK = (e.TurnStarted, e.AssistantSaid, e.ToolReturned, e.QuestionAsked, e.QuestionAnswered, e.Compacted, e.TurnEnded, e.Noted)
"""What a pause lies between. That a session was looked at, named or set is no talk, and a message is shown where its turn starts."""


class Printer:
    """Shows one session's events on a surface. `gap` is the pause, in seconds, after which the time is shown; 0 never shows it."""

    def __init__(self, surface: Surface, look: Look, gap: float) -> None:
        self._surface = surface
        self._look = look
        self._gap = gap
        self.on_change: Callable[[], None] = lambda: None
        """Called after each event."""
        self._answer: render.AnswerStream | None = None
        self._shown = 0
        self._elsewhere = 0
        """Characters of the next answer that were shown before this session was left the last time."""
        self._thinking: list[str] = []
        self._waiting: dict[Turn, e.UserSaid] = {}
        self._answered = False
        self._last_at = 0.0
        self.running: Turn | None = None
        self.place = 0
        """The place in the gate's queue; 0 while the call runs."""
        self.compacting = (0, 0)
        """Which of how many parts of a summary is being written; (0, 0) for none."""

    @property
    def look(self) -> Look:
        """The look at the surface's present width."""
        width = self._surface.columns
        return self._look if width == self._look.width else replace(self._look, width=width)

    @property
    def queued(self) -> tuple[str, ...]:
        """Texts of messages whose turns have not started."""
        return tuple(said.text for said in self._waiting.values())

    @property
    def shown(self) -> int:
        """Characters of the answer in progress that were shown: finished blocks, and the tail, which is drawn again as a whole."""
        return max(self._shown, self._elsewhere)

    def go_on_from(self, shown: int, running: Turn | None, waiting: Sequence[e.Stamped]) -> None:
        """What was shown and said before this session was left the last time.

        Of the next answer the first `shown` characters were shown; `running` is the turn that runs, `waiting` are messages whose turns have
        not started.
        """
        self._elsewhere, self.running = shown, running
        for stamped in waiting:
            if isinstance(stamped.event, e.UserSaid):
                self._waiting[Turn(stamped.seq or 0)] = stamped.event

    def show(self, stamped: e.Stamped) -> None:
        """Show one event."""
        event = stamped.event
        match event:
            case e.UserSaid():
                self._waiting[Turn(stamped.seq or 0)] = event
            case e.TurnStarted():
                self._turn_started(event, stamped.at)
            case e.InProgress():
                self._restart(event)
            case e.Compacting(part=part, parts=parts):
                self.compacting = (part, parts)
            case e.AnswerDelta():
                self.place, self.compacting = 0, (0, 0)
                self._delta(event.text, event.thinking)
            case e.AssistantSaid():
                self._said(event.message)
            case e.TurnEnded():
                self._turn_ended(event)
            case e.HandedOver():
                self._cut_off()
            case _:
                self._aside(event)
        if isinstance(event, _TALK):
            self._last_at = stamped.at
        self.on_change()

    def reset(self) -> None:
        """Forget what it is in the middle of: another session is shown next."""
        self._answer, self._shown, self._thinking, self._elsewhere = None, 0, [], 0
        self._waiting, self.running, self._last_at, self.place, self.compacting = {}, None, 0.0, 0, (0, 0)
        self._surface.set_tail("")

    def _turn_started(self, event: e.TurnStarted, at: float) -> None:
        said = self._waiting.pop(event.turn, None)
        if said is not None:
            self._echo(said, at)
        self.running, self._answered = event.turn, False

    def _echo(self, event: e.UserSaid, at: float) -> None:
        pause = at - self._last_at
        if self._last_at and self._gap and pause >= self._gap:
            self._surface.write(render.render_gap(pause, self.look) + "\n")
        text = event.text
        for attachment in event.attachments:
            text += f"\n[{attachment.path}: {len(attachment.text):,} characters]"
        self._surface.write(render.render_user(text, self.look) + "\n")

    def _restart(self, event: e.InProgress) -> None:
        """A whole answer so far: after a start in its middle, or because this reader fell behind. What is new of it is shown."""
        text = self._rest(event.text)
        thinking = "" if self._shown else event.thinking[sum(map(len, self._thinking)) :]
        self.running = event.turn
        self._delta(text, thinking)

    def _delta(self, text: str, thinking: str) -> None:
        if thinking:
            self._thinking.append(thinking)
            end = sanitize("".join(self._thinking[-THINKING_SHOWN:])[-THINKING_SHOWN:]).expandtabs(4)  # each delta is a character at least
            self._surface.set_tail(render.render_tail("thinking: " + self.look.encode(end).strip(), self.look))
        if text:
            self._fold_thinking()
            self._answered = True
            self._shown += len(text)
            stream = self._stream()
            if blocks := stream.feed(text):
                self._surface.write("".join(blocks))
            self._surface.set_tail(render.render_tail(stream.tail, self.look))

    def _rest(self, whole: str) -> str:
        """What of the answer so far was not shown.

        Where its beginning was shown earlier, the stream is brought to that place: the blocks that it finishes on the way stand in the
        scrollback, and the one that was under way is shown from its beginning.
        """
        if self._elsewhere and not self._shown:
            self._shown, self._elsewhere, self._answered = min(self._elsewhere, len(whole)), 0, True
            self._stream().feed(whole[: self._shown])
        return whole[self._shown :]

    def _stream(self) -> render.AnswerStream:
        if self._answer is None:
            self._answer = render.AnswerStream(self.look)
        self._answer.look = self.look
        return self._answer

    def _fold_thinking(self) -> None:
        if self._thinking:
            text, self._thinking = "".join(self._thinking), []
            self._surface.write(render.render_thinking(text.strip(), self.look, hint="/history shows all") + "\n")

    def _said(self, message: AssistantMessage) -> None:
        if not self.shown and not self._thinking and message.thinking:
            self._thinking.append(message.thinking)
        self._fold_thinking()
        self._delta(self._rest(message.text), "")
        blocks = self._stream().finish()
        self._surface.set_tail("")
        if blocks or self._shown:
            self._surface.write("".join(blocks) + "\n")
        for call in message.calls:
            if call.name != ASKING:
                self._notice("info", f"{call.name} {call.arguments[:200]}")
        self._answer, self._shown, self._elsewhere = None, 0, 0

    def _turn_ended(self, event: e.TurnEnded) -> None:
        never_ran = self._waiting.pop(event.turn, None)
        self.place, self.compacting = 0, (0, 0)
        if event.turn == self.running:
            self.running = None
            self._cut_off()
        self._fold_thinking()
        self._surface.set_tail("")
        match event.ending:
            case "failed":
                told = render.render_error(event.detail, self.look)
            case "limit":
                told = render.render_notice("warning", event.detail, self.look)
            case "interrupted":
                text = f"Not sent any more: {never_ran.text[:80]}" if never_ran else event.detail
                text = text or f"Interrupted. {'What came until then is kept; ' if self._answered else ''}/retry asks again."
                told = render.render_notice("warning", text, self.look)
            case "done":
                return
        self._surface.write(told + "\n")

    def _cut_off(self) -> None:
        """No more comes of the answer under way. Where its owner was killed, less of it may be on disk than was shown."""
        self._fold_thinking()
        if self._answer is not None:
            self._surface.write("".join(self._answer.finish()))
        self._answer, self._shown, self._elsewhere = None, 0, 0
        self._surface.set_tail("")

    def _aside(self, event: e.Event) -> None:
        match event:
            case e.QuestionAsked():
                self._surface.write(render.render_question(event.question, event.choices, self.look))
            case e.QuestionAnswered(result=result):
                self._surface.write(render.render_user(result.content, self.look) + "\n")
            case e.ToolReturned(result=result) if result.name == ASKING and result.outcome == "interrupted":
                pass  # the end of the turn, which comes next, says so
            case e.ToolReturned(result=result):
                self._notice("success" if result.outcome == "done" else "warning", f"{result.name}: {result.content[:200]}")
            case e.CallDelayed():
                self._notice(
                    "warning", f"{event.reason} Trying again in {max(1, round(event.seconds))} s ({event.attempt} of {event.attempts})."
                )
            case e.SlotAwaited(place=place):
                self.place = place
            case e.Compacted():
                self.compacting = (0, 0)
                rule = render.render_rule(f"{compacted_words(event)} · /history has all", self.look)
                self._surface.write(rule + "\n")
            case e.Noted(text=text):
                self.compacting = (0, 0)
                self._notice("warning", text)
            case e.StoreTrouble(text=text):
                self._surface.write(render.render_error(f"{text} What you say is kept and saved as soon as it works again.", self.look))
            case e.StoreRecovered():
                self._notice("success", "Saving works again; nothing was lost.")
            case e.Rewound() | e.Redone() | e.Forked() | e.DirectoryChanged():
                self._notice("info", revision_text(event, now=True))
            case e.RetryAsked():
                self._surface.write(render.render_notice("info", revision_text(event), self.look) + "\n")
            case e.UnknownEvent(name=name):
                self._notice("info", f"An event of a later version: {name}.")
            case _:
                pass

    def _notice(self, kind: render.Kind, text: str) -> None:
        self._surface.write(render.render_notice(kind, text, self.look))
