"""Finding what was said, at the real prompt and beside it."""

from __future__ import annotations

import json
import os

from tests.program.running import Place
from tests.timing import until


def found(place: Place, *words: str) -> dict[str, object]:
    """What the command tells a program."""
    ran = place.run("search", "--json", *words)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert isinstance(told, dict)
    return told


def test_what_was_said_is_found_and_opened(place: Place) -> None:
    place.script.write_text('[[reply]]\nmatch = "pool"\ntext = "It is reused; 数据库连接池."\n[[reply]]\nmatch = ""\ntext = "Fine."\n')
    with place.start(rows=40) as plait:
        plait.ready().enter("what is a C++ pool")
        plait.shows("It is reused")
        plait.idle()
        plait.enter("/new other")
        plait.ready("(other) >").enter("hello")
        plait.shows("Fine.")
        plait.idle()
        until(lambda: found(place, "pool")["unindexed"] == 0)  # the index is a moment behind
        plait.enter("/search 连接")
        plait.shows("1 hit. /open N goes to one.")
        assert "1 default · " in plait.text
        plait.enter("/open 1")
        plait.ready("(default) >").shows("You are in 'default'.")
        assert plait.text.rpartition("/open 1")[2].count("▌ what is a C++ pool") == 1
        plait.enter('/grep " OR')
        plait.shows("Nothing was found.")
        beside = place.run("search", "c++", "role:user")
        assert "1 default, " in beside.stdout
        assert "what is a *C++* pool" in beside.stdout
        plait.leave()
    told = found(place, "数据", "in:default")  # with nobody there
    assert told["total"] == 1
    empty = Place(place.root / "empty")
    empty.work.mkdir(parents=True)
    assert "Nothing was found." in empty.run("search", "pool").stdout
    assert not os.path.exists(empty.home), "looking makes nothing"
    assert place.run("search", '"').returncode == 2
