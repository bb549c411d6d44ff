"""/say, /broadcast, /peek, /pause, /unpause, /interrupt: what is done with other sessions from where one is."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core import commands as c
from plait.core.errors import UsageError
from plait.core.session import SessionState
from plait.repl.attach import attach
from plait.repl.render import render_error
from plait.repl.slash.choices import Choice, Lookup, another_session, session_choices
from plait.repl.slash.layout import heading, paragraph
from plait.repl.slash.registry import Prompt, SlashCommand, listed, notice, usage_error
from plait.repl.slash.targets import fleet_now, meant, one_word, shown_or_meant, word_and_text
from plait.repl.slash.transcript import answer_in_progress, last_messages, shown_again
from plait.repl.slash.wording import quoted, state_words

PEEKED = 10
MOST_PEEKED = 200
"""Lines of a look at another session; /switch shows more."""


async def say(prompt: Prompt, argument: str) -> None:
    """Send one message to another session."""
    word, text = word_and_text("say", "/say NAME TEXT", argument)
    row = await meant(prompt, word)
    attached = await attach(text, row.directory)
    if await prompt.submit(c.Say(row.id, attached.text, attached.attachments)) is not None:
        notice(prompt, f"Sent to '{row.name}'.{_held_up(row)}", "success")


def _held_up(row: c.SessionInfo) -> str:
    """Why a message to this session is not answered at once, if so."""
    if row.state is SessionState.PAUSED:
        return f" It is paused, so the message waits: /unpause {row.name} lets it go on."
    if row.waiting_for == "question":
        return f" It asks you something first, and this is not the answer: /answer {row.name} TEXT gives one."
    return " It is working, so the message is queued." if row.state is SessionState.PROCESSING else ""


async def broadcast(prompt: Prompt, argument: str) -> None:
    """Send one message to every open session."""
    if not argument:
        raise usage_error("broadcast", "/broadcast TEXT", "/broadcast needs a text")
    rows = (await fleet_now(prompt)).sessions
    messages = [(row, await attach(argument, row.directory)) for row in rows]  # all are read before the first is sent
    sent: list[c.SessionInfo] = []
    for row, attached in messages:
        reply = await prompt.client.submit(c.Say(row.id, attached.text, attached.attachments))
        if isinstance(reply, c.Refused):
            prompt.show(render_error(f"'{row.name}' did not take it: {reply.text}", prompt.look))
        else:
            sent.append(row)
    if sent:
        notice(prompt, f"Sent to {listed(quoted(sent))}.", "success")


async def peek(prompt: Prompt, argument: str) -> None:
    """Show the last lines of another session; it stays as unseen as it was."""
    usage = "/peek NAME or /peek NAME 20"
    words = argument.split()
    if not words or len(words) > 2:
        raise usage_error("peek", usage, "/peek needs a session" if not words else f"'{argument[:40]}' is more than a session and a number")
    count = words[1] if len(words) == 2 else str(PEEKED)
    if not (count.isascii() and count.isdigit() and 1 <= int(count[:9]) <= MOST_PEEKED):
        raise usage_error("peek", usage, f"'{count[:40]}' is not a number of lines from 1 to {MOST_PEEKED}")
    row = await meant(prompt, words[0])
    told = await last_messages(prompt, int(count), row.id)
    if told is None:
        return
    under_way = await answer_in_progress(prompt, row.id)
    look = prompt.look
    rows = "".join(shown_again([*told.events, *under_way], look)).rstrip("\n").splitlines()
    if not rows:
        notice(prompt, f"Nothing has been said in '{row.name}' yet. /say {row.name} TEXT says something there.")
        return
    end = "… and it is still writing. " if under_way else ""
    prompt.show(heading(f"{row.name}: {state_words(row)}", look) + "".join(f"{line}\n" for line in rows[-int(count) :]))
    prompt.show(paragraph(f"{end}Nothing of it is marked as seen. /switch {row.name} shows it.", look, dim=True))


async def pause(prompt: Prompt, argument: str) -> None:
    """Start no new model call in a session."""
    row = await shown_or_meant(prompt, one_word("pause", "/pause or /pause NAME", argument))
    if row.state is SessionState.PAUSED:
        raise UsageError(f"'{row.name}' is paused already. /unpause {row.name} lets it go on.")
    if await prompt.submit(c.PauseSession(row.id)) is not None:
        running = await _under_way(prompt, row)
        notice(prompt, f"'{row.name}' is paused: it starts no new model call.{running} /unpause {row.name} lets it go on.", "success")


async def _under_way(prompt: Prompt, row: c.SessionInfo) -> str:
    """What becomes of the turn of a session that is paused in its middle."""
    if row.state is not SessionState.PROCESSING:
        return ""
    reply = await prompt.client.submit(c.ReadInternals())
    if isinstance(reply, c.Internals) and any(waiting == row.id for waiting, _ in reply.waiting):
        return " Its call, which waits for its turn, goes on waiting."
    return " What runs now is finished first."


async def unpause(prompt: Prompt, argument: str) -> None:
    """Let a paused session go on."""
    row = await shown_or_meant(prompt, one_word("unpause", "/unpause or /unpause NAME", argument))
    if row.state is not SessionState.PAUSED:
        raise UsageError(f"'{row.name}' is not paused. /pause {row.name} pauses it.")
    if await prompt.submit(c.UnpauseSession(row.id)) is not None:
        notice(prompt, f"'{row.name}' goes on.", "success")


async def interrupt(prompt: Prompt, argument: str) -> None:
    """Stop the running turn of a session."""
    row = await shown_or_meant(prompt, one_word("interrupt", "/interrupt or /interrupt NAME", argument))
    if await prompt.submit(c.Interrupt(row.id)) is not None and row.id != prompt.session:
        notice(prompt, f"Stopped the turn of '{row.name}'. What came is kept; /switch {row.name}, then /retry, asks again.", "success")


async def _at_work(lookup: Lookup, before: str) -> Sequence[Choice]:
    working = (SessionState.PROCESSING, SessionState.WAITING)
    return () if before else session_choices(lookup.fleet, lambda row: row.state in working)


async def _not_paused(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else session_choices(lookup.fleet, lambda row: row.state is not SessionState.PAUSED)


async def _paused(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else session_choices(lookup.fleet, lambda row: row.state is SessionState.PAUSED)


COMMANDS = (
    SlashCommand(
        "say",
        say,
        "sessions",
        "/say NAME TEXT",
        "Send one message to another session without leaving this one.",
        (("/say docs describe the new flag too", "sends that to 'docs'"),),
        detail="Its answer is there when you go to it. @path is taken from that session's directory. A message is never the answer to a "
        "question: /answer gives one.",
        complete=another_session,
        many=True,
    ),
    SlashCommand(
        "broadcast",
        broadcast,
        "sessions",
        "/broadcast TEXT",
        "Send one message to every open session, the shown one among them, and say to which.",
        (("/broadcast the branch is frozen, do not push", "sends that to all"),),
        many=True,
    ),
    SlashCommand(
        "peek",
        peek,
        "sessions",
        "/peek NAME [N]",
        f"Show the last N lines of another session ({PEEKED} without N), with the answer that is being written; it stays unread.",
        (("/peek docs 20", "shows the last 20 lines"), ("/peek docs", f"shows the last {PEEKED}")),
        complete=another_session,
        many=True,
    ),
    SlashCommand(
        "pause",
        pause,
        "sessions",
        "/pause [NAME]",
        "Start no new model call in a session, the shown one without a name. One that runs is finished, and messages wait.",
        (("/pause docs", "pauses that one"),),
        complete=_not_paused,
    ),
    SlashCommand(
        "unpause",
        unpause,
        "sessions",
        "/unpause [NAME]",
        "Let a paused session go on with what waits in it.",
        (("/unpause docs", "lets it go on"),),
        complete=_paused,
    ),
    SlashCommand(
        "interrupt",
        interrupt,
        "sessions",
        "/interrupt [NAME]",
        "Stop the turn of a session, the shown one without a name; what came is kept. Ctrl+C stops the shown one.",
        (("/interrupt docs", "stops what runs there"),),
        complete=_at_work,
    ),
)
