"""/fork: a session of its own that begins as a copy of the shown one."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.messages import Turn
from plait.core.revision_commands import ForkSession
from plait.core.session import SessionState
from plait.repl.slash.begin import open_one
from plait.repl.slash.choices import Choice, Lookup
from plait.repl.slash.registry import Prompt, SlashCommand, notice, usage_error
from plait.repl.slash.revise import line_of, message_choices
from plait.repl.slash.targets import fleet_now, shown_or_meant

USAGE = "/fork [NAME] [N]"


async def fork(prompt: Prompt, argument: str) -> None:
    """Branch off, and go there; the original goes on."""
    name, number = parse_fork(argument)
    here = await shown_or_meant(prompt, "")
    upto: Turn | None = (await line_of(prompt, "fork", number)).turn if number else None
    session = await open_one(prompt, ForkSession(here.id, name, upto))
    if session is None:
        return
    await prompt.switch(session)
    row = (await fleet_now(prompt)).row(session)
    told = f" up to message {number} and its answer" if number else ""
    goes_on = "goes on in the background" if here.state is SessionState.PROCESSING else "is as it was"
    copy = f"Opened '{row.name if row else name}', a copy of '{here.name}'{told}."
    notice(prompt, f"{copy} '{here.name}' {goes_on}; /back goes there.", "success")


def parse_fork(argument: str) -> tuple[str, str]:
    """The name and the number, each may be empty. Raises `UsageError`."""
    words = argument.split()
    numbers = [word for word in words if word.isascii() and word.isdigit()]
    names = [word for word in words if word not in numbers]
    if len(numbers) > 1 or len(names) > 1:
        raise usage_error("fork", USAGE, f"'{argument[:40]}' is more than one name and one number")
    return names[0] if names else "", numbers[0] if numbers else ""


async def _choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if any(word.isdigit() for word in before.split()) else await message_choices(lookup, "")


COMMANDS = (
    SlashCommand(
        "fork",
        fork,
        "sessions",
        USAGE,
        "Branch off: open a session that begins as a copy of the shown one, and go there. The original goes on as it was.",
        (
            ("/fork", "branches off here; the copy is called like the original, with a number"),
            ("/fork other-way 3", "branches off after message 3 and its answer, as 'other-way'"),
        ),
        aliases=("branch",),
        detail="The copy has the messages with their times, and settings of its own, as they are now; what it cost is counted at the "
        "original. An answer that is being written is not copied. /history shows the numbers.",
        complete=_choices,
        many=True,
    ),
)
