"""`plait search`: what was said in any session, from the shell. It only reads, so a running plait and this one never meet."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from plait.core import commands as c
from plait.core.search_queries import found, query_of, require_known
from plait.exchange.listing import UNBROKEN
from plait.repl.slash.hits import hit_rows, summary
from plait.repl.slash.layout import lines, paragraph
from plait.repl.slash.search_line import PAGE, parse_search
from plait.repl.style import Look
from plait.store.reading import reading


def search_json(database: Path, asked: str) -> str:
    """One object: `hits`, best first, `total`, whether there are `more` than that, `unindexed` (events that no search finds yet)."""
    result = _search(database, parse_search(asked, datetime.now()))
    told = {"total": result.total, "more": result.more, "unindexed": result.unindexed, "hits": [_told(hit) for hit in result.hits]}
    return json.dumps(told, indent=2) + "\n"


def _told(hit: c.Hit) -> dict[str, Any]:
    row = hit.info
    return {
        "session": row.id,
        "name": row.name,
        "project": row.project,
        "directory": row.directory,
        "state": row.state.value,
        "seq": hit.seq,
        "at": hit.at,
        "role": hit.role,
        "snippet": hit.snippet,
        "marks": hit.marks,
        "takenBack": hit.taken_back,
    }


def search_text(database: Path, asked: str, out: TextIO, environ: Mapping[str, str]) -> str:
    """The hits as `/search` shows them, for a terminal of this width or, elsewhere, in words."""
    search = parse_search(asked, datetime.now())
    result = _search(database, search)
    width = shutil.get_terminal_size().columns if out.isatty() else UNBROKEN
    look = Look.of_terminal(environ, tty=out.isatty(), encoding=out.encoding or "utf-8", width=width)
    rows = lines(hit_rows(result.hits, search.offset + 1, look, time.time()), look)
    more, later = f"The same with page:{search.offset // PAGE + 2}", "plait takes them in while it runs"
    return rows + paragraph(summary(result, search.offset, more, later), look, dim=True)


def _search(database: Path, search: c.Search) -> c.Found:
    query = query_of(search)
    with reading(database) as reader:
        if reader is None:
            return c.Found((), 0, 0)
        rows = reader.sessions()
        require_known(query, rows, reader.projects(), "plait sessions --all")
        return found(reader.search(query), rows)
