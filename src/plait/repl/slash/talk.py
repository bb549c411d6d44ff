"""/retry, /clear, /history, /copy, /editor: what is done with the conversation itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plait.core import commands as c, events as e
from plait.core.counting import counted
from plait.core.errors import UsageError
from plait.core.revision_commands import ReadTurns, Turns
from plait.repl.clipboard import copy_text
from plait.repl.slash.choices import Choice, Lookup
from plait.repl.slash.registry import Prompt, SlashCommand, notice, read_status, usage_error
from plait.repl.slash.transcript import headings, is_message, last_messages, shown_again

HISTORY_SHOWN = 10
_NUMBER = re.compile("[0-9]+|[0-9]{1,3}(,[0-9]{3})+")
MOST_MESSAGES = 1000
"""Of one `/history` or `/copy`: what a person can look through, and far below what fills the memory."""


async def retry(prompt: Prompt, argument: str) -> None:
    """Ask for the last answer once more."""
    if argument:
        raise usage_error("retry", "/retry", "/retry takes nothing after it")
    await prompt.submit(c.Retry(prompt.session))


async def clear(prompt: Prompt, argument: str) -> None:
    """Complete this session and show a fresh one in the same directory. If none can be opened, this one goes on."""
    if argument:
        raise usage_error("clear", "/clear", "/clear takes nothing after it")
    old = await read_status(prompt)
    if old is None:
        return
    if not old.info.messages:
        notice(prompt, f"Nothing has been said in '{old.info.name}' yet. There is nothing to clear.")
        return
    if await prompt.submit(c.CloseSession(old.info.id)) is None:
        return
    opened = await prompt.submit(c.OpenSession(old.info.directory))
    if not isinstance(opened, c.Done):
        await prompt.submit(c.ReopenSession(old.info.id))
        return
    await prompt.switch(opened.session)
    fresh = await read_status(prompt)
    way = f"/reopen {old.info.name}" if prompt.many else f"plait --session {old.info.id}"
    text = (
        f"A fresh session. The one before it, '{old.info.name}' with {counted(old.info.messages, 'message')}, is closed and was not "
        f"deleted: {way} goes on with it."
    )
    if fresh is not None and fresh.model != old.model:
        text += f" The model is {fresh.model or 'not chosen'} again; /model {old.model} takes the other."
    notice(prompt, text, "success")


async def history(prompt: Prompt, argument: str) -> None:
    """Show the last messages again."""
    wanted = _history_count(argument)
    told = await last_messages(prompt, min(wanted, MOST_MESSAGES))
    if told is None:
        return
    if not any(map(is_message, told.events)):
        notice(prompt, "Nothing has been said in this session yet. Type a message.")
        return
    turns = await prompt.submit(ReadTurns(prompt.session, limit=MOST_MESSAGES))
    for text in shown_again(told.events, prompt.look, headings(told, turns.turns if isinstance(turns, Turns) else ())):
        prompt.show(text)
        await prompt.shown()
    if wanted > MOST_MESSAGES and sum(map(is_message, told.events)) == MOST_MESSAGES:
        notice(prompt, f"These are the last {MOST_MESSAGES:,} messages, which is the most at once.")


async def copy(prompt: Prompt, argument: str) -> None:
    """Copy an answer, or the last block of code, as the model wrote it."""
    if argument.lower() == "code":
        text = _last_code(await _answers(prompt, MOST_MESSAGES))
        if not text:
            raise UsageError("No answer of this session has a block of code. /copy takes the last answer whole.")
    else:
        place = _copy_count(argument)
        answers = await _answers(prompt, min(MOST_MESSAGES, place * 4))
        if len(answers) < place:
            answers = await _answers(prompt, MOST_MESSAGES)
        if len(answers) < place:
            known = {0: "There is no answer", 1: "There is only 1 answer"}.get(len(answers), f"There are only {len(answers)} answers")
            raise UsageError(f"{known} in this session to copy. Ask something first, or give a smaller number.")
        text = answers[-place]
    notice(prompt, await copy_text(text, prompt.environ, prompt.forward), "success")


async def editor(prompt: Prompt, argument: str) -> None:
    """Compose in the user's editor; the text goes into the input line, to be looked at and sent."""
    text = await prompt.edit(argument)
    if text is not None or argument:
        prompt.prefill((text if text is not None else argument).rstrip("\n"))


def _history_count(argument: str) -> int:
    """How many messages; a larger number than is shown at once is one too, for a heading that says how much is new may offer it."""
    if not argument:
        return HISTORY_SHOWN
    digits = argument.replace(",", "").lstrip("0") if _NUMBER.fullmatch(argument) else ""
    if not digits:
        raise usage_error("history", "/history or /history 20", f"'{argument[:40]}' is not a number from 1 on")
    return int(digits[:9])


def _copy_count(argument: str) -> int:
    if not argument:
        return 1
    if not (argument.isascii() and argument.isdigit() and len(argument) < 9 and 1 <= int(argument) <= MOST_MESSAGES):
        raise usage_error("copy", "/copy, /copy 2 or /copy code", f"'{argument[:40]}' is not a number from 1 to {MOST_MESSAGES:,}")
    return int(argument)


async def _answers(prompt: Prompt, messages: int) -> list[str]:
    """The texts of the answers among the last `messages`, oldest first, without those that were taken back."""
    told = await last_messages(prompt, messages)
    said = (one.event for one in told.events if isinstance(one.event, e.AssistantSaid)) if told else ()
    texts = [one.message.text for one in said if told and one.turn not in told.gone]
    return [text for text in texts if text.strip()]


def _last_code(answers: Sequence[str]) -> str:
    """The last block of code of the newest answer that has one; empty if none has."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt()
    for answer in reversed(answers):
        blocks = [token.content for token in parser.parse(answer) if token.type in ("fence", "code_block")]
        if blocks:
            return blocks[-1]
    return ""


async def _copy_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else (Choice("code", "the last block of code"),)


COMMANDS = (
    SlashCommand(
        "retry",
        retry,
        "conversation",
        "/retry",
        "Ask the model again; the last answer is replaced in what the model sees, and stays in /history.",
        (("/retry", "asks again, for instance after a failed or interrupted answer"),),
        detail="Only the model is asked again: no tool runs twice. With /model before it, another model answers.",
    ),
    SlashCommand(
        "clear",
        clear,
        "conversation",
        "/clear",
        "Close this session and begin a fresh one in the same directory; nothing is deleted.",
        (("/clear", "begins afresh and says how to go on with the old session"),),
    ),
    SlashCommand(
        "history",
        history,
        "conversation",
        "/history [N]",
        f"Show the last N messages of this session again ({HISTORY_SHOWN} without N), thinking included.",
        (("/history 20", "shows the last 20 messages"),),
        detail="Above each of your messages stands its number, for /rewind and /fork, or that it was taken back.",
    ),
    SlashCommand(
        "copy",
        copy,
        "conversation",
        "/copy [N|code]",
        "Copy the last answer, the N-th last, or the last block of code to the clipboard, as the model wrote it.",
        (
            ("/copy", "copies the last answer"),
            ("/copy code", "copies the last block of code"),
            ("/copy 2", "copies the answer before the last"),
        ),
        detail="Over SSH and inside tmux the terminal is asked to do it (OSC 52); some terminals have to be told to allow that.",
        complete=_copy_choices,
    ),
    SlashCommand(
        "editor",
        editor,
        "conversation",
        "/editor [TEXT]",
        "Write a message in $VISUAL or $EDITOR; it comes back into the input line, where Enter sends it.",
        (("/editor Dear all", "opens the editor with a beginning"), ("/editor", "opens it empty")),
        detail="Ctrl+G opens the editor on what is in the input line.",
    ),
)
