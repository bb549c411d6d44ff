"""/undo, /redo, /rewind, /edit: taking messages back, bringing them back, saying one anew. What was done is shown as it happens."""

from __future__ import annotations

import os
from collections.abc import Sequence

from plait.core import commands as c, events as e
from plait.core.errors import UsageError
from plait.core.messages import Attachment
from plait.core.revision_commands import EditMessage, ReadTurns, Redo, Rewind, TurnLine, Turns
from plait.repl.attach import attach, without_files
from plait.repl.opening import clock
from plait.repl.revisions import quoted
from plait.repl.slash.choices import Choice, Lookup
from plait.repl.slash.layout import pairs
from plait.repl.slash.registry import Prompt, SlashCommand, notice, read_status, usage_error

LISTED = 20
"""Messages that are listed where no menu can be shown."""


async def undo(prompt: Prompt, argument: str) -> None:
    """Take back the last message and the answer to it."""
    if argument:
        raise usage_error("undo", "/undo", "/undo takes nothing after it; /rewind N goes back further")
    await prompt.submit(Rewind(prompt.session))


async def redo(prompt: Prompt, argument: str) -> None:
    """Bring back what was taken back last."""
    if argument:
        raise usage_error("redo", "/redo", "/redo takes nothing after it")
    await prompt.submit(Redo(prompt.session))


async def rewind(prompt: Prompt, argument: str) -> None:
    """Go back to before a message, which comes into the line to be changed."""
    if argument:
        line = await line_of(prompt, "rewind", argument)
    else:
        await _refuse_while_busy(prompt)
        turns = await _turns(prompt, LISTED)
        if not turns.turns:
            raise _no_message(turns, " that could be taken back")
        if not prompt.offer("/rewind "):
            list_turns(prompt, turns, "/rewind")
        return
    said = await said_in(prompt, line)
    if await prompt.submit(Rewind(prompt.session, line.turn)) is not None:
        prompt.prefill(said.text)


async def edit(prompt: Prompt, argument: str) -> None:
    """Say the last message anew."""
    await _refuse_while_busy(prompt)
    turns = await _turns(prompt, 1)
    if not turns.turns:
        raise _no_message(turns, " that could be edited")
    said = await said_in(prompt, turns.turns[-1])
    text = argument or await prompt.edit(said.text)
    if text is None or not text.strip() or text == said.text:
        notice(prompt, f"Nothing was changed: {quoted(turns.turns[-1].text)} stays. /undo takes it back, /retry asks for another answer.")
        return
    try:
        new = await _new_files(prompt, text, said.attachments)
        done = await prompt.submit(EditMessage(prompt.session, text, turns.turns[-1].turn, new))
    except UsageError:
        prompt.prefill(text)  # what was written must not be lost
        raise
    if done is None:
        prompt.prefill(text)


async def _new_files(prompt: Prompt, text: str, kept: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """The files that the new text names; those that came with the old one are kept as they were read then."""
    status = await read_status(prompt)
    names = without_files(text, {one.path for one in kept})
    return (await attach(text, status.info.directory if status else os.curdir, names)).attachments


async def line_of(prompt: Prompt, command: str, word: str) -> TurnLine:
    """The message of a number. Raises `UsageError`."""
    turns = await _turns(prompt, 1)
    if not turns.total:
        raise _no_message(turns, "")
    number = int(word[:9]) if word.isascii() and word.isdigit() else 0
    if not 1 <= number <= turns.total:
        what = f"There is no message {word[:9]}" if number or word == "0" else f"'{word[:40]}' is not the number of a message"
        raise usage_error(command, f"/{command} N", f"{what}; they go from 1 to {turns.total:,}, and /history shows their numbers")
    reply = await prompt.submit(ReadTurns(prompt.session, number + 1, 1))
    if not isinstance(reply, Turns) or not reply.turns:
        raise UsageError(f"Message {number} could not be read. Try again.")
    return reply.turns[-1]


async def said_in(prompt: Prompt, line: TurnLine) -> e.UserSaid:
    """A message as it was said. Raises `UsageError` where it cannot be read."""
    page = await prompt.submit(c.ReadHistory(prompt.session, line.turn + 1, 1))
    said = page.events[-1].event if isinstance(page, c.HistoryPage) and page.events else None
    if not isinstance(said, e.UserSaid):
        raise UsageError(f"Message {line.number} could not be read. Try again.")
    return said


def list_turns(prompt: Prompt, turns: Turns, command: str) -> None:
    """The last messages with their numbers, where no menu can be shown."""
    prompt.show("\n" + pairs([(f"{line.number}", f"{clock(line.at)} {line.text}") for line in turns.turns], prompt.look))
    earlier = f" {turns.total - len(turns.turns):,} earlier ones are in /history." if turns.total > len(turns.turns) else ""
    notice(prompt, f"Type {command} and a number.{earlier}")


async def _turns(prompt: Prompt, most: int) -> Turns:
    reply = await prompt.submit(ReadTurns(prompt.session, limit=most))
    return reply if isinstance(reply, Turns) else Turns((), 0)


def _no_message(turns: Turns, what: str) -> UsageError:
    """Where the model is told of no message: nothing was said yet, or all of it was taken back."""
    return UsageError(f"There is no message here{what}. {'/redo brings back what was taken back' if turns.can_redo else 'Send one first'}.")


async def _refuse_while_busy(prompt: Prompt) -> None:
    """Before somebody chooses or writes something that could not be done then."""
    status = await read_status(prompt)
    if status is not None and (status.running is not None or status.waiting):
        raise UsageError("A turn is running here, so nothing can be taken back now. Stop it with Ctrl+C, or wait for its end.")


async def message_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    """The messages by number, the last one first; what is typed is looked for in them."""
    if before:
        return ()
    return [Choice(str(one.number), one.text, True, tuple(one.text.lower().split())) for one in reversed(await lookup.turns())]


COMMANDS = (
    SlashCommand(
        "undo",
        undo,
        "conversation",
        "/undo",
        "Take back your last message and the answer to it: the model is told of them no more. Nothing is deleted, /redo undoes it.",
        (("/undo", "takes back the last message; once more, the one before it"),),
        detail="What was taken back stays in /history, marked, and /search finds it. Only what is said goes back: files that were changed "
        "stay as they are.",
    ),
    SlashCommand(
        "redo",
        redo,
        "conversation",
        "/redo",
        "Bring back what /undo or /rewind took back last, as long as nothing new was said.",
        (("/redo", "brings it back"),),
    ),
    SlashCommand(
        "rewind",
        rewind,
        "conversation",
        "/rewind [N]",
        "Go back to before your message N, which comes into the line to be changed and sent. Without N it offers the messages.",
        (("/rewind", "offers your messages; letters of one find it"), ("/rewind 3", "takes back message 3 and all that came after it")),
        detail="/history shows the numbers. /redo brings back what was taken back, as long as nothing new was said.",
        complete=message_choices,
    ),
    SlashCommand(
        "edit",
        edit,
        "conversation",
        "/edit [TEXT]",
        "Change your last message and send it in place of the old one: $VISUAL or $EDITOR opens with it, or TEXT is taken.",
        (("/edit", "opens the editor with the last message"), ("/edit the same in Python, please", "says that instead")),
        detail="Files that came with it stay with it, as they were read then. The old message and its answer stay in /history.",
    ),
)
