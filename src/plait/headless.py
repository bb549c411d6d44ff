"""`plait run`: one turn without a prompt, for scripts.

Rules:
1. The answer goes to stdout and nothing else does; progress and errors go to stderr.
2. The exit code means the same in every format; it is that of the error's class, 4 at a limit, 130 when interrupted.
3. On a terminal the answer passes the sanitizer; into a pipe or file it goes as it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any, Literal, TextIO, TypeAlias

import anyio

from plait.core import commands as c, events as e
from plait.core.context import compacted_words
from plait.core.errors import PlaitError, StoreError, error_named
from plait.core.messages import SessionId, Turn
from plait.core.naming import checked_name, session_named
from plait.core.ports import Client
from plait.core.resuming import session_to_resume
from plait.core.revision_commands import ContinueLast
from plait.core.sanitize import StreamSanitizer, sanitize
from plait.core.session import SessionState

OutputFormat: TypeAlias = Literal["text", "json", "stream-json"]
LIMIT_EXIT, INTERRUPTED_EXIT = 4, 130
CLOSING = 0.5
"""Seconds that completing a session of its own may take, a signal's included; leaving takes 2 s in all."""
PATIENCE = 60.0
"""Seconds for which a turn waits for a disk that fails, and for another program that has the database. At a prompt it waits for ever."""
NOBODY = "Nobody can answer: this runs in a script, without a user. Go on with the most sensible assumption and name it."
"""What the model is told where it asks its user."""
_OF_A_TURN = (e.InProgress, e.AnswerDelta, e.AssistantSaid, e.ToolReturned, e.CallDelayed, e.Compacted, e.HandedOver)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to say, where, and how to answer.

    It is said in the session of the name `session`, made if need be; with `last` in the one used last; in the one that `resume` names.
    Without any of these a fresh one is opened, and completed afterwards; so is one that was completed before.
    """

    prompt: str
    directory: str
    session: str = ""
    output_format: OutputFormat = "text"
    last: bool = False
    resume: str = ""


class Headless:
    """The one-shot front end over a `Client`; `out` and `progress` are text streams."""

    def __init__(self, client: Client, out: TextIO, progress: TextIO, patience: float = PATIENCE) -> None:
        self._client = client
        self._patience = patience
        self._out = out
        self._progress = progress
        self._sanitizer = StreamSanitizer() if out.isatty() else None
        self._passing = False
        """Whether the session is completed after the turn."""

    async def run(self, request: RunRequest, prepare: Callable[[SessionId], Awaitable[None]] | None = None) -> int:
        """One turn; returns the exit code. `prepare` is given the session first. Raises `PlaitError` where it could not even begin."""
        session = await self._session(request)
        try:
            if prepare is not None:
                await prepare(session)
            done = await self._submitted(c.Say(session, request.prompt))
            code = await self._answer(session, Turn(done.seq), request)
            await self._client.submit(c.MarkSeen(session))
            return code
        finally:
            if self._passing:
                with anyio.move_on_after(CLOSING, shield=True):  # after a signal, too: nobody would ever close it
                    await self._client.submit(c.CloseSession(session))

    async def _session(self, request: RunRequest) -> SessionId:
        rows = await self._client.sessions() if request.session or request.last or request.resume else ()
        status = await self._wanted(request, rows)
        again = status is not None and status.state is SessionState.COMPLETED and not request.session
        self._passing = again or (status is None and not request.session)
        if status is None:
            if request.session:
                checked_name(request.session)  # here it is a word of the command line, and as such wrong (exit code 2)
            opened = await self._submitted(c.OpenSession(request.directory, request.session, passing=not request.session))
            if request.session:
                self._tell(f"Session '{request.session}' is new.")
            return opened.session
        if status.state is SessionState.COMPLETED:
            if not request.last:  # that one is open again by now
                await self._submitted(c.ReopenSession(status.id))
        elif status.waiting_for == "question":  # the message would wait behind it, for ever
            raise PlaitError(
                f"Session '{status.name}' waits for your answer to a question. Start plait --session {status.name} and answer it."
            )
        elif status.state is SessionState.PAUSED:
            raise PlaitError(f"Session '{status.name}' is paused. Start plait --session {status.name} and type /unpause.")
        return status.id

    async def _wanted(self, request: RunRequest, rows: Sequence[c.SessionInfo]) -> c.SessionInfo | None:
        """The session that was asked for, as it was before; None if it is to be opened. Raises `PlaitError`."""
        if request.last:
            last = await self._submitted(ContinueLast(request.directory))
            return next(row for row in rows if row.id == last.session)
        if request.resume:
            return session_to_resume(rows, request.resume, request.directory)
        return session_named(rows, request.session, request.directory)

    async def _submitted(self, command: c.Command) -> c.Done:
        reply = await self._client.submit(command)
        if isinstance(reply, c.Refused):
            raise error_named(reply.error)(reply.text)
        assert isinstance(reply, c.Done)
        return reply

    async def _answer(self, session: SessionId, turn: Turn, request: RunRequest) -> int:
        status = await self._client.submit(c.ReadStatus(session))
        answer = _Answer(session, status.model if isinstance(status, c.Status) else "")
        stream = _STREAMS[request.output_format](self)
        for path in status.instructions_asked if isinstance(status, c.Status) else ():
            self._tell(f"{path} was left out: nobody has said that the model may see it. Start plait here once and answer.")
        for problem in status.instructions_problems if isinstance(status, c.Status) else ():
            self._tell(problem)
        stream({"type": "init", "session": session, "model": answer.model})
        with anyio.CancelScope() as saving:
            async with aclosing(self._client.follow(session, e.Cursor(0, turn))) as events:
                async for stamped in events:
                    if isinstance(stamped.event, e.QuestionAsked):
                        await self._nobody_answers(session, stamped.event)
                    match stamped.event:
                        case e.StoreTrouble(text=trouble):
                            saving.deadline = min(saving.deadline, anyio.current_time() + self._patience)
                        case e.StoreRecovered():
                            saving.deadline = math.inf
                        case _:
                            pass
                    ended = self._take(stamped.event, turn, answer, stream)
                    if ended is not None:
                        break
        if saving.cancelled_caught:
            raise StoreError(f"The disk took nothing for {self._patience:g} seconds, so the turn was given up. {trouble}")
        stream(answer.result(ended))
        if ended is None or ended.ending == "done":
            return 0
        self._tell(ended.detail or "The turn was interrupted.")
        return {"failed": error_named(ended.error).exit_code, "limit": LIMIT_EXIT, "interrupted": INTERRUPTED_EXIT, "done": 0}[ended.ending]

    def _take(self, event: e.Event, turn: Turn, answer: _Answer, stream: _Stream) -> e.TurnEnded | None:
        """Tell one event; the turn's end is returned."""
        if isinstance(event, _OF_A_TURN) and event.turn != turn:
            return None  # a message that waited in the session already is answered first
        match event:
            case e.InProgress() | e.AnswerDelta():
                new = event.text[len(answer.streamed) :] if isinstance(event, e.InProgress) else event.text
                answer.streamed += new
                stream({"type": "message", "role": "assistant", "delta": True, "text": new})
            case e.HandedOver() if answer.streamed:  # another answer follows, and what came of this one cannot be taken back
                answer.streamed = ""
                stream({"type": "message", "role": "assistant", "delta": True, "text": "\n\n"})
            case e.AssistantSaid():
                stream({"type": "message", "role": "assistant", "delta": True, "text": event.message.text[len(answer.streamed) :]})
                answer.take(event)
                for call in event.message.calls:
                    stream({"type": "tool_use", "id": call.id, "name": call.name, "arguments": call.arguments})
            case e.ToolReturned(result=result):
                stream({"type": "tool_result", "id": result.call, "outcome": result.outcome, "content": result.content})
            case e.CallDelayed():
                self._tell(f"{event.reason} Trying again in {max(1, round(event.seconds))} s ({event.attempt} of {event.attempts}).")
            case e.Compacted():
                answer.shortened.append(event)
                self._tell(f"The conversation was {compacted_words(event)}.")
            case e.Noted(text=text) | e.StoreTrouble(text=text):
                self._tell(text)
            case e.TurnEnded() if event.turn == turn:
                return event
            case _:
                pass
        return None

    async def _nobody_answers(self, session: SessionId, question: e.QuestionAsked) -> None:
        """The model must not wait for somebody who is not there."""
        self._tell(f"The model asked: {question.question} Nobody can answer in a script, and it was told so.")
        await self._client.submit(c.AnswerQuestion(session, question.call, NOBODY))

    def _tell(self, text: str) -> None:
        self._progress.write(f"plait: {sanitize(text)}\n")
        self._progress.flush()

    def write(self, text: str) -> None:
        """Text of the model's, onto stdout."""
        self._out.write(self._sanitizer.feed(text) if self._sanitizer else text.encode("utf-8", "replace").decode())
        self._out.flush()

    def write_line(self, record: dict[str, Any]) -> None:
        """One JSON object a line; ASCII, so that no terminal can take harm."""
        self._out.write(json.dumps(record) + "\n")
        self._out.flush()


class _Answer:
    """What one turn has said so far."""

    def __init__(self, session: SessionId, model: str) -> None:
        self.session, self.model = session, model
        self.streamed = ""
        self._said: list[e.AssistantSaid] = []
        self.shortened: list[e.Compacted] = []

    def take(self, event: e.AssistantSaid) -> None:
        self.streamed = ""
        self.model = event.model or self.model
        self._said.append(event)

    def result(self, ended: e.TurnEnded | None) -> dict[str, Any]:
        calls: list[e.Compacted | e.AssistantSaid] = [*self.shortened, *self._said]
        usages = [call.usage for call in calls if call.usage]
        costs = [call.cost for call in calls]
        record: dict[str, Any] = {
            "type": "result",
            "session": self.session,
            "model": self.model,
            "ending": ended.ending if ended else "interrupted",
            "response": "\n\n".join(said.message.text for said in self._said if said.message.text),
            "usage": {key: sum(asdict(usage)[key] for usage in usages) for key in ("input", "output", "cached")},
            "cost": sum(cost for cost in costs if cost is not None) if costs and None not in costs else None,
        }
        if ended is not None and ended.ending != "done":
            record["error"] = {"kind": ended.error or ended.ending, "message": ended.detail}
        return record


_Stream: TypeAlias = Callable[[dict[str, Any]], None]


def _text_stream(headless: Headless) -> _Stream:
    written = False

    def stream(record: dict[str, Any]) -> None:
        nonlocal written
        if record["type"] == "message" and record["text"]:
            headless.write(record["text"])
            written = True
        elif record["type"] == "result" and written and not record["response"].endswith("\n"):
            headless.write("\n")

    return stream


def _json_stream(headless: Headless) -> _Stream:
    def stream(record: dict[str, Any]) -> None:
        if record["type"] == "result":
            headless.write_line({key: value for key, value in record.items() if key != "type"})

    return stream


def _lines_stream(headless: Headless) -> _Stream:
    def stream(record: dict[str, Any]) -> None:
        if record.get("text", True):
            headless.write_line(record)

    return stream


_STREAMS: dict[OutputFormat, Callable[[Headless], _Stream]] = {
    "text": _text_stream,
    "json": _json_stream,
    "stream-json": _lines_stream,
}
