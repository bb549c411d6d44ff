"""/vim, /trust, /exit: the program around the conversation."""

from __future__ import annotations

import os
from collections.abc import Sequence

import anyio.to_thread

from plait.core import commands as c
from plait.core.errors import UsageError
from plait.repl.attach import read_text
from plait.repl.slash.choices import Choice, Lookup
from plait.repl.slash.layout import heading, paragraph
from plait.repl.slash.registry import Prompt, SlashCommand, listed, notice, read_status, usage_error

_SWITCH = {"": None, "on": True, "off": False}


async def vim(prompt: Prompt, argument: str) -> None:
    """Edit with the keys of vi, or no more."""
    if argument.lower() not in _SWITCH:
        raise usage_error("vim", "/vim, /vim on or /vim off", f"/vim cannot be '{argument[:40]}'")
    wanted = _SWITCH[argument.lower()]
    prompt.set_vi_mode(not prompt.vi_mode if wanted is None else wanted)
    if prompt.vi_mode:
        notice(prompt, "The keys of vi are on, until you leave. plait config set vi_mode true makes it stay.", "success")
    else:
        notice(prompt, "The keys of vi are off.", "success")


async def trust(prompt: Prompt, argument: str) -> None:
    """Show what the project wants to tell the model, or answer whether it may."""
    answer = argument.lower()
    if answer not in ("", "yes", "no", "show"):
        raise usage_error("trust", "/trust, /trust show, /trust yes or /trust no", f"/trust cannot be '{argument[:40]}'")
    status = await read_status(prompt)
    if status is None:
        return
    if not status.instructions_digest:
        notice(prompt, "This project has no AGENTS.md. There is nothing to answer.")
    elif answer == "show":
        await _show_files(prompt, status)
    elif answer:
        await _answer(prompt, status, answer == "yes")
    else:
        notice(prompt, _state(status))


async def _answer(prompt: Prompt, status: c.Status, allowed: bool) -> None:
    """Pinned to what the files held when the status was read: if they changed since they were shown, plait asks again."""
    if await prompt.submit(c.TrustInstructions(status.info.id, status.instructions_digest, allowed)) is None:
        return
    if allowed:
        notice(
            prompt, "The model is given the project's AGENTS.md from the next message on. If it changes, you are asked again.", "success"
        )
    else:
        notice(prompt, "The model is not given the project's AGENTS.md. /trust yes changes that.", "success")


def _state(status: c.Status) -> str:
    if status.instructions_asked:
        files = listed(status.instructions_asked)
        return f"The model is not given {files}: you have not been asked about what they hold now. /trust show, then /trust yes or no."
    given = project_files(status)
    if given:
        return f"The model is given {listed(given)}, as you said. /trust no takes it back."
    return "The model is not given the project's AGENTS.md, as you said. /trust yes changes that."


def project_files(status: c.Status) -> tuple[str, ...]:
    """The project's own instruction files, given or waiting for an answer: those at or above the session's directory."""
    above = status.info.directory.rstrip("/") + "/"
    given = [path for path in status.instructions if above.startswith(os.path.dirname(path).rstrip("/") + "/")]
    return (*given, *status.instructions_asked)


async def _show_files(prompt: Prompt, status: c.Status) -> None:
    files = project_files(status)
    if not files:
        raise UsageError("You said no to the project's AGENTS.md, so it is not read. /trust yes gives it to the model.")
    for path in files:
        text = await anyio.to_thread.run_sync(read_text, path, path, abandon_on_cancel=True)
        prompt.show(heading(path, prompt.look) + paragraph(text.strip("\n"), prompt.look))
    await prompt.shown()


async def leave(prompt: Prompt, argument: str) -> None:
    """Leave; sessions stay as they are."""
    if argument:
        raise usage_error("exit", "/exit", "/exit takes nothing after it")
    prompt.leave()


async def _switch_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else (Choice("on"), Choice("off"))


async def _trust_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else (Choice("show", "print the files"), Choice("yes", "the model may see them"), Choice("no", "it may not"))


COMMANDS = (
    SlashCommand(
        "trust",
        trust,
        "program",
        "/trust [show|yes|no]",
        "Say whether the model may see the project's AGENTS.md, or show it.",
        (("/trust show", "prints the files"), ("/trust yes", "gives them to the model")),
        detail="The answer holds for what the files say now; when they change, you are asked again. Your own AGENTS.md is always given.",
        complete=_trust_choices,
    ),
    SlashCommand(
        "vim",
        vim,
        "program",
        "/vim [on|off]",
        "Edit with the keys of vi, or no more.",
        (("/vim", "switches"),),
        complete=_switch_choices,
    ),
    SlashCommand(
        "exit",
        leave,
        "program",
        "/exit",
        "Leave plait. The session stays and goes on at the next start.",
        (("/exit", "leaves, as Ctrl+D on an empty line does"),),
        aliases=("quit", "q"),
    ),
)
