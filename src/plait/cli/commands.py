"""The commands about what is kept: their options and their help. What only looks, or writes copies, works beside a running plait.

As in `front`, everything but click is imported when its command runs.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from plait.paths import Paths


def _paths() -> Paths:
    from plait.paths import find_paths

    return find_paths(os.environ)


def directory_of(ctx: click.Context) -> str:
    """The directory whose project is meant: that of `-C`, else the current one."""
    given = ctx.find_root().params.get("cwd") or "."
    return os.path.abspath(given)


@click.command()
@click.option("--all", "closed", is_flag=True, help="Closed ones too.")
@click.option("--archived", is_flag=True, help="Those in the archive.")
@click.option("--trash", "trashed", is_flag=True, help="Those in the trash.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only what has this tag; can be given again.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs and status bars.")
@click.argument("words", nargs=-1, metavar="[WORDS]...")
@click.pass_context
def sessions(ctx: click.Context, /, closed: bool, archived: bool, trashed: bool, tags: tuple[str, ...], as_json: bool, words: Any) -> None:
    """List the stored sessions, also while plait runs.

    WORDS are looked for in names, titles, first messages, directories, ids and tags. Among them may stand tag:TAG, project:NAME and
    state:STATE (ready, waiting, working, paused, closed, asks, answered, failed, unread, draft, pinned).
    """
    from plait.cli.sessions import list_sessions, sessions_json
    from plait.core.selection import places_of, selection_of

    where = places_of(every=closed, archived=archived, trashed=trashed)
    selection = selection_of([*words, *(f"tag:{tag}" for tag in tags)], **where)
    if as_json:
        click.echo(sessions_json(_paths().database, directory_of(ctx), selection), nl=False)
    else:
        click.echo(list_sessions(_paths().database, directory_of(ctx), sys.stdout, os.environ, selection), nl=False)


@click.command()
@click.argument("file", required=False, metavar="[FILE|DIRECTORY]")
def backup(file: str | None) -> int:
    """Copy the whole database, also while plait runs, and check the copy.

    Without a name the copy goes into backups/ beside the database. No file is overwritten. `plait restore` goes back to one.
    """
    from plait.cli.backup import make_backup

    text, sound = make_backup(_paths(), file)
    click.echo(text)
    return 0 if sound else 1


@click.command()
@click.argument("file", metavar="FILE")
def restore(file: str) -> None:
    """Put a backup in the place of the database, while no plait runs.

    FILE is a path, or a name in backups/ beside the database. The backup is checked first, and is only read. The database that was there
    goes into backups/, too.
    """
    from plait.cli.restore import restore_backup

    click.echo(restore_backup(_paths(), file))


@click.command()
def vacuum() -> None:
    """Give room that the database does not use any more back to the disk, while no plait runs.

    A copy without that room is made, checked, and put in the place of the database: so much has to be free on the disk.
    """
    from plait.cli.vacuum import vacuum

    click.echo(vacuum(_paths()))


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended, after a copy was made, while no plait runs.")
def doctor(repair: bool) -> int:
    """Check the database, and tell versions, places and sizes.

    Changes nothing without --repair. The exit code is 0 if all is sound, else 1. What --repair cannot mend in place it salvages: the
    database is put aside and kept, and all that can be read of it goes into a fresh one.
    """
    from plait.cli.doctor import examine, mend

    text, sound = mend(_paths()) if repair else examine(_paths())
    click.echo(text)
    return 0 if sound else 1


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def stats(as_json: bool) -> None:
    """Count sessions, messages, tokens and money, by model, project and day."""
    from plait.cli.stats import as_json as in_json, as_text, read_figures

    figures = read_figures(_paths().database)
    click.echo(in_json(figures) if as_json else as_text(figures))


@click.command()
@click.option("--all", "everything", is_flag=True, help="Every session, closed ones too.")
@click.option("--format", "form", type=click.Choice(["markdown", "json", "html"]), help="By the file's name, else markdown.")
@click.option("-o", "--output", metavar="FILE|DIRECTORY", help="One file of all, or a file for each; else standard output.")
@click.option("--with-secrets", is_flag=True, help="Do not replace what looks like a key.")
@click.argument("names", nargs=-1, metavar="[NAME|ID]...")
@click.pass_context
def export(ctx: click.Context, /, **given: Any) -> None:
    """Write sessions as Markdown, JSON or HTML, also while plait runs.

    Without a name it is the session used last in this directory's project. No file is overwritten. JSON holds every event; an HTML page is
    one file without a script.
    """
    from plait.cli.export import Request, export

    request = Request(directory=directory_of(ctx), **given)
    told = export(_paths().database, os.environ, request, sys.stdout)
    if told:
        click.echo(told, err=not request.output)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.argument("words", nargs=-1, required=True)
def search(words: tuple[str, ...], as_json: bool) -> None:
    """Find messages of all sessions by their words, also while plait runs.

    Among WORDS may stand in:SESSION, project:NAME, tag:TAG, role:user|assistant|tool, kind:TYPE, since:DATE, until:DATE, tools:yes (what
    tools gave back, too), trashed:yes (what lies in the trash, too) and page:N. A star at the end of a word stands for the rest of it.
    """
    from plait.cli.search import search_json, search_text

    database = _paths().database
    asked = " ".join(words)
    click.echo(search_json(database, asked) if as_json else search_text(database, asked, sys.stdout, os.environ), nl=False)


@click.group(invoke_without_command=True)
@click.pass_context
def trash(ctx: click.Context) -> None:
    """List what lies in the trash; take something out of it, or erase it.

    Nothing leaves the trash by itself.
    """
    if ctx.invoked_subcommand is None:
        from plait.cli.trash import list_trash

        click.echo(list_trash(_paths().database))


@trash.command("restore")
@click.argument("name", metavar="NAME|ID")
def trash_restore(name: str) -> None:
    """Take a session out of the trash; it stays closed."""
    from plait.cli.trash import restore

    click.echo(restore(_paths().database, name))


@trash.command("purge")
@click.option("--all", "every", is_flag=True, help="All that lies in the trash now.")
@click.option("--yes", is_flag=True, help="Erase without a question.")
@click.argument("names", nargs=-1, metavar="[NAME|ID]...")
def trash_purge(names: tuple[str, ...], every: bool, yes: bool) -> None:
    """Erase sessions for good: messages, drafts and what search knows of them.

    It erases what it names, and only from the trash, after a question that is answered by typing a word. Nothing else of plait erases
    anything. Backups made before are not touched.
    """
    from plait.cli.trash import asked, purge

    click.echo(purge(_paths().database, names, every=every, sure=(lambda text: True) if yes else asked(sys.stderr, sys.stdin)))


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
    from plait.cli.importing import Request, check, run_import

    check(files, format_name, scan=scan)
    request = Request(files, format_name, directory_of(ctx), dry_run or scan)
    return run_import(request, _paths(), os.environ, sys.stdout, sys.stderr)


COMMANDS: tuple[click.Command, ...] = (sessions, search, trash, export, backup, restore, vacuum, doctor, stats, import_conversations)
"""What `front` adds to its own."""
