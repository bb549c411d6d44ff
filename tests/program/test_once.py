"""`plait run` as a script uses it: formats, exit codes, pipes, signals, several at once."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from plait.core import events as e
from plait.core.messages import SessionId
from plait.store.rescue import write_rescue
from tests.models import wires
from tests.models.fake_provider import refuses, says
from tests.program.running import PLAIT, Place
from tests.program.serving import refused_port, served
from tests.timing import LIMIT, within

LOOP = '[[reply]]\nmatch = ""\ncalls = [{ name = "dance", arguments = {} }]\n'


def test_text_json_and_json_lines_tell_the_same(place: Place) -> None:
    place.script.write_text(
        '[[reply]]\nthinking = "Hm."\ntext = "The answer is 42."\nchunk = 5\nusage = { input = 7, output = 3, cached = 1 }\n'
    )
    text = place.run("run", "ask")
    whole = place.run("run", "ask", "--output-format", "json")
    lines = [json.loads(line) for line in place.run("-p", "ask", "--output-format", "stream-json").stdout.splitlines()]
    assert (text.returncode, text.stdout, text.stderr) == (0, "The answer is 42.\n", "")
    record = json.loads(whole.stdout)
    assert record["response"] == "The answer is 42."
    assert record["usage"] == {"input": 7, "output": 3, "cached": 1}
    assert (record["ending"], record["model"]) == ("done", place.model)
    assert "".join(line["text"] for line in lines if line["type"] == "message") == "The answer is 42."
    assert lines[0]["type"] == "init"
    assert lines[-1] == {**record, "type": "result", "session": lines[0]["session"]}


def test_a_run_leaves_no_open_session(place: Place) -> None:
    assert place.run("run", "hello").stdout == "hello\n"
    (row,) = place.sessions()
    assert row.state == "Completed"


def test_a_named_session_goes_on(place: Place) -> None:
    first = place.run("run", "--session", "notes", "remember")
    assert (first.stdout, first.stderr) == ("remember\n", "plait: Session 'notes' is new.\n")
    second = place.run("run", "--session", "notes", "go on")
    assert (second.stdout, second.stderr) == ("go on\n", "")
    (row,) = place.sessions()
    assert (row.name, row.messages, row.state != "Completed") == ("notes", 4, True)
    with place.start("--session", "notes") as plait:
        plait.ready("(notes) >").shows("▌ go on")
        plait.leave()


def test_the_limit_of_turns_is_exit_code_4(place: Place) -> None:
    place.script.write_text(LOOP)
    done = place.run("run", "dance", "--max-turns", "3", "--output-format", "json")
    record = json.loads(done.stdout)
    assert (done.returncode, record["ending"], record["error"]["kind"]) == (4, "limit", "limit")
    assert "3 model calls" in done.stderr
    calls = [event for event in place.events() if isinstance(event, e.ToolReturned)]
    assert ["There is no tool named 'dance'" in one.result.content for one in calls] == [True] * 3


@pytest.mark.parametrize(
    ("error", "code"),
    [("AccessRefused", 5), ("ModelMissing", 5), ("NoModel", 5), ("BadAnswer", 1), ("ContextTooLong", 1), ("RequestRefused", 1)],
)
def test_an_error_has_the_exit_code_of_its_class_in_every_format(place: Place, error: str, code: int) -> None:
    place.script.write_text(f'[[reply]]\nerror = "{error}"\nmessage = "It broke. Mend it."\n')
    for form in ("text", "json"):
        done = place.run("run", "ask", "--output-format", form)
        assert (done.returncode, done.stderr) == (code, "plait: It broke. Mend it.\n")
        if form == "json":
            assert json.loads(done.stdout)["error"] == {"kind": error, "message": "It broke. Mend it."}
        else:
            assert done.stdout == ""


def test_what_can_be_tried_later_is_75_and_what_cannot_be_reached_5(place: Place) -> None:
    with served(place, refuses(429, "Slow down.", "rate_limit_exceeded", retry_after="0")):
        late = place.run("run", "ask", "-m", "lab:x", LAB_KEY="k")
    assert late.returncode == 75
    assert late.stderr.count("Trying again") == 4
    place.settings("")
    assert place.run("run", "ask", "-m", "openai:x").returncode == 5
    assert place.run("run", "ask", "-m", "nobody:x").returncode == 5
    assert place.run("run", "ask", "-m", "").returncode == 5


def test_usage_errors_are_2(place: Place) -> None:
    for arguments in (
        ["run"],
        ["run", "x", "--max-turns", "0"],
        ["run", "x", "--output-format", "xml"],
        ["run", "x", "--session", "Bad Name"],
        ["--output-format", "json"],
    ):
        done = place.run(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert done.stderr.startswith("plait: ")
        assert "Traceback" not in done.stderr


def test_stdin_is_joined_and_a_closed_one_is_nothing(place: Place) -> None:
    assert place.run("run", "review this", stdin="one\ntwo\n").stdout == "one\ntwo\n\nreview this\n"
    assert place.run("run", stdin="only this").stdout == "only this\n"
    closed = subprocess.run(
        ["sh", "-c", f"{' '.join(PLAIT)} -m {place.model} run hello <&-"],
        cwd=place.work,
        env=place.environ(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert (closed.returncode, closed.stdout, closed.stderr) == (0, "hello\n", "")


def test_a_closed_pipe_ends_it_quietly(place: Place) -> None:
    place.script.write_text("[[reply]]\nwords = 200000\nper_second = 2000\n")
    with place.process("run", "-m", place.model, "go") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(20) == "word1 word2 word3 wo"
        with within(10):
            process.stdout.close()
            assert process.wait(LIMIT) == 141
            assert process.stderr.read() == ""
    (row,) = place.sessions()
    assert row.state == "Completed"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["int", "term", "hup"]
)
def test_a_signal_ends_it_in_order(place: Place, number: signal.Signals, code: int) -> None:
    place.script.write_text("[[reply]]\nwords = 200000\nper_second = 100\n")
    with place.process("run", "-m", place.model, "go") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(30)
        with within(2):
            process.send_signal(number)
            assert process.wait(LIMIT) == code
        assert "Traceback" not in process.stderr.read()
    ended = [event for event in place.events() if isinstance(event, e.TurnEnded)]
    assert [event.ending for event in ended] == ["interrupted"]
    (partial,) = [event for event in place.events() if isinstance(event, e.AssistantSaid)]
    assert partial.message.text.startswith("word1 word2")


def test_eight_at_once_all_succeed(place: Place) -> None:
    processes = [place.process("run", "-m", place.model, f"number {number}") for number in range(8)]
    ends = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    assert [out for out, _ in ends] == [f"number {number}\n" for number in range(8)]
    assert all("Traceback" not in err for _, err in ends)
    assert len(place.sessions()) == 8


def test_progress_and_retries_are_told_on_stderr(place: Place) -> None:
    place.script.write_text('[[reply]]\nerror = "Overloaded"\nmessage = "Too busy. Wait."\ntimes = 1\ntext = "Done."\n')
    done = place.run("run", "ask")
    assert (done.returncode, done.stdout) == (0, "Done.\n")
    assert done.stderr == "plait: Too busy. Wait. Trying again in 1 s (2 of 5).\n"


def test_a_database_that_is_a_directory_is_one_sentence(place: Place) -> None:
    place.database.mkdir(parents=True)
    one_sentence(place, place.home, 1)


def test_what_cannot_be_taken_back_is_told_and_is_in_the_exit_code(place: Place) -> None:
    """Of what an earlier run could not save, a part does not fit: that is a loss, as long as the file lies there."""
    assert place.run("run", "hello").returncode == 0
    lost = e.Stamped(SessionId("gone"), 7, 1.0, e.UserSaid("lost"))
    file = write_rescue([place.database.parent], place.database, 1.0, [lost], [])
    assert file is not None
    done = place.run("run", "hello")
    assert (done.returncode, done.stdout) == (1, "hello\n")
    assert f"1 part of {file} cannot be put into the database" in done.stderr
    file.unlink()
    assert place.run("run", "hello").returncode == 0


def test_a_home_that_is_a_file_is_one_sentence(place: Place) -> None:
    place.home.write_text("")
    one_sentence(place, place.home, 2)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc, where nobody may write, root neither")
def test_a_home_that_may_not_be_written_is_one_sentence(place: Place) -> None:
    one_sentence(place, Path("/proc/plait"), 2)


def one_sentence(place: Place, home: Path, code: int) -> None:
    """A run, and the prompt, end with `code` and one sentence that names the place."""
    done = place.run("run", "hello", PLAIT_HOME=str(home))
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("plait: ")
    assert done.stderr.count("\n") == 1
    assert str(home) in done.stderr
    with place.start(PLAIT_HOME=str(home)) as plait:
        assert plait.wait() == code
        assert plait.text.startswith("plait: ")
        assert "Traceback" not in plait.text


def test_a_disk_that_takes_no_database_is_one_sentence(place: Place) -> None:
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f 64; exec {' '.join(PLAIT)} -m {place.model} run hello"],  # 32 kB
        cwd=place.work,
        env={name: value for name, value in place.environ().items() if not name.startswith("COVERAGE")},  # its own file would not fit
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"plait: The disk did not read or write the database {place.database} as asked (")
    assert "Look at its free space" in done.stderr


def test_the_key_is_nowhere_on_the_disk(place: Place) -> None:
    key = "sk-" + "q" * 40
    with served(place, says(wires.PLAIN)):
        assert place.run("run", "ask", "-m", "lab:x", LAB_KEY=key).returncode == 0
        assert place.run("run", "ask", "-m", "lab:no-key", LAB_KEY=key).returncode == 5
    place.settings(f'[providers.lab]\nbase_url = "http://127.0.0.1:{refused_port()}/v1"\napi_key_env = "LAB_KEY"\n')
    assert not [path for path in Path(place.home).rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
