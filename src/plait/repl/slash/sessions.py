"""/sessions, /switch, /next, /back: which sessions there are, and going from one to another."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from plait.core import commands as c, events as e
from plait.core.errors import UsageError
from plait.core.messages import SessionId
from plait.exchange.listing import Listed, json_lines, places
from plait.repl.fleet import FleetView
from plait.repl.slash.choices import Choice, Lookup, another_session
from plait.repl.slash.layout import lines
from plait.repl.slash.listing import list_rows
from plait.repl.slash.registry import Prompt, SlashCommand, did_you_mean, notice, usage_error
from plait.repl.slash.targets import completed, fleet_now, meant, one_word
from plait.repl.slash.wording import size

FLAGS = {
    "--all": "closed ones too",
    "--waiting": "those that wait for you",
    "--verbose": "last message, id, directory, memory",
    "--json": "for programs",
}
USAGE = "/sessions [--all|--waiting|--verbose|--json]"
LOOKED_AT = 200
"""Events from the end among which the last message of a session is looked for."""


async def sessions(prompt: Prompt, argument: str) -> None:
    """List the sessions."""
    flags = _flags(argument)
    view = await fleet_now(prompt)
    listed = _open(view)
    if "--waiting" in flags:
        listed = [one for one in listed if one.row.waiting_for]
    elif "--all" in flags:
        listed += [Listed(row) for row in await completed(prompt)]
    named = places([one.row for one in listed], view.home)
    listed = [replace(one, place=named.get(one.row.project, "")) for one in listed]
    if "--json" in flags:
        prompt.show(json_lines(listed))
    elif listed:
        if "--verbose" in flags:
            listed = await _with_more(prompt, listed)
        prompt.show(lines(list_rows(listed, prompt.look, time.time()), prompt.look))
        await prompt.shown()
    elif "--waiting" in flags:
        notice(prompt, "No session waits for you. /sessions lists all that are open.")
    else:
        notice(prompt, "No session is open. /new opens one, /sessions --all lists the closed ones.")


def _flags(argument: str) -> frozenset[str]:
    words = argument.lower().split()
    for word in words:
        if word not in FLAGS:
            raise usage_error("sessions", USAGE, f"/sessions knows no '{word[:40]}'{did_you_mean(word, FLAGS)}")
    return frozenset(words)


def _open(view: FleetView) -> list[Listed]:
    return [Listed(row, number, row.id == view.shown) for number, row in enumerate(view.sessions, 1)]


async def _with_more(prompt: Prompt, listed: Sequence[Listed]) -> list[Listed]:
    """The same with what `--verbose` adds. What was said last is read of open sessions only: a completed one would have to be loaded."""
    reply = await prompt.submit(c.ReadInternals())
    held = {one.info.id: one for one in reply.held} if isinstance(reply, c.Internals) else {}
    return [replace(one, below=await _more(prompt, one, held)) for one in listed]


async def _more(prompt: Prompt, one: Listed, held: Mapping[SessionId, c.Held]) -> tuple[str, ...]:
    last = await _last_message(prompt, one.row.id) if one.number else ""
    mine = held.get(one.row.id)
    memory = f"holds {size(mine.ring_bytes + mine.conversation_bytes + mine.draft_bytes)} of memory" if mine else "not in memory"
    facts = f"{one.row.id} in {one.row.directory}, {memory}"
    title = f"title: {one.row.title}" if one.row.title else ""
    return tuple(text for text in (title, f"last: {last}" if last else "", facts) if text)


async def _last_message(prompt: Prompt, session: SessionId) -> str:
    """The beginning of what was said last, on one line; empty if that is far back."""
    page = await prompt.client.submit(c.ReadHistory(session, limit=LOOKED_AT))
    for stamped in reversed(page.events) if isinstance(page, c.HistoryPage) else ():
        match stamped.event:
            case e.UserSaid(text=text) if text.strip():
                return "you: " + " ".join(text[:400].split())[:160]
            case e.AssistantSaid(message=message) if message.text.strip():
                return " ".join(message.text[:400].split())[:160]
    return ""


async def switch(prompt: Prompt, argument: str) -> None:
    """Show another session."""
    row = await meant(prompt, one_word("switch", "/switch NAME or /switch 2", argument, "a session to go to"))
    if row.id == prompt.session:
        notice(prompt, f"'{row.name}' is shown already.")
    else:
        await prompt.switch(row.id)


async def next_waiting(prompt: Prompt, argument: str) -> None:
    """Show the session that has waited longest."""
    if argument:
        raise usage_error("next", "/next", "/next takes nothing after it")
    waiting = (await fleet_now(prompt)).waiting
    if waiting:
        await prompt.switch(waiting[0].id, on_round=True)
    else:
        notice(prompt, "Nobody else waits for you. /sessions lists all that are open.")


async def back(prompt: Prompt, argument: str) -> None:
    """Show the session that was shown before, or where a round of /next began."""
    if argument:
        raise usage_error("back", "/back", "/back takes nothing after it")
    before = prompt.came_from
    if before is None or before == prompt.session:
        raise UsageError("There is no session to go back to. /switch NAME goes to another one.")
    if (await fleet_now(prompt)).row(before) is None:
        row = next((one for one in await completed(prompt) if one.id == before), None)
        way = f"/reopen {row.name} opens it again." if row else "/sessions lists those that are open."
        raise UsageError(f"The session that you came from is closed. {way}")
    await prompt.switch(before)


async def flag_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    """The flags of /sessions that are not there yet."""
    return [Choice(flag, note) for flag, note in FLAGS.items() if flag not in before.split()]


COMMANDS = (
    SlashCommand(
        "sessions",
        sessions,
        "sessions",
        USAGE,
        "List the sessions: number, name, state, type, messages, last activity, what is unread, drafts, project where it is another.",
        (
            ("/sessions --all", "lists the closed ones too"),
            ("/sessions --json", "prints one JSON array"),
            ("/sessions", "lists those that are open; * marks the one that is shown"),
        ),
        detail="Flags can be joined: /sessions --all --verbose. --waiting lists those alone that wait for you; --verbose adds what was "
        "said last, id, directory and memory.",
        complete=flag_choices,
        many=True,
    ),
    SlashCommand(
        "switch",
        switch,
        "sessions",
        "/switch NAME|N|ID",
        "Show another session: what you have not seen, then everything as it comes. The one that is left goes on.",
        (
            ("/switch 2", "goes to the session of that number; so do /2 and Alt+2"),
            ("/s auth", "goes to the only session whose name begins so"),
            ("/switch auth-fix", "goes to that session"),
        ),
        aliases=("s",),
        detail="A session is named by its name, a beginning of it that no other has, its number in /sessions, or the first four or more "
        "characters of its id. Where one is called like a number, the name comes first. Alt+1 to Alt+9 and Alt+0 are /1 to /10.",
        complete=another_session,
        many=True,
    ),
    SlashCommand(
        "next",
        next_waiting,
        "sessions",
        "/next",
        "Go to the session that waits for you, the one that has waited longest first.",
        (("/next", "goes there, as Alt+N does"),),
        many=True,
    ),
    SlashCommand(
        "back",
        back,
        "sessions",
        "/back",
        "Go back to the session that you came from; after a round of /next, to where it began.",
        (("/back", "goes back, as Alt+P does"),),
        many=True,
    ),
)
