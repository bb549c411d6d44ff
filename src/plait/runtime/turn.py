"""One turn: model calls and tool calls in between, until the model is done, a limit is reached, or the user says stop.

Rules:
1. Every step is an event, so that going on after a crash is the same as going on after the last event.
2. All that was said is durable before a model sees it; `ToolStarted` is durable before a tool runs (promises P1, P3).
3. A turn ends with exactly one `TurnEnded`, however it ends; it is one fault boundary, so that no other session notices (promise P4).
4. Whatever a model or a tool sends has a cap, and passing it is told (promise P6).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from itertools import groupby

import anyio

from plait.core import events as e
from plait.core.context import compaction_asked
from plait.core.errors import BadAnswer, ContextTooLong, PlaitError
from plait.core.history import UNKNOWN_OUTCOME, provider_view, with_unique_ids
from plait.core.messages import (
    AssistantMessage,
    Finished,
    ModelRequest,
    Outcome,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolResult,
    Turn,
)
from plait.core.ports import Ask, ToolContext
from plait.core.session import Session, SessionState
from plait.runtime.compacting import NOT_COMPACTED, Compactor
from plait.runtime.turn_setup import TurnDoors, TurnPlan, price

log = logging.getLogger(__name__)

PROGRESS = 0.25
"""Seconds within which streamed text is in the journal: no more of an answer is lost by a crash."""
RESULT_CAP = 200_000
"""Characters of a tool's result that the model is given; what is cut is said."""
ANSWER_CAP = 2_000_000
"""Characters of one answer, thinking included: several times what any model writes in one call."""
QUESTION_CAP = 10_000
"""Characters of a question to the user, its choices included; a longer one is not asked, and the model is told why."""
CALLS_CAP = 100
"""Tool calls of one answer that are run; the others are refused."""
NOT_RUN = "Not run: the turn was stopped before it."
NOT_ANSWERED = "The user stopped the turn and did not answer."


class TurnRunner:
    """Runs one turn of one session to its end."""

    def __init__(self, session: Session, turn: Turn, doors: TurnDoors) -> None:
        self._session = session
        self._turn = turn
        self._doors = doors
        self._compactor = Compactor(session, turn, doors)
        self._to_compact = compaction_asked(session.conversation, turn)
        self._timer: asyncio.TimerHandle | None = None
        self._heard: list[tuple[str, str]] = []
        """Text and thinking that came within this step of the event loop, and are not recorded yet."""

    async def run(self) -> None:
        """Run the turn. Raises nothing but cancellation, and that only after the turn's end is recorded.

        A turn that was ended from outside, because it did not stop when it was told to, records nothing any more.
        """
        try:
            # One that was asked before a restart waits for its answer, not for a model that may be missing just now.
            await self._doors.until(lambda: self._session.question is None)
            plan = await self._doors.plan()
            ending, detail = await self._calls(plan)
        except anyio.get_cancelled_exc_class():
            if self._doors.leaving() and self._doors.hands_over() and not self._session.open_calls:
                self._hand_over()
            elif not (self._doors.leaving() and self._session.question is not None):  # else it goes on at the next start
                self._end("interrupted", NOT_COMPACTED if self._to_compact else "")
            raise
        except PlaitError as error:
            self._end("failed", str(error), type(error).__name__)
        except Exception as error:  # the turn's fault boundary: the session says so and goes on, no other one notices
            log.exception("turn %s of session %s failed", self._turn, self._session.id)
            self._end("failed", f"plait failed inside this turn ({type(error).__name__}). Try /retry; the log has the details.")
        else:
            self._end(ending, detail)

    async def _calls(self, plan: TurnPlan) -> tuple[e.Ending, str]:
        await self._run_tools()  # those that the last answer asked for, where the turn goes on after a restart
        for _ in range(plan.max_calls):
            await self._doors.durable()
            await self._doors.until(lambda: self._session.state is not SessionState.PAUSED)
            if self._to_compact is not None:
                return await self._compactor.asked(plan, self._to_compact.keep)
            finished = await self._call_with_room(plan)
            if finished.stop == "length":
                self._doors.record(e.Noted("The answer reached the limit of tokens and stops there. Say 'go on', or raise max_tokens."))
            if not self._session.asked_calls:
                return "done", ""
            await self._run_tools()
        return "limit", f"The turn reached its limit of {plan.max_calls} model calls. Say 'go on' to continue."

    async def _run_tools(self) -> None:
        """Run what the last answer asked for, one after another."""
        calls = tuple(self._session.asked_calls.values())
        for call in calls[:CALLS_CAP]:
            await self._call_tool(call)
        for call in calls[CALLS_CAP:]:
            self._return(call, f"Not run: an answer may ask for {CALLS_CAP} calls. Ask for fewer at once.", "denied")

    async def _call_with_room(self, plan: TurnPlan) -> Finished:
        """A model call; the conversation is compacted before it where it nearly fills the window, or once where the provider says so."""
        compacted = await self._compactor.before_call(plan)
        try:
            return await self._call_model(plan)
        except ContextTooLong as refusal:
            if self._session.answer or self._heard:  # an answer that has begun is not repeated
                raise
            if compacted:
                raise _still_too_long(refusal) from refusal
            if not await self._compactor.after_refusal(plan, refusal):
                raise
        try:
            return await self._call_model(plan)
        except ContextTooLong as refusal:
            raise _still_too_long(refusal) from refusal

    async def _call_model(self, plan: TurnPlan) -> Finished:
        request = self._request(plan)
        watcher = self._doors.watcher(self._turn)
        length = 0
        async with aclosing(self._doors.gate.stream(self._session.id, plan.choice.provider, request, watcher)) as events:
            async for event in events:
                match event:
                    case TextDelta(text=text):
                        self._progressed(text, "")
                    case ThinkingDelta(text=text):
                        self._progressed("", text)
                    case Finished():
                        self._said(event, plan)
                        return event
                length += len(event.text)
                if length > ANSWER_CAP:
                    raise BadAnswer(
                        f"{plan.name} wrote more than {ANSWER_CAP:,} characters and was stopped. What came is kept; ask for less."
                    )
                if self._doors.crowded():
                    self._save_progress()
                    await self._doors.durable()
        raise BadAnswer(f"{plan.name} ended its answer without saying so. Try /retry.")

    def _request(self, plan: TurnPlan) -> ModelRequest:
        messages = provider_view(self._session.conversation, plan.window_messages)
        return ModelRequest(plan.choice.model, messages, plan.system, self._doors.specs(plan.choice), plan.sampling)

    def _progressed(self, text: str, thinking: str) -> None:
        """What comes without a wait in between, as from a server flat out, is one event: thousands a second would show no more."""
        if not self._heard:
            asyncio.get_running_loop().call_soon(self._record_heard)
        self._heard.append((text, thinking))

    def _record_heard(self) -> None:
        heard, self._heard = self._heard, []
        if not heard or self._session.running != self._turn:
            return
        # Thinking after text is told in that order, as two events.
        for kind, said in groupby(heard, key=lambda one: bool(one[1])):
            joined = "".join(text or thinking for text, thinking in said)
            self._doors.record(e.AnswerDelta(self._turn, "" if kind else joined, joined if kind else ""))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PROGRESS, self._save_progress)

    def _save_progress(self) -> None:
        self._record_heard()
        self._stop_timer()
        text, thinking = self._session.answer.unsaved
        if self._session.running == self._turn and (text or thinking):
            self._doors.record(e.AnswerProgress(self._turn, text, thinking))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _said(self, finished: Finished, plan: TurnPlan) -> None:
        self._record_heard()
        self._stop_timer()
        answer = self._session.answer
        calls = with_unique_ids(finished.calls, self._session.conversation)
        state = finished.provider_state if calls == finished.calls else None  # it names the calls by their old ids
        message = AssistantMessage(answer.text, answer.thinking, calls, state, plan.choice.provider.name)
        cost = price(plan.choice, finished.usage)
        self._doors.record(e.AssistantSaid(self._turn, message, finished.stop, plan.name, finished.usage, cost))

    async def _call_tool(self, call: ToolCall) -> None:
        tool = self._doors.tools.get(call.name)
        if tool is None:
            known = ", ".join(self._doors.tools) or "none"
            self._return(call, f"There is no tool named {call.name!r}. Tools that exist: {known}.", "error")
            return
        self._doors.record(e.ToolStarted(self._turn, call))
        await self._doors.durable()
        try:
            content = await tool.run(call.arguments, ToolContext(self._session.id, self._session.directory, call.id))
        except Exception as error:  # a tool call's fault boundary: the model is told, the turn goes on
            log.exception("tool %s failed", call.name)
            self._return(call, f"The tool failed: {error}", "error")
        else:
            if isinstance(content, Ask):
                await self._ask(call, content)
            else:
                self._return(call, content, "done")

    async def _ask(self, call: ToolCall, ask: Ask) -> None:
        """The user's answer is the call's result. It is recorded by whoever gives it, so that it counts even if plait ends right after."""
        length = len(ask.question) + sum(map(len, ask.choices))
        if length > QUESTION_CAP:
            told = f"Not asked: the question has {length:,} characters, and one may have {QUESTION_CAP:,}. Ask a shorter one."
            self._return(call, told, "error")
            return
        self._doors.record(e.QuestionAsked(self._turn, call.id, ask.question, ask.choices))
        await self._doors.until(lambda: self._session.question is None)

    def _return(self, call: ToolCall, content: str, outcome: Outcome) -> None:
        if len(content) > RESULT_CAP:
            content = f"{content[:RESULT_CAP]}\n[{len(content) - RESULT_CAP} more characters were cut here.]"
        self._doors.record(e.ToolReturned(self._turn, ToolResult(call.id, call.name, content, outcome)))

    def _hand_over(self) -> None:
        """Leave the turn to the next owner, who makes its call again; no tool ran just now. Nothing here awaits."""
        self._save_progress()
        if self._session.running == self._turn:
            self._doors.record(e.HandedOver(self._turn))

    def _end(self, ending: e.Ending, detail: str, error: str = "") -> None:
        """Record the end, and before it what was cut off. Nothing here awaits: a cancelled turn gets here too."""
        self._record_heard()
        self._stop_timer()
        if self._session.running != self._turn:
            return
        for event in cut_off(self._session, self._turn):
            self._doors.record(event)
        self._doors.record(e.TurnEnded(self._turn, ending, self._doors.attended(), detail, error))


def _still_too_long(refusal: ContextTooLong) -> ContextTooLong:
    return ContextTooLong(f"{refusal} It was just compacted, and that was not enough.")


def cut_off(session: Session, turn: Turn) -> Sequence[e.Event]:
    """What has to be recorded of a turn that stops in the middle: its partial answer, and calls whose outcome nobody knows."""
    cut: list[e.Event] = []
    if session.answer:
        message = AssistantMessage(session.answer.text, session.answer.thinking)
        cut.append(e.AssistantSaid(turn, message, "other", complete=False))
    asking = session.question.call if session.question is not None else None
    told = {call: NOT_ANSWERED if call == asking else UNKNOWN_OUTCOME for call in session.open_calls}
    told |= dict.fromkeys(session.asked_calls, NOT_RUN)
    for call in (*session.open_calls.values(), *session.asked_calls.values()):
        cut.append(e.ToolReturned(turn, ToolResult(call.id, call.name, told[call.id], "interrupted")))
    return cut
