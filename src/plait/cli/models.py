"""`plait models` and `plait models fetch`: what there is to talk to, why the rest is not, and the bundled model ahead of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plait.builders import catalog_of
from plait.core.commands import ModelLine
from plait.core.errors import ModelError
from plait.core.sanitize import sanitize
from plait.models.known import AS_OF
from plait.paths import Paths
from plait.settings import Settings


async def list_models(settings: Settings, paths: Paths, environ: Mapping[str, str]) -> str:
    """The list, as text for a terminal or a pipe."""
    async with catalog_of(settings, paths, environ) as catalog:
        rows = await catalog.listing()
        try:
            default = await catalog.default()
        except ModelError:
            default = ""
    return render(rows, default)


def render(rows: Sequence[ModelLine], default: str) -> str:
    """Available models a line each; then the providers that have none, with the way to get one."""
    there = [(row.name, _window(row), _price(row), _note(row, default)) for row in rows if row.available]
    widths = [max((len(line[column]) for line in there), default=0) for column in range(3)]
    lines = ["Available:"] if there else []
    for line in there:
        lines.append("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, (*widths, 0), strict=True)).rstrip())
    others = [row for row in rows if not row.available]
    if others:
        lines += ["", "Not available:"] if lines else ["Not available:"]
        width = max(len(row.name) for row in others)
        lines += [f"  {row.name:<{width}}  {row.note}" for row in others]
    if there:
        lines += ["", f"Prices are US dollars per million tokens, as of {AS_OF}. Choose with: plait --model NAME"]
    return sanitize("\n".join(lines))


def _window(row: ModelLine) -> str:
    return f"{row.context_window:,} tokens" if row.context_window else ""


def _price(row: ModelLine) -> str:
    if row.input_price is None or row.output_price is None:
        return "price not known"
    return f"${row.input_price:g} in, ${row.output_price:g} out" if row.output_price else "free"


def _note(row: ModelLine, default: str) -> str:
    return "the default" if row.name == default else row.note
