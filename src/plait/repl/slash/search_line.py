"""What is typed to search: words, and filters among them such as `role:user`. The same at the prompt and on the command line. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from plait.core import commands as c, events as e
from plait.core.errors import UsageError
from plait.core.searching import Role
from plait.repl.slash.registry import listed

USAGE: Final = (
    "/search WORDS [in:SESSION] [project:NAME] [tag:TAG] [role:user|assistant|tool] [kind:TYPE] [since:DATE] [until:DATE] [tools:yes] "
    "[trashed:yes] [page:N]"
)
PAGE: Final = 10
"""Hits that are shown at once."""
MOST_PAGES: Final = 10_000

_ROLES: dict[str, Role] = {one: one for one in get_args(Role)}
_KINDS: dict[str, e.Kind] = {one: one for one in get_args(e.Kind)}
_ANSWERS = {"yes": True, "no": False}


def parse_search(text: str, now: datetime) -> c.Search:
    """The command for what was typed; `now` is local time. Raises `UsageError` for a filter whose value cannot be."""
    words: list[str] = []
    search = c.Search("", limit=PAGE)
    for part in text.split():
        name, sign, value = part.partition(":")
        read = _FILTERS.get(name.lower()) if sign and value else None
        if read is None:
            words.append(part)  # `std::vector` and `in:` alone are words like others
        else:
            told = read(value, now)
            if "tags" in told:
                told["tags"] = (*search.tags, *told["tags"])
            search = replace(search, **told)
    return replace(search, words=" ".join(words))


def _chosen(name: str, choices: dict[str, Any]) -> Callable[[str, datetime], dict[str, Any]]:
    def read(value: str, now: datetime) -> dict[str, Any]:
        if value.lower() not in choices:
            words = listed([f"{name}:{one}" for one in choices], "or")
            raise UsageError(f"'{value[:40]}' cannot stand after {name}: in a search. Give {words}.")
        return {name: choices[value.lower()]}

    return read


def _page(value: str, now: datetime) -> dict[str, Any]:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MOST_PAGES):
        raise UsageError(f"'{value[:40]}' is not the number of a page. Give one from 1 on, such as page:2.")
    return {"offset": (int(value[:9]) - 1) * PAGE}


def moment(value: str, now: datetime) -> datetime:
    """The beginning of a day: a date such as 2026-01-31, `today`, `yesterday`, or days ago such as `7d`. Raises `UsageError`."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"today": "0d", "yesterday": "1d"}.get(value.lower(), value.lower())
    try:
        if days.endswith("d") and days[:-1].isdecimal():
            return day - timedelta(days=int(days[:-1][:9]))
        return datetime.strptime(value, "%Y-%m-%d")
    except (ValueError, OverflowError):
        raise UsageError(f"'{value[:40]}' is not a date. Give one such as 2026-01-31 or yesterday, or days ago such as 7d.") from None


_FILTERS: dict[str, Callable[[str, datetime], dict[str, Any]]] = {
    "in": lambda value, now: {"session": value.lower()},
    "project": lambda value, now: {"project": value},
    "role": _chosen("role", _ROLES),
    "kind": _chosen("kind", _KINDS),
    "tools": _chosen("tools", _ANSWERS),
    "tag": lambda value, now: {"tags": (value.lower(),)},
    "trashed": _chosen("trashed", _ANSWERS),
    "since": lambda value, now: {"since": moment(value, now).timestamp()},
    "until": lambda value, now: {"until": (moment(value, now) + timedelta(days=1)).timestamp()},
    "page": _page,
}
