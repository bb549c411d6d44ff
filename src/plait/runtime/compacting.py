"""Making a conversation shorter, inside a turn: when it is due, and the model calls that write the summary.

Rules:
1. Nothing changes before the summary is there: `Compacted` is one event, recorded at the end. Whatever interrupts or fails before it
   leaves the conversation as it was, and says so.
2. A model call is preceded by one compaction at the most, or repeated after one: never both, and never twice.
3. A summary that is not shorter than what it stands for is not taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from plait.core import context, events as e, summarising
from plait.core.digest import digest
from plait.core.errors import BadAnswer, ContextTooLong, ModelError
from plait.core.history import SUMMARY, told
from plait.core.messages import Finished, ModelRequest, TextDelta, ThinkingDelta, Turn, Usage
from plait.core.session import Session
from plait.core.summarising import Task
from plait.runtime.turn_setup import TurnDoors, TurnPlan, price

NOT_COMPACTED = "Interrupted. Nothing was compacted: the conversation is as it was. /retry compacts it."
NOTHING_TO_COMPACT = "There is nothing to compact: all of the conversation is its last message, or a summary already."
SUMMARY_CAP = 100_000
"""Characters of one summary that are read; it is asked to have some thousands at the most."""
THINKING_CAP = 1_000_000
"""Characters that a model may think before it; half of what a whole answer may have."""
HALVINGS = 4
"""How often a piece that the provider finds too long is made half as long: down to a sixteenth."""
UNKNOWN_WINDOW = 8_192
"""Tokens that every model in use takes, where neither the model's window is known nor how much it has taken so far."""


class Compactor:
    """Compacts the conversation of one turn's session."""

    def __init__(self, session: Session, turn: Turn, doors: TurnDoors) -> None:
        self._session = session
        self._turn = turn
        self._doors = doors
        self._given_up = False

    async def asked(self, plan: TurnPlan, keep: str) -> tuple[e.Ending, str]:
        """The whole turn that the user asked for. Raises `ModelError`, and nothing has changed then."""
        fixed = self._fixed(plan)
        window = plan.choice.context_window or max(UNKNOWN_WINDOW, context.last_reported(self._session.conversation, plan.name)[1])
        share = context.budget(window, plan.compact_at, fixed)
        put_behind = context.plan_compaction(self._session.conversation, share.kept, plan.window_messages, asked=True)
        if put_behind is None:
            self._doors.record(e.Noted(NOTHING_TO_COMPACT))
            return "done", ""
        await self._compact(plan, put_behind, window, share, keep)
        return "done", ""

    async def before_call(self, plan: TurnPlan) -> bool:
        """Compact if the window is nearly full; whether that was done. Where it fails, the call is made as it is."""
        window = plan.choice.context_window
        if not window or not plan.compact_at or self._given_up:
            return False
        fixed = self._fixed(plan)
        taken = context.used(self._session.conversation, plan.name, fixed, plan.window_messages)
        if not context.last_reported(self._session.conversation, plan.name)[1]:
            taken += taken // context.UNSURE  # this model has reported nothing yet
        if taken < context.full_at(window, plan.compact_at, plan.sampling.max_tokens):
            return False
        share = context.budget(window, plan.compact_at, fixed)
        put_behind = context.plan_compaction(self._session.conversation, share.kept, plan.window_messages)
        if put_behind is None or put_behind.replaced < 2 * share.summary:
            return False
        try:
            await self._compact(plan, put_behind, window, share)
        except ModelError as error:
            self._given_up = True
            filled = f"The conversation fills about {100 * taken // window} % of what {plan.name} takes, and it could not be compacted."
            self._doors.record(e.Noted(f"{filled} {error} It goes on as it is."))
            return False
        return True

    async def after_refusal(self, plan: TurnPlan, refusal: ContextTooLong) -> bool:
        """The provider finds the conversation too long: compact; whether that was done. Raises `ContextTooLong` where it fails."""
        if not plan.compact_at or self._given_up:
            return False
        taken = context.used(self._session.conversation, plan.name, self._fixed(plan), plan.window_messages)
        proven = context.last_reported(self._session.conversation, plan.name)[1]
        window = min(plan.choice.context_window or taken, max(proven, taken // 2))  # so much at least it takes, so much it does not
        share = context.budget(window, plan.compact_at, self._fixed(plan))
        put_behind = context.plan_compaction(self._session.conversation, share.kept, plan.window_messages)
        if put_behind is None:
            return False
        try:
            await self._compact(plan, put_behind, window, share)
        except ModelError as error:
            raise ContextTooLong(f"{refusal} It could not be compacted either. {error}") from error
        return True

    def _fixed(self, plan: TurnPlan) -> int:
        return context.tokens(plan.system) + context.spec_tokens(self._doors.specs(plan.choice))

    async def _compact(
        self, plan: TurnPlan, put_behind: context.CompactionPlan, window: int, share: context.Budget, keep: str | None = None
    ) -> None:
        """Write the summary, and let it stand for what it was made of; `keep` is what a user said who asked for it."""
        if plan.choice.can_summarise:
            task = Task(plan.choice.model, share, summarising.sampling_of(plan.sampling, window, share), keep or "")
            summary, usage = await self._summary(plan, put_behind, task)
        else:
            summary, usage = digest(put_behind, share.summary, keep or ""), None
        size = context.tokens(SUMMARY.format(summary))
        if size >= put_behind.replaced:
            raise BadAnswer(
                f"The summary is as long as what it stands for ({size:,} tokens for {put_behind.replaced:,}), so nothing "
                "was compacted. Another model may write a shorter one."
            )
        compacted = e.Compacted(
            self._turn,
            put_behind.upto,
            summary,
            plan.name if plan.choice.can_summarise else "",
            put_behind.said,
            usage=usage,
            cost=price(plan.choice, usage),
            asked=keep is not None,
            replaced=put_behind.replaced,
        )
        self._doors.record(replace(compacted, told=self._fixed(plan) + self._told_with(compacted, plan)))
        await self._doors.durable()

    def _told_with(self, compacted: e.Compacted, plan: TurnPlan) -> int:
        session = self._session
        shorter = [*session.conversation, e.Stamped(session.id, session.seq + 1, session.last_at, compacted)]
        return sum(context.message_tokens(message) for _, message in told(shorter, plan.window_messages))

    async def _summary(self, plan: TurnPlan, put_behind: context.CompactionPlan, task: Task) -> tuple[str, Usage | None]:
        """A summary of all pieces, each told with the summary so far, and what the calls took."""
        blocks: Sequence[str] = summarising.blocks_of(put_behind, task)
        summary, usage, part, refused = summarising.summary_so_far(put_behind, task), None, 1, 0
        while blocks:
            room = summarising.room_of(task)
            piece, rest = summarising.first_piece(blocks, room)
            of = part - 1 + summarising.pieces_left(blocks, room)
            try:
                text, took = await self._written(plan, summarising.request_for(piece, summary, task), part, of)
            except ContextTooLong:
                refused += 1
                if refused > HALVINGS:
                    raise
                task = replace(task, budget=replace(task.budget, request=task.budget.request // 2))
                continue
            usage = took if usage is None else usage + (took or Usage())
            summary, blocks, part = summarising.cut_summary(text, task.budget), rest, part + 1
        return summary, usage

    async def _written(self, plan: TurnPlan, request: ModelRequest, part: int, of: int) -> tuple[str, Usage | None]:
        """What the model writes. Raises `ModelError`."""
        written: list[str] = []
        length = thought = 0
        self._doors.record(e.Compacting(self._turn, part, of))
        stream = self._doors.gate.stream(self._session.id, plan.choice.provider, request, self._doors.watcher(self._turn))
        async with aclosing(stream) as events:
            async for event in events:
                match event:
                    case TextDelta(text=text):
                        if not written:
                            self._doors.record(e.Compacting(self._turn, part, of))  # it may have waited for a slot
                        written.append(text)
                        length += len(text)
                    case ThinkingDelta(text=text):
                        thought += len(text)
                    case Finished(usage=usage):
                        text = "".join(written)
                        if not text.strip():
                            raise BadAnswer(f"{plan.name} wrote no summary. Try another model, or once more.")
                        return text, usage
                if length > SUMMARY_CAP or thought > THINKING_CAP:
                    what = f"a summary of more than {SUMMARY_CAP:,}" if length > SUMMARY_CAP else f"thoughts of more than {THINKING_CAP:,}"
                    raise BadAnswer(f"{plan.name} wrote {what} characters and was stopped. Try another model.")
        raise BadAnswer(f"{plan.name} ended its summary without saying so. Try once more.")
