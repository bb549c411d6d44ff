"""/sessions, /switch, /next, /back: which sessions there are, and going from one to another."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from plait.core import commands as c, events as e
from plait.core.errors import UsageError
from plait.core.messages import SessionId
from plait.core.selection import STATES, Selection, newest, pinned_first, places_of, selection_of
from plait.exchange.listing import Listed, json_lines, places
from plait.repl.slash.choices import Choice, Lookup, another_session
from plait.repl.slash.layout import lines
from plait.repl.slash.listing import list_rows
from plait.repl.slash.registry import Prompt, SlashCommand, did_you_mean, notice, usage_error
from plait.repl.slash.targets import completed, fleet_now, meant, one_word
from plait.repl.slash.wording import size

FLAGS = {
    "--all": "closed ones too",
    "--archived": "those in the archive",
    "--trash": "those in the trash",
    "--waiting": "those that wait for you",
    "--verbose": "last message, id, directory, memory",
    "--json": "for programs",
}
USAGE = "/sessions [WORDS] [tag:TAG] [project:NAME] [state:STATE] [--all|--archived|--trash|--waiting|--verbose|--json]"
CLOSED = 50
"""Closed sessions in a list that somebody reads: a year of them would push everything else out of sight."""
LOOKED_AT = 200
"""Events from the end among which the last message of a session is looked for."""


async def sessions(prompt: Prompt, argument: str) -> None:
    """List the sessions."""
    flags, selection = parse_sessions(argument)
    more = 0
    view = await fleet_now(prompt)
    listed = [Listed(row, view.number_of(row.id), row.id == view.shown) for row in pinned_first(selection.of(view.sessions))]
    if "--waiting" in flags:
        listed = [one for one in listed if one.row.waiting_for]
    elif selection.closed or selection.archived or selection.trashed:
        closed = selection.of(await completed(prompt, trashed=True))
        kept = closed if "--json" in flags else newest(closed, CLOSED)
        more = len(closed) - len(kept)
        listed += [Listed(row) for row in pinned_first(kept)]
    named = places([one.row for one in listed], view.home)
    listed = [replace(one, place=named.get(one.row.project, "")) for one in listed]
    if "--json" in flags:
        prompt.show(json_lines(listed))
    elif listed:
        if "--verbose" in flags:
            listed = await _with_more(prompt, listed)
        prompt.show(lines(list_rows(listed, prompt.look, time.time()), prompt.look))
        await prompt.shown()
        if more:
            notice(prompt, more_of(more, selection))
    else:
        notice(prompt, _none(flags, selection))


def parse_sessions(argument: str) -> tuple[frozenset[str], Selection]:
    """The flags, and which sessions are meant. Raises `UsageError`."""
    words = argument.split()
    flags = frozenset(word.lower() for word in words if word.startswith("--"))
    for flag in flags:
        if flag not in FLAGS:
            raise usage_error("sessions", USAGE, f"/sessions knows no '{flag[:40]}'{did_you_mean(flag, FLAGS)}")
    over = next((flag for flag in ("--archived", "--trash") if flag in flags), "")
    if over and "--waiting" in flags:
        raise UsageError(f"No session that lies there waits for you: --waiting and {over} do not go together. Take one of them.")
    where = places_of(every="--all" in flags, archived="--archived" in flags, trashed="--trash" in flags)
    return flags, selection_of([word for word in words if not word.startswith("--")], **where)


def more_of(count: int, selection: Selection) -> str:
    """How many are not listed, and how to see them."""
    flag = "--all" if selection.closed else "--archived" if selection.archived else "--trash"
    where = "closed" if selection.closed else "in the archive" if selection.archived else "in the trash"
    return f"{count:,} more {'is' if count == 1 else 'are'} {where}. Words narrow it: /sessions {flag} WORDS"


def _none(flags: frozenset[str], selection: Selection) -> str:
    """What is told where nothing is listed."""
    if selection.narrows:
        flag = next((f"--{word}" for word in selection.words if f"--{word}" in FLAGS), "")
        asked = selection.asked[:80]
        closed = "" if selection.closed else f" /sessions --all {asked} looks at closed ones, too."
        return f"No session fits '{asked}'.{f' Did you mean {flag}?' if flag else closed}"
    if "--waiting" in flags:
        return "No session waits for you. /sessions lists all that are open."
    if selection.trashed:
        return "The trash is empty. /delete NAME puts a session there."
    if selection.archived:
        return "The archive is empty. /archive NAME puts a session there."
    return "No session is open. /new opens one, /sessions --all lists the closed ones."


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
    """The flags of /sessions that are not there yet, and filters."""
    flags = [Choice(flag, note) for flag, note in FLAGS.items() if flag not in before.split()]
    tags = sorted({tag for row in lookup.fleet.sessions for tag in row.tags})
    return [*flags, *(Choice(f"tag:{tag}", "what has this tag") for tag in tags), *(Choice(f"state:{state}") for state in STATES)]


COMMANDS = (
    SlashCommand(
        "sessions",
        sessions,
        "sessions",
        USAGE,
        "List the sessions: number, name, state, type, messages, last activity, what is unread, drafts, project where it is another.",
        (
            ("/sessions --all login tag:api", "lists open and closed ones with that tag and 'login' in name, title or first message"),
            ("/sessions --all", "lists the closed ones too"),
            ("/sessions --json", "prints one JSON array"),
            ("/sessions", "lists those that are open; * marks the one that is shown"),
        ),
        detail="WORDS are looked for in names, titles, first messages, directories, ids and tags; all filters must fit. STATE is one of "
        f"{', '.join(STATES)}. Flags can be joined: /sessions --all --verbose. --archived and --trash list those alone; --waiting those "
        f"that wait for you. Of closed ones the newest {CLOSED} are listed; --json has all. "
        "--verbose adds what was said last, id, directory and memory. Pinned ones stand first; no number changes.",
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
