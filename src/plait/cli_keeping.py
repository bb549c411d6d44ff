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


@click.command()
@click.argument("file", required=False, metavar="[FILE|DIRECTORY]")
def backup(file: str | None) -> int:
    """Copy the whole database, also while plait runs, and check the copy.

    Without a name the copy goes into backups/ beside the database. No file is overwritten. To go back to one: leave plait, move
    plait.db, plait.db-wal and plait.db-shm away (`plait doctor` says where they are), and put the copy there as plait.db.
    """
    from plait.backup_command import make_backup

    text, sound = make_backup(_paths(), file)
    click.echo(text)
    return 0 if sound else 1


@click.command()
def doctor() -> int:
    """Check the database, and tell versions, places and sizes.

    Changes nothing. The exit code is 0 if all is sound, else 1.
    """
    from plait.doctor_command import examine

    text, sound = examine(_paths())
    click.echo(text)
    return 0 if sound else 1


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def stats(as_json: bool) -> None:
    """Count sessions, messages, tokens and money, by model, project and day."""
    from plait import stats_command

    figures = stats_command.read_figures(_paths().database)
    click.echo(stats_command.as_json(figures) if as_json else stats_command.as_text(figures))


KEEPING: tuple[click.Command, ...] = (sessions, backup, doctor, stats)
"""What `cli` adds to its commands."""
