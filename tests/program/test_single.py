"""One session, because the user wants it so: the same prompt, one sentence for what it has not, and nothing is lost."""

from __future__ import annotations

import pytest

from tests.program.many import alt, at, goes, joined, told, waiting, write_script
from tests.program.running import Place

WAY_BACK = "There is one session here"


@pytest.mark.parametrize(
    ("how", "way"),
    [("--single", "Start plait without --single"), ("PLAIT_MULTI_SESSION", "Start plait without PLAIT_MULTI_SESSION")],
)
def test_one_session_and_all_of_them_when_it_is_on_again(place: Place, how: str, way: str) -> None:
    write_script(place)
    arguments, environ = ((how,), {}) if how.startswith("--") else ((), {how: "0"})
    with place.start("hello", columns=120, rows=40) as plait:
        plait.until(lambda: plait.text.count("hello") == 2)
        goes(plait, "/new asking -- ask me", "asking")
        plait.until(lambda: plait.input_row.startswith("(asking ?) >"))
        goes(plait, "/new drafty -- good day", "drafty")
        plait.until(lambda: plait.everything.count("good day") == 3)
        plait.type("half a thought")
        alt(plait, "1", "default")
        plait.enter("hello again")
        plait.until(lambda: plait.everything.count("hello again") == 2)
        plait.idle()
        assert plait.leave() == 0
    with place.start(*arguments, columns=120, rows=40, **environ) as plait:
        at(plait, "default")
        assert "sessions are open" not in plait.everything
        for line in ("/sessions", "/switch asking", "/2", "/new", "/next", "/back", "/inbox", "/close", "/say asking x", "/session list"):
            told(plait, line, WAY_BACK)
            assert way in joined(plait)
            assert plait.name == "default"
        plait.send("\x1b2")
        plait.enter("still here")
        plait.until(lambda: plait.everything.count("still here") == 2)
        assert (plait.name, waiting(plait)) == ("default", "")
        assert "asking" not in plait.toolbar
        assert plait.leave() == 0
    with place.start(columns=120, rows=40) as plait:
        at(plait, "default")
        plait.until(lambda: waiting(plait) == "[asking ?]")
        assert "1 default* · 2 asking ? · 3 drafty" in plait.toolbar
        plait.until(lambda: "still here" in plait.everything)
        alt(plait, "3", "drafty")
        plait.until(lambda: plait.input_row == "(drafty) > half a thought")
