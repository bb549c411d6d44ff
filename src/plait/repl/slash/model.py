"""/model, /system, /set: what a session asks, and how. Each changes this session alone, from its next message on."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from plait.core import commands as c
from plait.core.errors import UsageError
from plait.core.session import SessionState
from plait.repl.slash.choices import Choice, Lookup
from plait.repl.slash.layout import heading, pairs, paragraph
from plait.repl.slash.registry import Prompt, SlashCommand, change, listed, notice, read_status, usage_error

MODELS_SHOWN = 40
"""Lines of one list; a server may offer hundreds."""
SETTABLE = ("temperature", "top_p", "max_tokens", "compact_at", "window_messages")
DEFAULT = "default"


async def model(prompt: Prompt, argument: str) -> None:
    """List the models, or take another one for this session."""
    if argument == DEFAULT:
        _tell_model(prompt, await change(prompt, "model", None))
        return
    if len(argument.split()) > 1:
        raise usage_error("model", "/model NAME", "The name of a model has no blanks")
    if argument:
        await _take(prompt, argument)
    else:
        await _list(prompt)


async def _models(prompt: Prompt) -> tuple[c.ModelLine, ...]:
    reply = await prompt.submit(c.ReadModels())
    return reply.models if isinstance(reply, c.ModelList) else ()


async def _list(prompt: Prompt) -> None:
    status, models = await read_status(prompt), await _models(prompt)
    if status is None:
        return
    look = prompt.look
    here = [one for one in models if one.available]
    here.sort(key=lambda one: one.name != status.model)
    rows = [(one.name, "; ".join(_facts(one, status.model))) for one in here[:MODELS_SHOWN]]
    text = heading("Models", look) + (pairs(rows, look) if rows else paragraph("None can be reached.", look))
    if len(here) > MODELS_SHOWN:
        text += paragraph(f"… and {len(here) - MODELS_SHOWN:,} more: /model and the beginning of a name, then Tab.", look, dim=True)
    missing = [(one.name, one.note) for one in models if not one.available]
    if missing:
        text += heading("Not available", look) + pairs(missing[:MODELS_SHOWN], look)
    usage = (
        f"In use: {status.model or 'none'} ({_source(status)}). /model NAME takes another for this session, /model default takes it back."
    )
    prompt.show(text + "\n" + paragraph(usage, look, dim=True))


def _facts(one: c.ModelLine, current: str) -> list[str]:
    facts = ["in use"] if one.name == current else []
    if one.context_window:
        facts.append(f"{one.context_window:,} tokens")
    if one.input_price is not None and one.output_price is not None:
        facts.append(f"${one.input_price:g} in, ${one.output_price:g} out per million")
    return [*facts, one.note] if one.note else facts


async def _take(prompt: Prompt, name: str) -> None:
    """Set the model to `name`, as far as the list can tell that there is one. Raises `UsageError` where there cannot be."""
    models = await _models(prompt)
    full, doubt = resolved(name, models)
    status = await change(prompt, "model", full)
    _tell_model(prompt, status)
    if doubt and status is not None:
        notice(prompt, doubt, "warning")


def resolved(name: str, models: Sequence[c.ModelLine]) -> tuple[str, str]:
    """The full name that `name` stands for, and what makes it doubtful (or ""). Raises `UsageError` where no provider could have it.

    A list is never whole: a provider may know a model that it does not list, so only an unknown provider is refused.
    """
    for full in (name, f"{name}:latest"):
        exact = next((one for one in models if one.name == full), None)
        if exact is not None:
            return full, "" if exact.available else exact.note
    named = [one for one in models if one.name.partition(":")[2] in (name, f"{name}:latest")]
    here = [one for one in named if one.available] or named
    if len(here) == 1:
        return here[0].name, "" if here[0].available else here[0].note
    if here:
        raise UsageError(f"More than one provider has '{name}'. Type one of {listed([f'/model {one.name}' for one in here], 'or')}.")
    provider = name.partition(":")[0]
    if not models or provider == "scripted":
        return name, ""
    near = difflib.get_close_matches(name, [one.name for one in models if one.available], n=1, cutoff=0.5)
    hint = f"Did you mean /model {near[0]}?" if near else "/model lists what there is."
    return name, _doubt(name, [one for one in models if one.name.partition(":")[0] == provider], models, hint)


def _doubt(name: str, offered: Sequence[c.ModelLine], models: Sequence[c.ModelLine], hint: str) -> str:
    """What speaks against a name that nobody lists; `offered` are the lines of its provider. Raises `UsageError` if there are none."""
    provider, colon, _ = name.partition(":")
    if not offered:
        providers = sorted({one.name.partition(":")[0] for one in models})
        what = f"There is no provider '{provider[:40]}'" if colon else f"There is no model '{name[:40]}'"
        raise UsageError(f"{what}. {hint} A full name is PROVIDER:NAME, with a provider of {listed(providers, 'or')}.")
    if not any(one.available for one in offered):
        return offered[0].note
    return f"{provider} does not list it, so the next message will tell whether it has it. {hint}" if colon else ""


def _tell_model(prompt: Prompt, status: c.Status | None) -> None:
    if status is not None:
        now = f"The model is {status.model or 'not chosen'} ({_source(status)})"
        busy = " The answer that is being written still comes from the one before." if status.info.state is SessionState.PROCESSING else ""
        notice(prompt, f"{now}, from the next message on.{busy}", "success")


def _source(status: c.Status) -> str:
    return {"session": "set for this session", "default": "found by itself"}.get(status.model_source, f"from {status.model_source}")


async def system(prompt: Prompt, argument: str) -> None:
    """Show the system prompt, or set it for this session."""
    if not argument:
        status = await read_status(prompt)
        if status is not None:
            prompt.show(_system_text(prompt, status))
        return
    reset = argument.lower() == "reset"
    status = await change(prompt, "system", None if reset else argument)
    if status is not None:
        done = "The system prompt is the usual one again" if reset else f"The system prompt is set ({len(argument):,} characters)"
        notice(prompt, f"{done}, from the next message on.", "success")


def _system_text(prompt: Prompt, status: c.Status) -> str:
    text = heading("System prompt", prompt.look) + paragraph(status.system, prompt.look)
    if status.instructions:
        text += heading("After it, these files", prompt.look) + paragraph("\n".join(status.instructions), prompt.look)
    return text + "\n" + paragraph("/system TEXT sets it for this session, /system reset takes it back.", prompt.look, dim=True)


async def set_value(prompt: Prompt, argument: str) -> None:
    """Show or set how answers are sampled, and how much of the conversation the model is told."""
    key, _, value = argument.replace("=", " ", 1).partition(" ")
    key, value = key.lower().replace("-", "_"), value.strip()
    if key and key not in SETTABLE:
        near = difflib.get_close_matches(key, SETTABLE, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {listed(SETTABLE)}; /model and /system have commands of their own."
        raise UsageError(f"/set knows no '{key[:40]}'. {hint}")
    if key and value:
        status = await change(prompt, key, None if value.lower() == DEFAULT else value)
        if status is not None:
            notice(prompt, f"{key} is {_value(status, key)} in this session, from the next message on.", "success")
        return
    status = await read_status(prompt)
    if status is not None:
        shown = [key] if key else SETTABLE
        prompt.show("\n" + pairs([(one, _value(status, one)) for one in shown], prompt.look))
        notice(prompt, "/set temperature 0.2 sets a value, /set temperature default takes it back.")


def _value(status: c.Status, key: str) -> str:
    value: float | int | None = getattr(status, key)
    match key:
        case "compact_at":
            return f"{value} % of the context window" if value else "0 (only /compact)"
        case "window_messages":
            return f"{value:,}" if value else "0 (all)"
    return "the provider's own" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:g}"


async def _model_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    if before:
        return ()
    names = [Choice(one.name, "; ".join(_facts(one, ""))) for one in await lookup.models() if one.available]
    short = [Choice(choice.text.partition(":")[2], choice.text) for choice in names]
    return [*names, Choice(DEFAULT, "what the settings say"), *short]


async def _set_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    words = before.split()
    if len(words) > 1:
        return ()
    return (Choice(DEFAULT, "what the settings say"),) if words else [Choice(key) for key in SETTABLE]


async def _system_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else (Choice("reset", "the usual one again"),)


COMMANDS = (
    SlashCommand(
        "model",
        model,
        "models",
        "/model [NAME|default]",
        "List the models, or take another one for this session.",
        (
            ("/model", "lists what there is, and why the rest is not there"),
            ("/model openai:gpt-5", "takes that model from the next message on"),
        ),
        detail="A name is PROVIDER:NAME; the part after the colon is enough where only one provider has it. Tab completes it.",
        complete=_model_choices,
    ),
    SlashCommand(
        "system",
        system,
        "models",
        "/system [TEXT|reset]",
        "Show the system prompt, or set it for this session.",
        (("/system Answer in French.", "sets it"), ("/system reset", "takes it back")),
        detail="The text may have several lines.",
        complete=_system_choices,
    ),
    SlashCommand(
        "set",
        set_value,
        "models",
        "/set [KEY [VALUE]]",
        "Set temperature, top_p, max_tokens, compact_at or window_messages for this session; without a value, show it.",
        (
            ("/set", "shows all of them"),
            ("/set temperature 0.2", "makes answers less varied"),
            ("/set window_messages 20", "tells the model only the last 20 messages"),
            ("/set max_tokens default", "takes one back"),
        ),
        detail="From compact_at percent of the context window on, the conversation is compacted by itself (0 never): /help compact.",
        complete=_set_choices,
    ),
)
