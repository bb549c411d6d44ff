"""The command line as a user meets it: `python -m plait` in a process of its own."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from plait import __version__
from plait.cli.completion import model_names, script
from plait.cli.document import page
from plait.cli.front import PROMPT, Front, front
from plait.cli.outcome import guarded
from plait.core.errors import UsageError
from plait.settings import TABLE

COMMAND = [sys.executable, "-m", "plait"]


@pytest.fixture
def place(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home, an empty working directory, and a script whose only answer is an echo."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "echo.toml").write_text("")
    return tmp_path / "work"


def plait(place: Path, *arguments: str, stdin: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end; without `stdin` there is none."""
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run(
        [*COMMAND, *arguments], cwd=place, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False, **given
    )


def said(place: Path, *arguments: str, stdin: str | None = None, **environ: str) -> str:
    """Stdout of a command that must end well and say nothing on stderr."""
    done = plait(place, *arguments, stdin=stdin, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def refused(place: Path, *arguments: str, code: int = 2, **environ: str) -> str:
    """Stderr of a command that must end with `code`, print nothing and show no traceback."""
    done = plait(place, *arguments, **environ)
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("plait: ")
    return done.stderr


def test_version_and_help_touch_nothing(place: Path, home: Path) -> None:
    assert said(place, "--version") == f"plait {__version__}\n"
    for flag in ("-h", "--help"):
        text = said(place, flag)
        assert "Examples:" in text
        assert 'git diff | plait run "review this"' in text
    assert said(place, "explain", "-h") == text
    assert PROMPT not in text
    assert not home.exists()


def test_help_needs_no_home(place: Path) -> None:
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run([*COMMAND, "--help"], cwd=place, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run([*COMMAND, "config", "show"], cwd=place, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("plait: HOME is not set")


def test_what_starts_is_imported_late() -> None:
    code = (
        "import sys; from plait.cli.front import front; from plait.cli.outcome import guarded; guarded(front, ['--version']);"
        "print(*sorted(name for name in sys.modules if name.startswith('plait')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    command_line = ["plait.cli", "plait.cli.commands", "plait.cli.front", "plait.cli.options", "plait.cli.outcome"]
    loaded = ["plait", *command_line, "plait.core", "plait.core.errors"]
    assert done.stdout.splitlines()[-1].split() == loaded


# The first word


def first_words() -> Front:
    """A `Front` of the same shape that prints what it took for a prompt."""
    group = Front("plait", invoke_without_command=True, params=[click.Option(["-m", "--model"]), click.Option(["--plain"], is_flag=True)])

    @group.command(PROMPT)
    @click.option("-m", "--model")
    @click.argument("words", nargs=-1)
    def prompted(words: tuple[str, ...], model: str | None) -> None:
        click.echo(f"prompt {words}")

    @group.command()
    @click.argument("words", nargs=-1)
    def run(words: tuple[str, ...]) -> None:
        click.echo(f"run {words}")

    return group


@pytest.mark.parametrize(
    ("arguments", "taken"),
    [
        (["run"], "run ()"),
        (["run", "run"], "run ('run',)"),
        (["run the tests"], "prompt ('run the tests',)"),
        (["explain this"], "prompt ('explain this',)"),
        (["explain", "this"], "prompt ('explain', 'this')"),
        (["rnu"], "prompt ('rnu',)"),
        (["--", "run"], "prompt ('run',)"),
        (["--", "--model"], "prompt ('--model',)"),
        (["--plain", "--", "run"], "prompt ('run',)"),
        (["-m", "run", "hi"], "prompt ('hi',)"),
        (["--model", "x", "run", "hi"], "run ('hi',)"),
        (["--model=x", "run", "hi"], "run ('hi',)"),
        (["-mx", "hi"], "prompt ('hi',)"),
        (["hi", "-m", "x"], "prompt ('hi',)"),
        (["--plain", "run"], "run ()"),
        (["-"], "prompt ('-',)"),
        ([""], "prompt ('',)"),
        ([PROMPT], f"prompt ('{PROMPT}',)"),
    ],
)
def test_the_first_word_is_a_command_or_begins_the_prompt(arguments: list[str], taken: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(first_words(), arguments) == 0
    assert capsys.readouterr().out == taken + "\n"


# Answering once


def test_run_and_p_answer_once(place: Path) -> None:
    (place / "s.toml").write_text('[[reply]]\ntext = "Good day."\n')
    assert said(place, "run", "hello", "there", "-m", "scripted:s.toml") == "Good day.\n"
    assert said(place, "-m", "scripted:s.toml", "-p", "hello") == "Good day.\n"
    assert said(place, "-p", "hello", PLAIT_MODEL="scripted:s.toml") == "Good day.\n"
    assert said(place, "-C", str(place), "run", "hello", "--model", "scripted:s.toml", PLAIT_MODEL="openai") == "Good day.\n"


def test_stdin_is_joined_before_the_prompt(place: Path) -> None:
    model = ("-m", "scripted:echo.toml", "--output-format", "json")
    answer = json.loads(said(place, "run", "review this", *model, stdin="one\ntwo\n"))
    assert "one\ntwo\n\nreview this" in answer["response"]
    assert "only this" in json.loads(said(place, "run", *model, stdin="only this"))["response"]


def test_an_answer_as_json_lines(place: Path) -> None:
    lines = said(place, "-p", "hello", "-m", "scripted:echo.toml", "--output-format", "stream-json").splitlines()
    kinds = [json.loads(line)["type"] for line in lines]
    assert (kinds[0], kinds[-1]) == ("init", "result")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], ["no prompt", "plait run"]),
        (["run", "  "], ["no prompt"]),
        (["-p", "a", "b"], ["two prompts"]),
        (["--output-format", "json", "hello"], ["--output-format", "-p"]),
        (["--output-format", "xml", "-p", "hello"], ["xml", "stream-json"]),
        (["--modle", "x"], ["--modle", "Did you mean"]),
        (["-C", "/no/such/place", "-p", "x"], ["/no/such/place", "-C"]),
        (["-p", "x", "--temperature", "hot"], ["--temperature", "from 0 to 2"]),
        (["-p", "x", "--max-turns", "0"], ["--max-turns", "from 1"]),
        (["config"], ["config"]),
        (["config", "shwo"], ["shwo"]),
        (["completion", "tcsh"], ["tcsh", "bash"]),
        (["models", "what"], ["what"]),
        (["-p"], ["-p", "argument"]),
    ],
)
def test_what_is_wrong_with_a_command_line_is_one_text(place: Path, arguments: list[str], words: list[str]) -> None:
    text = refused(place, *arguments)
    assert [word for word in words if word not in text] == []


def test_a_model_that_nobody_has_ends_with_code_5(place: Path) -> None:
    assert "OPENAI_API_KEY" in plait(place, "-m", "openai", "-p", "hello").stderr
    assert plait(place, "-m", "openai", "-p", "hello").returncode == 5


# Settings


def test_config_commands(place: Path, home: Path) -> None:
    file = home / "config" / "config.toml"
    assert said(place, "config", "path") == f"{file}\n"
    said(place, "config", "set", "model", "scripted:a.toml")
    said(place, "config", "set", "providers.lab.base_url", "http://localhost:8000/v1")
    assert tomllib.loads(file.read_text())["providers"]["lab"] == {"base_url": "http://localhost:8000/v1"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(one.stat().st_mode) for one in (home, file.parent)} == {0o700}
    text = said(place, "--temperature", "1", "config", "show", PLAIT_PLAIN="yes")
    rows = {line.split()[0]: line for line in text.splitlines()}
    assert f"file {file} line 1" in rows["model"]
    assert "flag --temperature" in rows["temperature"]
    assert "environment PLAIT_PLAIN" in rows["plain"]
    assert rows["max_tokens"].endswith("default")
    assert set(json.loads(said(place, "config", "schema"))["properties"]) == {*TABLE, "providers"}
    assert "-3" in refused(place, "config", "set", "max_tokens", "-3")


def test_config_edit(place: Path, home: Path) -> None:
    said(place, "config", "edit", EDITOR="true", VISUAL="")
    assert "modle" in refused(place, "config", "edit", VISUAL="sh -c 'echo modle=1 >> \"$1\"' sh")
    assert "modle=1" in (home / "config" / "config.toml").read_text()
    assert "code 3" in refused(place, "config", "edit", VISUAL="sh -c 'exit 3'", code=1)


def test_a_broken_file_stops_every_start_with_its_line(place: Path, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    file = home / "config" / "config.toml"
    file.write_text("plain = true\nmodle = 'x'\n")
    for arguments in (["-p", "x"], ["config", "show"], ["models"]):
        assert f"{file} line 2: there is no setting modle" in refused(place, *arguments)
    assert said(place, "config", "path")
    file.unlink()
    file.mkdir()
    assert "a directory" in refused(place, "config", "show")


def test_a_control_character_in_a_key_does_not_reach_the_terminal(place: Path, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text('"\\u001b[2J" = 1\n')
    assert "\x1b" not in refused(place, "config", "show")


# Models


def test_models_lists_what_is_there_and_why_the_rest_is_not(place: Path) -> None:
    text = said(place, "models", ANTHROPIC_API_KEY="k")
    assert "anthropic:claude-sonnet-5-5" in text
    assert "the default" in text
    assert "OPENAI_API_KEY is not set" in text
    assert "127.0.0.1:1" in text


# Completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(place: Path, shell: str) -> None:
    text = said(place, "completion", shell)
    assert "_PLAIT_COMPLETE" in text
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=text, text=True, check=False, timeout=60).returncode == 0


def test_a_shell_that_asks_is_answered(place: Path) -> None:
    answer = said(place, _PLAIT_COMPLETE="bash_complete", COMP_WORDS="plait mo", COMP_CWORD="1")
    assert answer == "plain,models\n"
    answer = said(place, _PLAIT_COMPLETE="bash_complete", COMP_WORDS="plait config s", COMP_CWORD="2")
    assert answer.split() == ["plain,schema", "plain,set", "plain,show"]
    answer = said(place, _PLAIT_COMPLETE="zsh_complete", COMP_WORDS="plait run --model anthropic:claude-o", COMP_CWORD="3")
    assert "anthropic:claude-opus-5-5" in answer


def test_an_unknown_shell_is_refused() -> None:
    with pytest.raises(UsageError, match="bash, zsh and fish"):
        script(front, "tcsh")
    context = click.Context(front)
    assert [item.value for item in model_names(context, front.params[0], "off")] == ["offline"]


# Ends


def test_a_reader_that_has_gone_ends_it_quietly(place: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m plait config schema | true"],
        cwd=place,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode in (0, 141)


def test_the_end_of_a_gone_reader_is_141(place: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in (["--help"], ["--version"], ["config", "schema"]):
        done = subprocess.run([*COMMAND, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False, cwd=place)
        assert (done.returncode, done.stderr) == (141, "")
    os.close(writer)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence(place: Path) -> None:
    for arguments in (["--version"], ["config", "schema"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False, cwd=place
            )
        assert done.returncode == 1
        assert done.stderr.startswith("plait: Standard output cannot be written (No space left on device)")
        assert done.stderr.count("\n") == 1


def test_closed_streams_are_no_fault(place: Path) -> None:
    line = "$0 -m plait --version >&-; echo $?; $0 -m plait --nope 2>&-; echo $?; $0 -m plait --version <&-"
    done = subprocess.run(["sh", "-c", line, sys.executable], capture_output=True, text=True, timeout=60, check=False, cwd=place)
    assert (done.stdout, done.stderr) == (f"0\n2\nplait {__version__}\n", "")


def test_the_page_of_the_command_line_is_up_to_date() -> None:
    written = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == page(), "write it again: python -m plait.cli.document > docs/cli.md"


def test_what_the_terminal_cannot_show_is_spelled_out(place: Path) -> None:
    said(place, "config", "set", "system", "世界")
    assert "\\u4e16\\u754c" in said(place, "config", "show", PYTHONIOENCODING="latin-1")


def test_ctrl_c_ends_with_130(place: Path) -> None:
    master, slave = pty.openpty()
    running = subprocess.Popen(
        [*COMMAND, "config", "edit"],
        cwd=place,
        env={**os.environ, "VISUAL": "sh -c 'echo up; trap exit INT; read line'"},
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    assert running.stdout.readline() == "up\n"
    os.killpg(running.pid, 2)
    assert running.wait(60) == 130
    assert "Traceback" not in running.stderr.read()
    for stream in (running.stdout, running.stderr):
        stream.close()
    os.close(master)
    os.close(slave)
