"""/status and /usage: what the session is doing, with what, and what it took."""

from __future__ import annotations

from plait.core.commands import Status
from plait.core.counting import counted, dollars
from plait.exchange.listing import tags_text
from plait.repl.slash.layout import heading, pairs
from plait.repl.slash.registry import Prompt, SlashCommand, notice, read_status, usage_error
from plait.repl.slash.wording import state_words


async def status(prompt: Prompt, argument: str) -> None:
    """What the session is doing, and what it is doing it with."""
    if argument:
        raise usage_error("status", "/status", "/status takes nothing after it")
    now = await read_status(prompt)
    if now is None:
        return
    rows = [
        ("session", f"{now.info.name} ({now.info.id}), {state_words(now.info)}"),
        ("directory", now.info.directory),
        ("project", now.info.project),
        ("messages", f"{now.info.messages:,}"),
        ("tags", tags_text(now.info.tags) or "none; /tag api gives it one"),
        *([("pinned", "yes; it stands first in lists")] if now.info.pinned else []),
        ("model", f"{now.model} (from {now.model_source})" if now.model else "none; /model lists the ways to get one"),
        ("sampling", _sampling(now)),
        ("system prompt", _first_line(now.system)),
        ("instructions", "\n".join(now.instructions) or "none"),
    ]
    rows += [("left out", problem) for problem in now.instructions_problems]
    if now.instructions_asked:
        rows.append(("not given yet", "\n".join(now.instructions_asked) + "\nYou have not said whether the model may see this: /trust"))
    rows.append(("context", _context(now)))
    rows.append(("model calls", f"{now.calls_running} of at most {now.calls_max} running, {now.calls_queued} waiting"))
    prompt.show(heading("Status", prompt.look) + pairs(rows, prompt.look))
    if now.trouble:
        notice(prompt, now.trouble, "error")


def _sampling(now: Status) -> str:
    values = {"temperature": now.temperature, "top_p": now.top_p, "max_tokens": now.max_tokens}
    told = [f"{key} {value:g}" if isinstance(value, float) else f"{key} {value:,}" for key, value in values.items() if value is not None]
    return ", ".join(told) or "as the provider does"


def _first_line(text: str) -> str:
    line, end, _ = text.partition("\n")
    return line[:200] + ("… (/system shows all)" if end or len(line) > 200 else "")


def _context(now: Status) -> str:
    if not now.context_used:
        return "nothing used yet"
    if not now.context_window:
        return f"{now.context_used:,} tokens; the model's window is not known"
    return f"{now.context_used:,} of {now.context_window:,} tokens ({now.context_used / now.context_window:.0%})"


async def usage(prompt: Prompt, argument: str) -> None:
    """The tokens and the money of this session so far."""
    if argument:
        raise usage_error("usage", "/usage", "/usage takes nothing after it")
    now = await read_status(prompt)
    if now is None:
        return
    tokens = now.usage
    cached = f" ({tokens.cached / tokens.input:.0%} of those in)" if tokens.cached and tokens.input else ""
    rows = [
        ("tokens in", f"{tokens.input:,}"),
        ("cached", f"{tokens.cached:,}{cached}"),
        ("tokens out", f"{tokens.output:,}"),
        ("cost", _cost(now)),
        ("context", _context(now)),
    ]
    prompt.show(heading("Usage of this session", prompt.look) + pairs(rows, prompt.look))


def _cost(now: Status) -> str:
    amount = dollars(now.cost)
    if not now.unpriced:
        return amount
    calls = f"{counted(now.unpriced, 'call')} whose price is not known"
    return f"{amount}, without {calls}" if now.cost else f"not known ({calls})"


COMMANDS = (
    SlashCommand(
        "status",
        status,
        "program",
        "/status",
        "Show the session, its model, settings and instructions, and what is running.",
        (("/status", "shows it"),),
    ),
    SlashCommand(
        "usage",
        usage,
        "models",
        "/usage",
        "Show the tokens in, out and cached, the price where it is known, and how full the context is.",
        (("/usage", "shows what this session took so far"),),
        detail="Tokens and money are those that the provider reported, for all calls of this session.",
    ),
)
