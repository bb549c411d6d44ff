"""Many sessions at one prompt, as they are meant to be used: three at work, and a fourth; here, and at the far end of an ssh connection."""

from __future__ import annotations

from collections.abc import Callable

from tests.program.many import NAMES, QUESTION, alt, answers, assert_once, at, chooses, goes, streamed, told, waiting, write_script
from tests.program.remote import Remote, needs_ssh
from tests.program.running import Place, Plait

AUTH, PLAN = ("auth", 60), ("plan", 120)
Start = Callable[[], Plait]


def test_the_whole_story(place: Place) -> None:
    story(place, lambda: place.start(columns=100, rows=30, **NAMES))


@needs_ssh
def test_the_whole_story_over_ssh(place: Place) -> None:
    with Remote(place.root / "ssh") as remote:
        story(place, lambda: place.start(columns=100, rows=30, through=remote.command, **NAMES))


def story(place: Place, start: Start) -> None:
    """From the first message to the next start."""
    write_script(place, streamed(*AUTH, per_second=30), streamed(*PLAN, per_second=40))
    with start() as plait:
        names(plait)
        works_in_three(plait)
        goes_round(plait)
        answers_from_elsewhere(plait)
        closes_and_reopens(plait)
        keeps_a_draft(plait)
        assert_once(plait, AUTH, PLAN)
        assert plait.leave() == 0
        assert "4 sessions are kept. To resume: plait -r " in plait.everything
        plait.assert_restored()
    with start() as plait:
        all_there(plait)


def names(plait: Plait) -> None:
    """A name comes from the first message, while it is answered; one that is given is seen everywhere at once, and stays."""
    plait.ready().enter("fix the login form, and tell auth")
    plait.until(lambda: plait.name not in ("", "default"))
    assert "login" in plait.name
    told(plait, "/rename auth-fix", "is called 'auth-fix' from now on")
    at(plait, "auth-fix")
    assert plait.screen.title == "plait: auth-fix"


def works_in_three(plait: Plait) -> None:
    """Each goes on while another is shown, whichever way one goes; what nobody saw is shown on the way back."""
    goes(plait, "/new planning roadmap -- tell plan", "roadmap")
    plait.shows("plan-005")
    alt(plait, "1", "auth-fix")
    plait.until(lambda: "── auth-fix: " in plait.everything)
    goes(plait, "/switch road", "roadmap")
    plait.until(lambda: "── roadmap: " in plait.everything)
    goes(plait, "/new docs -- ask me", "docs")
    plait.until(lambda: plait.input_row.startswith("(docs ?) >"))
    assert QUESTION in plait.everything
    goes(plait, "/new ops", "ops")
    for name in ("1 auth-fix", "2 roadmap", "3 docs ?", "4 ops*"):
        plait.until(lambda name=name: name in plait.toolbar)  # type: ignore[misc]  # a lambda's default


def goes_round(plait: Plait) -> None:
    """Who waits is told, and gone to in the order of waiting; the way back leads to where the round began."""
    plait.until(lambda: waiting(plait) == "[docs ?] [auth-fix] [roadmap]")
    plait.until(lambda: plait.screen.title == "plait: ops (3 waiting)")
    alt(plait, "n", "docs")
    answers(plait, "docs", "2")
    plait.shows("  Then it is postgres.")
    plait.until(lambda: waiting(plait) == "[auth-fix] [roadmap]")
    goes(plait, "/next", "auth-fix")
    plait.shows("auth-059")
    alt(plait, "n", "roadmap")
    plait.shows("plan-119")
    plait.until(lambda: waiting(plait) == "")
    alt(plait, "p", "ops")


def answers_from_elsewhere(plait: Plait) -> None:
    """A message to another session, and the answer to its question, without going there."""
    told(plait, "/say docs ask me again", "Sent to 'docs'")
    plait.until(lambda: waiting(plait) == "[docs ?]")
    told(plait, "/inbox", QUESTION)
    told(plait, "/inbox docs 1", "Answered 'docs': sqlite")
    plait.until(lambda: waiting(plait) == "[docs]")
    assert "Then it is sqlite." not in plait.everything


def closes_and_reopens(plait: Plait) -> None:
    """What is unread is not closed without a question, and not lost."""
    plait.enter("/close docs")
    chooses(plait, "y/n", "n")
    plait.shows("'docs' stays open.")
    plait.enter("/close docs")
    chooses(plait, "y/n", "y")
    plait.until(lambda: "Closed 'docs' with" in plait.everything and "docs" not in plait.toolbar)
    goes(plait, "/reopen docs", "docs")
    plait.shows("  Then it is sqlite.")


def keeps_a_draft(plait: Plait) -> None:
    """What is typed and not sent stays with its session, the cursor too."""
    goes(plait, "/switch ops", "ops")
    plait.type("half a thought")
    plait.send("\x1b[D" * 3)
    alt(plait, "1", "auth-fix")
    assert plait.input_row == "(auth-fix) >"
    alt(plait, "4", "ops")
    plait.until(lambda: plait.input_row == "(ops) > half a thought")
    plait.type("|")
    plait.until(lambda: plait.input_row == "(ops) > half a thou|ght")
    alt(plait, "2", "roadmap")


def all_there(plait: Plait) -> None:
    """The next start begins where the last one ended: names, order, states, drafts, read marks."""
    at(plait, "roadmap")
    plait.shows("4 sessions are open. /sessions lists them.")
    plait.until(lambda: plait.toolbar.startswith("1 auth-fix · 2 roadmap* · 3 docs · 4 ops"))
    assert waiting(plait) == ""
    told(plait, "/sessions", "(draft)")
    row = next(row for row in reversed(plait.everything.splitlines()) if "(draft)" in row)
    assert "  ops  " in row
    assert "unread" not in plait.everything.rpartition("· /sessions")[2]
    alt(plait, "4", "ops")
    plait.until(lambda: plait.input_row == "(ops) > half a thou|ght")
    alt(plait, "3", "docs")
    plait.shows("  Then it is postgres.")
    assert plait.leave() == 0
