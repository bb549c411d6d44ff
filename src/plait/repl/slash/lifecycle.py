"""/close, /kill, /rename, /session-name: ending a session, and what it is called."""

from __future__ import annotations

from plait.core import commands as c
from plait.core.counting import counted
from plait.core.errors import UsageError
from plait.core.naming import proposed
from plait.core.session import SessionState
from plait.repl.slash.choices import one_session
from plait.repl.slash.registry import Prompt, SlashCommand, listed, notice, usage_error
from plait.repl.slash.targets import fleet_now, one_word, shown_or_meant
from plait.repl.slash.wording import state_words


async def close(prompt: Prompt, argument: str) -> None:
    """Complete a session; asks first where something would be lost from sight."""
    row = await shown_or_meant(prompt, one_word("close", "/close or /close NAME", argument))
    reasons = lost_from_sight(row)
    if reasons and not await prompt.confirm(f"'{row.name}' {reasons}. Close it?"):
        notice(prompt, f"'{row.name}' stays open.")
        return
    if await complete(prompt, row):
        await prompt.show_another(row.id)


def lost_from_sight(row: c.SessionInfo) -> str:
    """What would be cut off, or seen no more, if this session were closed: the end of a sentence about it; empty if nothing would."""
    reasons = [f"is {state_words(row)}"] if row.state is SessionState.PROCESSING else []
    reasons += ["waits for your answer"] if row.waiting_for == "question" else []
    reasons += [f"has {counted(row.unread, 'unread message')}"] if row.unread else []
    return listed(reasons)


async def kill(prompt: Prompt, argument: str) -> None:
    """Complete a session without asking first."""
    row = await shown_or_meant(prompt, one_word("kill", "/kill or /kill NAME", argument))
    if await complete(prompt, row):
        await prompt.show_another(row.id)


async def complete(prompt: Prompt, row: c.SessionInfo) -> bool:
    """Complete a session and say how to undo it; says whether that was done."""
    if await prompt.submit(c.CloseSession(row.id)) is None:
        return False
    what = f" with {counted(row.messages, 'message')}; nothing was deleted. /reopen {row.name} opens it again." if row.messages else "."
    notice(prompt, f"Closed '{row.name}'{what}", "success")
    return True


async def rename(prompt: Prompt, argument: str) -> None:
    """Give a session another name."""
    usage = "/rename NEW or /rename OLD NEW"
    words = argument.split()
    if not words:
        raise usage_error("rename", usage, "/rename needs a name")
    if len(words) > 2:
        raise usage_error("rename", usage, f"A name has no blanks; '{proposed(argument) or 'my-work'}' could be one")
    old, new = words if len(words) == 2 else ("", words[0])
    try:
        row = await shown_or_meant(prompt, old)
    except UsageError as error:
        raise UsageError(f"{error} A name has no blanks: /rename {proposed(argument) or 'my-work'} renames the shown session.") from error
    await _rename(prompt, row, new)


async def _rename(prompt: Prompt, row: c.SessionInfo, name: str) -> None:
    if await prompt.submit(c.RenameSession(row.id, name)) is None:
        return
    now = (await fleet_now(prompt)).row(row.id)
    notice(prompt, f"'{row.name}' is called '{now.name if now else name}' from now on; plait does not change that.", "success")


async def session_name(prompt: Prompt, argument: str) -> None:
    """Show the name of the shown session, or set it."""
    usage = "/session-name or /session-name NEW"
    if len(argument.split()) > 1:
        raise usage_error("session-name", usage, f"A name has no blanks; '{proposed(argument) or 'my-work'}' could be one")
    row = await shown_or_meant(prompt, "")
    if argument:
        await _rename(prompt, row, argument)
        return
    by = "given by hand" if row.named_by_hand else "given by plait" if row.messages else "until its first message gives it one"
    title = f" Its title is: {row.title}" if row.title else ""
    notice(prompt, f"This session is called '{row.name}', {by}. /session-name NEW changes it.{title}")


COMMANDS = (
    SlashCommand(
        "close",
        close,
        "sessions",
        "/close [NAME]",
        "Close a session, the shown one without a name. Nothing is deleted: /reopen NAME undoes it.",
        (("/close docs", "closes that one"), ("/close", "closes the shown one and goes to the one used last")),
        detail="It asks first if the session is working, waits for your answer, or has something that you have not seen.",
        complete=one_session,
        many=True,
    ),
    SlashCommand(
        "kill",
        kill,
        "sessions",
        "/kill [NAME]",
        "Close a session without asking first, whatever it is doing. Nothing is deleted.",
        (("/kill docs", "stops its turn and closes it"),),
        complete=one_session,
        many=True,
    ),
    SlashCommand(
        "rename",
        rename,
        "sessions",
        "/rename [OLD] NEW",
        "Give a session another name, the shown one without OLD. plait never changes a name that was given by hand.",
        (("/rename docs manual", "renames another one"), ("/rename auth-fix", "renames the shown one")),
        complete=one_session,
    ),
    SlashCommand(
        "session-name",
        session_name,
        "sessions",
        "/session-name [NEW]",
        "Show what the shown session is called and who gave it that name, or set its name.",
        (("/session-name", "shows it"), ("/session-name auth-fix", "sets it")),
    ),
)
