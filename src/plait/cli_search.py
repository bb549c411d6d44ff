"""`plait search`, the command; as in `cli`, everything but click is imported when it runs."""

from __future__ import annotations

import os
import sys

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.argument("words", nargs=-1, required=True)
def search(words: tuple[str, ...], as_json: bool) -> None:
    """Find messages of all sessions by their words, also while plait runs.

    Among WORDS may stand in:SESSION, project:NAME, tag:TAG, role:user|assistant|tool, kind:TYPE, since:DATE, until:DATE, tools:yes (what
    tools gave back, too), trashed:yes (what lies in the trash, too) and page:N. A star at the end of a word stands for the rest of it.
    """
    from plait.paths import find_paths
    from plait.search_command import search_json, search_text

    database = find_paths(os.environ).database
    asked = " ".join(words)
    click.echo(search_json(database, asked) if as_json else search_text(database, asked, sys.stdout, os.environ), nl=False)
