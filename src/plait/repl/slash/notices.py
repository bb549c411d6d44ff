"""/mute and /notify: which news of a session reach a user who looks elsewhere, and how."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from plait.core import commands as c
from plait.core.notices import ALL, NOTICE_KINDS, NOTICE_WAYS, OFF, Rules, parse_rules, rules_text
from plait.repl.announce import own_rules
from plait.repl.fleet import FleetView
from plait.repl.slash.choices import Choice, Lookup, one_session
from plait.repl.slash.registry import Prompt, SlashCommand, notice, usage_error
from plait.repl.slash.targets import fleet_now, shown_or_meant

MUTE = "/mute [NAME] [on|off]"
NOTIFY = "/notify [NAME] [KIND=WAY,... | reset]"
RESET = "reset"


async def mute(prompt: Prompt, argument: str) -> None:
    """Give no notices of a session, or give them again."""
    words = argument.split()
    if len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("on", "off")):
        raise usage_error("mute", MUTE, f"/mute cannot be '{argument[:40]}'")
    name, switch = _name_and_rest(await fleet_now(prompt), words, ("on", "off"))
    row = await shown_or_meant(prompt, name)
    wanted = switch[0].lower() == "on" if switch else not row.muted
    if await prompt.submit(c.ChangeSetting(row.id, "mute", 1 if wanted else None)) is None:
        return
    if wanted:
        text = f"'{row.name}' gives no notices; it is still counted among those that wait. /mute {row.name} off undoes it."
    else:
        text = f"'{row.name}' gives notices again."
    notice(prompt, text, "success")


async def notify(prompt: Prompt, argument: str) -> None:
    """Show or set how the notices of a session come."""
    words = argument.split()
    rules_first = bool(words) and "=" in words[0]
    name, rest = ("", words) if rules_first else _name_and_rest(await fleet_now(prompt), words, (RESET,))
    row = await shown_or_meant(prompt, name)
    if not rest:
        _tell(prompt, row, "")
        return
    reset = [word.lower() for word in rest] == [RESET]
    rules = None if reset else rules_text(parse_rules(" ".join(rest)).over(own_rules(row) or Rules()))
    if await prompt.submit(c.ChangeSetting(row.id, "notify", rules)) is None:
        return
    now = (await fleet_now(prompt)).row(row.id)
    if now is not None:
        _tell(prompt, now, f"'{row.name}' has no rules of its own for notices any more." if reset else "")


def _name_and_rest(view: FleetView, words: list[str], reserved: Collection[str]) -> tuple[str, list[str]]:
    """The name of a session, empty if there is none, and the words after it. A reserved word is a name where a session is called so."""
    if words and words[0].lower() in reserved and all(row.name != words[0].lower() for row in view.sessions):
        return "", words
    return (words[0], words[1:]) if words else ("", [])


def _tell(prompt: Prompt, row: c.SessionInfo, before: str) -> None:
    own = rules_text(own_rules(row) or Rules())
    muted = f" It is muted, so none comes: /mute {row.name} off." if row.muted else ""
    if own:
        text = f"Notices of '{row.name}': {own}. The other kinds come as the settings say; /notify {row.name} {RESET} leaves all to them."
    else:
        text = f"{before or f'{row.name!r} has no rules of its own for notices.'} Its notices come as the settings say: plait config show."
    notice(prompt, text + muted)


async def _mute_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    words = before.split()
    return [Choice("on"), Choice("off")] if len(words) == 1 else await one_session(lookup, before)


async def _notify_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    rules = [Choice(f"{kind}={way}") for kind in (*NOTICE_KINDS, ALL) for way in (*NOTICE_WAYS, OFF)]
    return [*(await one_session(lookup, before)), Choice(RESET, "as the settings say"), *rules]


COMMANDS = (
    SlashCommand(
        "mute",
        mute,
        "sessions",
        MUTE,
        "Give no notices of a session, the shown one without a name, or give them again.",
        (("/mute docs off", "lets them come again"), ("/mute docs", "mutes it, or undoes that")),
        complete=_mute_choices,
    ),
    SlashCommand(
        "notify",
        notify,
        "sessions",
        NOTIFY,
        "Show or set how the notices of a session come, of the shown one without a name.",
        (
            ("/notify", "shows what holds"),
            ("/notify docs reset", "leaves it to the settings again"),
            ("/notify docs question=bell,desktop done=off", "sets two kinds and leaves the others"),
        ),
        detail=f"Kinds are {', '.join(NOTICE_KINDS)}, and {ALL} for every one; ways are {', '.join(NOTICE_WAYS)} and {OFF}. "
        "A notice comes only of a session that is not shown.",
        complete=_notify_choices,
    ),
)
