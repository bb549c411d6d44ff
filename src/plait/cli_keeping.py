"""The part of the command line that is about what is kept: it only looks, or writes copies, and so works beside a running plait.

As in `cli`, everything but click is imported when its command runs.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from plait.paths import Paths


def _paths() -> Paths:
    from plait.paths import find_paths

    return find_paths(os.environ)


def _directory(ctx: click.Context) -> str:
    """The directory whose project is meant: that of `-C`, else the current one."""
    given = ctx.find_root().params.get("cwd") or "."
    return os.path.abspath(given)


@click.command()
@click.option("--all", "closed", is_flag=True, help="Closed ones too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs and status bars.")
@click.pass_context
def sessions(ctx: click.Context, closed: bool, as_json: bool) -> None:
    """List the stored sessions, also while plait runs."""
    from plait.sessions_command import list_sessions, sessions_json

    if as_json:
        click.echo(sessions_json(_paths().database, _directory(ctx), closed=closed), nl=False)
    else:
        click.echo(list_sessions(_paths().database, _directory(ctx), sys.stdout, os.environ, closed=closed), nl=False)


KEEPING: tuple[click.Command, ...] = (sessions,)
"""What `cli` adds to its commands."""
