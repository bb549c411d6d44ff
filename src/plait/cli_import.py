"""`plait import` on the command line. As in `cli`, everything but click is imported when the command runs."""

from __future__ import annotations

import os
import sys

import click

from plait.cli_keeping import KEEPING, directory_of


@click.command("import")
@click.argument("files", nargs=-1, metavar="[PATH…]")
@click.option("--format", "format_name", metavar="NAME", default="", help="The format, where plait does not know it by itself.")
@click.option("--dry-run", is_flag=True, help="List what would be imported, and import nothing.")
@click.option("--scan", is_flag=True, help="List what other programs keep on this machine, and import nothing.")
@click.pass_context
def import_conversations(ctx: click.Context, files: tuple[str, ...], format_name: str, dry_run: bool, scan: bool) -> int:
    """Take over conversations of other programs or another plait, as closed sessions.

    A PATH is a file, an export as it was downloaded, or a directory. The same file twice is imported once; what was added to it since is
    appended. The formats are: aichat, aider, chatgpt, claude-ai, claude-code, codex, jsonl, llm, plait.
    """
    from plait.import_command import Request, check, run_import
    from plait.paths import find_paths

    check(files, format_name, scan=scan)
    request = Request(files, format_name, directory_of(ctx), dry_run or scan)
    return run_import(request, find_paths(os.environ), os.environ, sys.stdout, sys.stderr)


COMMANDS: tuple[click.Command, ...] = (*KEEPING, import_conversations)
"""What `cli` adds to its commands."""
