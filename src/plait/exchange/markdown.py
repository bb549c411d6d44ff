"""Sessions as one Markdown document that nobody's text can break out of. Pure.

Rules:
1. What somebody said is in a block quote, in which a heading, list or fence ends with it; files, arguments and results are in fences that
   are longer than any in them.
2. No HTML comes through: `<` before what could begin a tag is written as an entity, but where it surely stands in code. Where code begins
   and ends is said only of what no two programs can read differently; a text in doubt has entities everywhere.
3. What a terminal would act upon is shown, as everywhere: a document may be looked at with `cat`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from plait.core.sanitize import sanitize
from plait.exchange.story import TAKEN_BACK, Item, Part, Story, when

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_MEANS = re.compile(r"([\\`*_\[\]<>#|~&$])")
_RUNS = re.compile(r"`+")
_FENCE = re.compile(r"(`{3,})[^`]*|(~{3,}).*")


def to_markdown(stories: Iterable[Story]) -> Iterator[str]:
    """The document in pieces."""
    for number, story in enumerate(stories):
        yield "\n---\n\n" if number else ""
        yield from _story(story)


def _story(story: Story) -> Iterator[str]:
    yield f"# {inline(story.name)}\n\n"
    yield from (f"- {label}: {inline(value)}\n" for label, value in story.facts)
    yield from map(_item, story.items)


def _item(item: Item) -> str:
    mark = f" ({TAKEN_BACK})" if item.taken_back else ""
    head = f"*{when(item.at)}* {inline(item.title)}" if item.role == "note" else f"## {inline(item.title)}, {when(item.at)}"
    return f"\n{head}{mark}\n" + "".join(map(_part, item.parts))


def _part(part: Part) -> str:
    match part.shape:
        case "code":
            return (f"\n{inline(part.label)}:\n" if part.label else "") + "\n" + fenced(part.text)
        case "note":
            return f"\n- {inline(part.text)}\n"
        case "thinking":
            return "\nThinking:\n\n" + quoted(part.text)
        case "prose":
            return "\n" + quoted(part.text)


def inline(text: str) -> str:
    """Text on one line, which means nothing but itself."""
    return _MEANS.sub(r"\\\1", " ".join(sanitize(text).split()))


def quoted(text: str) -> str:
    """Markdown in a block quote, without HTML."""
    return "".join(f"> {line}\n" if line else ">\n" for line in without_html(sanitize(text)).split("\n"))


def fenced(text: str) -> str:
    """Text as it is, in a fence of its own."""
    clean = sanitize(text)
    fence = "`" * max(3, 1 + max((len(run) for run in _RUNS.findall(clean)), default=0))
    end = "" if clean.endswith("\n") or not clean else "\n"
    return f"{fence}text\n{clean}{end}{fence}\n"


def without_html(text: str) -> str:
    """The same Markdown with entities where a tag could begin; text is sanitized."""
    if not _TAG.search(text):
        return text
    lines = list(code_lines(text))
    prose = [line for line, is_code in lines if not is_code]
    clear_fences = not any("```" in line or "~~~" in line for line in prose)
    clear_spans = clear_fences and not any("``" in line or "\\`" in line or line.count("`") % 2 or "|" in line for line in prose)
    out = []
    for line, is_code in lines:
        if is_code and clear_fences:
            out.append(line)
        elif clear_spans:
            out.append("`".join(part if number % 2 else _TAG.sub("&lt;", part) for number, part in enumerate(line.split("`"))))
        else:
            out.append(_TAG.sub("&lt;", line))
    return "\n".join(out)


def code_lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a block of code whose fence stands in the first column, the fence included."""
    fence = ""
    for line in text.split("\n"):
        opening = _FENCE.fullmatch(line)
        if fence:
            yield line, True
            if re.fullmatch(rf" {{0,3}}{fence}{re.escape(fence[0])}*[ \t]*", line):
                fence = ""
        elif opening:
            fence = opening[1] or opening[2]
            yield line, True
        else:
            yield line, False
