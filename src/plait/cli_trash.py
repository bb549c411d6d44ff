"""`plait trash`, the command; as in `cli`, everything but click is imported when it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


def _database() -> Path:
    from plait.paths import find_paths

    return find_paths(os.environ).database


@click.group(invoke_without_command=True)
@click.pass_context
def trash(ctx: click.Context) -> None:
    """List what lies in the trash; take something out of it, or erase it.

    Nothing leaves the trash by itself.
    """
    if ctx.invoked_subcommand is None:
        from plait.trash_command import list_trash

        click.echo(list_trash(_database()))


@trash.command("restore")
@click.argument("name", metavar="NAME|ID")
def trash_restore(name: str) -> None:
    """Take a session out of the trash; it stays closed."""
    from plait.trash_command import restore

    click.echo(restore(_database(), name))


@trash.command("purge")
@click.option("--all", "every", is_flag=True, help="All that lies in the trash now.")
@click.option("--yes", is_flag=True, help="Erase without a question.")
@click.argument("names", nargs=-1, metavar="[NAME|ID]...")
def trash_purge(names: tuple[str, ...], every: bool, yes: bool) -> None:
    """Erase sessions for good: messages, drafts and what search knows of them.

    It erases what it names, and only from the trash, after a question that is answered by typing a word. Nothing else of plait erases
    anything. Backups made before are not touched.
    """
    from plait.trash_command import asked, purge

    click.echo(purge(_database(), names, every=every, sure=(lambda text: True) if yes else asked(sys.stderr, sys.stdin)))
