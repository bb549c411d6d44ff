"""/search and /open: finding what was said in any session, and going there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from plait.core import commands as c
from plait.core.branching import taken_back, turn_of
from plait.core.errors import UsageError
from plait.exchange.story import in_order
from plait.repl.slash.choices import Choice, Lookup, session_choices
from plait.repl.slash.hits import hit_rows, summary
from plait.repl.slash.layout import heading, lines, paragraph
from plait.repl.slash.registry import Prompt, SlashCommand, notice, usage_error
from plait.repl.slash.search_line import PAGE, USAGE, parse_search
from plait.repl.slash.targets import completed, fleet_now
from plait.repl.slash.transcript import Told, headings, is_message, shown_again, worth_showing

AROUND = 3
"""Messages before and after the place that is opened."""
LOOKED_AT = 1_000
"""Events before the place, and after it, among which they are looked for."""


class Finding:
    """The hits that were shown last, by their numbers; one for each prompt."""

    def __init__(self) -> None:
        self._hits: dict[int, c.Hit] = {}

    def __repr__(self) -> str:
        return f"<Finding [{len(self._hits)} hits]>"

    async def search(self, prompt: Prompt, argument: str) -> None:
        """Find messages; their numbers are those of `/open`."""
        if not argument:
            raise usage_error("search", USAGE, "/search needs a word")
        asked = parse_search(argument, datetime.now())
        if asked.session.isdigit():  # the number that it has at this prompt
            asked = replace(asked, session=(await fleet_now(prompt)).meant(asked.session).id)
        found = await prompt.submit(asked)
        if not isinstance(found, c.Found):
            return
        if not asked.offset:
            self._hits.clear()
        self._hits.update(enumerate(found.hits, asked.offset + 1))
        if found.hits:
            prompt.show("\n" + lines(hit_rows(found.hits, asked.offset + 1, prompt.look, time.time()), prompt.look))
        more = f"the same with page:{asked.offset // PAGE + 2}"
        notice(prompt, summary(found, asked.offset, more, "search again in a moment", "/open N goes to one"))
        await prompt.shown()

    async def open(self, prompt: Prompt, argument: str) -> None:
        """Go to a hit: show its session if it is open, and what was said around it."""
        if not (argument.isascii() and argument.isdigit()):
            raise usage_error("open", "/open N", f"'{argument[:40]}' is not the number of a hit" if argument else "/open needs a number")
        hit = self._hits.get(int(argument[:9]))
        if hit is None:
            last = f"The hits have the numbers 1 to {max(self._hits)}." if self._hits else "/search WORDS finds some."
            raise UsageError(f"There is no hit {argument[:9]}. {last}")
        around = await _around(prompt, hit)
        if around is None:
            return
        row = (await fleet_now(prompt)).row(hit.info.id)
        if row is not None and row.id != prompt.session and prompt.many:
            await prompt.switch(row.id)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(hit.at))
        prompt.show(heading(f"{row.name if row else hit.info.name}, {when}", prompt.look))
        prompt.show("".join(shown_again(around.events, prompt.look, headings(around, ()))))
        if row is None:
            namesake = next((one for one in await completed(prompt) if one.name == hit.info.name), hit.info)
            word = hit.info.name if namesake.id == hit.info.id else hit.info.id
            end = f"This session is closed, so it is only shown. /reopen {word} goes on with it."
        elif row.id != prompt.session:
            end = "This is another session, so it is only shown."
        else:
            end = f"You are in '{row.name}'. What is above was said around hit {argument[:9]}; what you type comes after everything else."
        if hit.taken_back:
            end = f"This was taken back: the model is not told of it any more. {end}"
        prompt.show(paragraph(end, prompt.look, dim=True))
        await prompt.shown()


async def _around(prompt: Prompt, hit: c.Hit) -> Told | None:
    """The hit with the messages next to it, in order; None where reading was refused, which is shown. Marks nothing as seen."""
    before = await prompt.submit(c.ReadHistory(hit.info.id, hit.seq + 1, LOOKED_AT))
    after = await prompt.submit(c.ReadHistory(hit.info.id, hit.seq + 1 + LOOKED_AT, LOOKED_AT))
    if not isinstance(before, c.HistoryPage) or not isinstance(after, c.HistoryPage):
        return None
    later = (one for one in after.events if (one.seq or 0) > hit.seq)
    near = [one for one in (*before.events, *later) if worth_showing(one)]
    told, gone = in_order(near), taken_back(near)
    place = next((place for place, one in enumerate(told) if one.seq == hit.seq), len(told))
    earlier = [at for at in range(place) if is_message(told[at])][-AROUND:]
    following = [at for at in range(place + 1, len(told)) if is_message(told[at])][:AROUND]
    around = told[earlier[0] if earlier else place : following[-1] + 1 if following else len(told)]
    mine = {turn for one in around if hit.taken_back and one.seq == hit.seq and (turn := turn_of(one)) is not None}
    return Told(around, gone | mine)


async def _filters(lookup: Lookup, before: str) -> Sequence[Choice]:
    sessions = [Choice(f"in:{one.text}", one.note) for one in session_choices(lookup.fleet)]
    return (
        Choice("role:user", "what you said"),
        Choice("role:assistant", "what the model said"),
        Choice("role:tool", "calls of tools"),
        Choice("since:today"),
        Choice("since:7d", "the last seven days"),
        Choice("tools:yes", "what tools gave back, too"),
        *sessions,
    )


def finding_commands() -> tuple[SlashCommand, ...]:
    """The commands of one prompt."""
    finding = Finding()
    return (
        SlashCommand(
            "search",
            finding.search,
            "sessions",
            USAGE,
            "Find messages, answers, questions and tool calls of all sessions, closed ones too, by all of their words, the best first.",
            (
                ("/search connection pool", "finds what holds both words"),
                ("/search deploy* role:user since:2026-01-01", "finds what you said of deploy, deployment and deploying since then"),
                ("/search timeout in:docs tools:yes", "looks in one session, and into what tools gave back"),
            ),
            aliases=("grep",),
            detail="Capitals and accents do not matter; foo_bar is found by its parts too, Chinese and Japanese by any part. "
            "A star at the end of a word stands for the rest of it; no other character has a meaning. DATE is 2026-01-31, today, "
            "yesterday or 7d (seven days ago). Of one message its first million characters can be found.",
            complete=_filters,
        ),
        SlashCommand(
            "open",
            finding.open,
            "sessions",
            "/open N",
            "Go to a hit of the last /search: its session is shown, with what was said around the place.",
            (("/open 2", "goes to the second hit"),),
            detail="A closed session stays closed: the place is shown, and /reopen NAME goes on with it.",
        ),
    )
