"""/inbox and /answer: everything that waits for the user, and answering it without going there.

An answer names the call that asked, and counts only if its line was begun after the question was asked: none reaches another question than
the one it was meant for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from plait.core import commands as c, events as e
from plait.core.choices import chosen
from plait.core.errors import UsageError
from plait.core.messages import AssistantMessage
from plait.core.naming import ID_PREFIX
from plait.repl.fleet import FleetView
from plait.repl.render import render_question, span_of_time
from plait.repl.slash.choices import Choice, Lookup, session_choices
from plait.repl.slash.layout import heading, paragraph
from plait.repl.slash.registry import Prompt, SlashCommand, notice, usage_error
from plait.repl.slash.targets import fleet_now, meant
from plait.repl.slash.wording import state_mark, state_words

ANSWER = "/answer [NAME|N] TEXT"
LOOKED_AT = 200
"""Events from the end among which the last line of a session is looked for."""


async def inbox(prompt: Prompt, argument: str) -> None:
    """Show everything that waits, or answer one question."""
    word, text = _first_and_rest(argument)
    if text:
        await _answer(prompt, await meant(prompt, word), text)
        return
    view = await fleet_now(prompt)
    waiting = _waiting(view)
    if word:
        row = await meant(prompt, word)
        if not row.waiting_for:
            raise UsageError(f"'{row.name}' does not wait for you ({state_words(row)}). /inbox lists what waits.")
        waiting = [row]
    if not waiting:
        notice(prompt, "Nothing waits for you. /sessions lists all that are open.")
        return
    for row in waiting:
        prompt.show(await _item(prompt, row, view))
    asked = any(row.waiting_for == "question" for row in waiting)
    how = "/answer NAME TEXT answers a question, by the number of a choice or in words; " if asked else ""
    hint = f"{how}/switch NAME goes there."
    prompt.show("\n" + paragraph(hint, prompt.look, dim=True))
    await prompt.shown()


def _waiting(view: FleetView) -> list[c.SessionInfo]:
    """Who waits for the user, oldest first; the shown session too, if it asks."""
    return sorted((row for row in view.sessions if row.waiting_for), key=lambda row: (row.waiting_since, row.id))


async def _item(prompt: Prompt, row: c.SessionInfo, view: FleetView) -> str:
    mark, _ = state_mark(row)
    waited = span_of_time(time.time() - row.waiting_since) or "a moment"
    sign = "" if prompt.look.plain else f"{mark} "
    title = heading(f"{view.number_of(row.id)} {row.name}  {sign}{state_words(row)}, waiting {waited}", prompt.look)
    if row.waiting_for == "question":
        question = await _question(prompt, row)
        return title + (render_question(question.question, question.choices, prompt.look) if question else "")
    last = await _last_line(prompt, row)
    return title + (paragraph(last, prompt.look) if last else "")


async def _question(prompt: Prompt, row: c.SessionInfo) -> e.QuestionAsked | None:
    status = await prompt.client.submit(c.ReadStatus(row.id))
    return status.question if isinstance(status, c.Status) else None


async def _last_line(prompt: Prompt, row: c.SessionInfo) -> str:
    """The last line of the answer, or why it failed; empty if that is far back."""
    page = await prompt.client.submit(c.ReadHistory(row.id, limit=LOOKED_AT))
    for stamped in reversed(page.events) if isinstance(page, c.HistoryPage) else ():
        match stamped.event:
            case e.TurnEnded(detail=text) | e.AssistantSaid(message=AssistantMessage(text=text)) if text.strip():
                return text.strip().splitlines()[-1][:400]
    return ""


async def answer(prompt: Prompt, argument: str) -> None:
    """Answer the question that waits, or the one of a session."""
    if not argument:
        raise usage_error("answer", ANSWER, "/answer needs an answer")
    view = await fleet_now(prompt)
    asking = [row for row in _waiting(view) if row.waiting_for == "question"]
    word, rest = _first_and_rest(argument)
    if rest and (_names_one(view, word) or len(asking) > 1):
        await _answer(prompt, await meant(prompt, word), rest)
    elif len(asking) == 1:
        await _answer(prompt, asking[0], argument)
    elif asking:
        who = "; ".join(f"{view.number_of(row.id)} {row.name}" for row in asking)
        raise UsageError(f"{len(asking)} questions wait: {who}. Say whose you answer, with /answer NAME TEXT; /inbox shows them.")
    else:
        raise UsageError("No question waits for an answer. /inbox shows what waits.")


def _first_and_rest(argument: str) -> tuple[str, str]:
    """The first word and what comes after it, on the same line or on the next; each may be empty."""
    word, rest = [*argument.split(maxsplit=1), "", ""][:2]
    return word, rest


def _names_one(view: FleetView, word: str) -> bool:
    """Whether a first word can be meant as a session. A mere beginning of a name counts only where a name has to come: it may be a word
    of the answer.
    """
    wanted = word.casefold()
    if any(row.name.casefold() == wanted or (len(wanted) >= ID_PREFIX and row.id.startswith(wanted)) for row in view.sessions):
        return True
    return wanted.isascii() and wanted.isdigit() and 0 < int(wanted[:9]) <= len(view.sessions)


async def _answer(prompt: Prompt, row: c.SessionInfo, text: str) -> None:
    question = await _question(prompt, row)
    if question is None:
        raise UsageError(
            f"'{row.name}' asks nothing ({state_words(row)}). /say {row.name} TEXT sends it a message, /inbox shows what waits."
        )
    if not prompt.may_answer(row.waiting_since):
        raise UsageError(
            f"'{row.name}' asked only after you had begun to type, so this is not taken for the answer. /inbox shows what it asks."
        )
    told = chosen(text, question.choices)
    if await prompt.submit(c.AnswerQuestion(row.id, question.call, told)) is not None:
        short = told if len(told) <= 80 else f"{told[:80]}…"
        notice(prompt, f"Answered '{row.name}': {short}", "success")


async def _asking(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else session_choices(lookup.fleet, lambda row: row.waiting_for == "question")


async def _all_waiting(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else session_choices(lookup.fleet, lambda row: bool(row.waiting_for))


COMMANDS = (
    SlashCommand(
        "inbox",
        inbox,
        "sessions",
        "/inbox [NAME|N [TEXT]]",
        "Show everything that waits for you, what has waited longest first, questions in full; with a text, answer one.",
        (
            ("/inbox", "shows it"),
            ("/inbox docs 2", "answers the question of 'docs' with its second choice"),
        ),
        detail="Looking at it marks nothing as seen. A failed turn and a finished answer are shown with their last line.",
        complete=_all_waiting,
        many=True,
    ),
    SlashCommand(
        "answer",
        answer,
        "sessions",
        ANSWER,
        "Answer a question that a session waits with: by the number of a choice, its text or its beginning, or in words of your own.",
        (
            ("/answer yes, with tests", "answers the only question that waits"),
            ("/answer docs 2", "takes the second choice of the question that 'docs' asks"),
        ),
        detail="With several questions the session has to be named. A first word that is a session's name or number is taken for it.",
        complete=_asking,
    ),
)
