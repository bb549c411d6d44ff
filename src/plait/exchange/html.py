"""Sessions as one HTML page: no script, nothing loaded from anywhere, light or dark as the reader's screen is. Pure.

Everything that was said is escaped text; a policy in the page forbids a browser to run or load anything, should an escape ever fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from operator import itemgetter

from plait.core.sanitize import sanitize
from plait.exchange.markdown import code_lines
from plait.exchange.story import TAKEN_BACK, Item, Part, Story, when

_STYLE = """
:root { color-scheme: light dark; --edge: #8886; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
time, dt, .note { opacity: .75; font-weight: normal; font-size: .9rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; } dd { margin: 0; }
p, dd, h1, summary, .note { white-space: pre-wrap; overflow-wrap: anywhere; } p { margin: .3rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
pre { background: var(--soft); border: 1px solid var(--edge); border-radius: 4px; padding: .5rem; }
section.user { border-left: 4px solid #48f; padding-left: .8rem; } section.assistant { border-left: 4px solid #4a4; padding-left: .8rem; }
section.tool { border-left: 4px solid var(--edge); padding-left: .8rem; }
section.question { border-left: 4px solid #d80; padding-left: .8rem; }
section.gone { opacity: .6; border-left-style: dashed; }
article + article { border-top: 2px solid var(--edge); margin-top: 3rem; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def to_html(stories: Iterable[Story], count: int) -> Iterator[str]:
    """The page with so many stories, in pieces."""
    if count != 1:
        yield _head(f"{count:,} sessions")
    for story in stories:
        if count == 1:
            yield _head(story.name)
        yield from _story(story)
    yield "</body>\n</html>\n"


def _head(title: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{text_of(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n'
    )


def text_of(text: str) -> str:
    """Text that means nothing but itself, also in an attribute."""
    return escape(sanitize(text), quote=True)


def _story(story: Story) -> Iterator[str]:
    facts = "".join(f"<dt>{text_of(label)}</dt><dd>{text_of(value)}</dd>\n" for label, value in story.facts)
    yield f"<article>\n<h1>{text_of(story.name)}</h1>\n<dl>\n{facts}</dl>\n"
    yield from map(_item, story.items)
    yield "</article>\n"


def _item(item: Item) -> str:
    moment = f"<time>{text_of(when(item.at))}</time>"
    mark = f" ({TAKEN_BACK})" if item.taken_back else ""
    parts = "".join(map(_part, item.parts))
    if item.role == "note":
        return f'<p class="note">{moment} {text_of(item.title)}{mark}</p>\n{parts}'
    kind = f"{item.role} gone" if item.taken_back else item.role
    return f'<section class="{kind}">\n<h2>{text_of(item.title)} {moment}{mark}</h2>\n{parts}</section>\n'


def _part(part: Part) -> str:
    match part.shape:
        case "code":
            code = f"<pre>{text_of(part.text)}</pre>\n"
            return f"<details><summary>{text_of(part.label)}</summary>\n{code}</details>\n" if part.label else code
        case "note":
            return f'<p class="note">{text_of(part.text)}</p>\n'
        case "thinking":
            return f"<details><summary>Thinking</summary>\n{''.join(_prose(part.text))}</details>\n"
        case "prose":
            return "".join(_prose(part.text))


def _prose(text: str) -> Iterator[str]:
    """Markdown as it was written, its blocks of code set off."""
    for is_code, group in groupby(code_lines(sanitize(text)), itemgetter(1)):
        yield from _block([line for line, _ in group], is_code)


def _block(lines: Sequence[str], is_code: bool) -> Iterator[str]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield f"<pre>{escape(text)}</pre>\n" if is_code else f"<p>{escape(text)}</p>\n"
