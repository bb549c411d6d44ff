"""Providers that fail, end to end: a sentence with the host and a way out, and the session goes on."""

from __future__ import annotations

from itertools import count

from tests.models import wires
from tests.models.fake_provider import Exchange, Scenario, refuses, says, streams
from tests.program.running import Place, Plait
from tests.program.serving import refused_port, served

SENTENCES = {
    "no-key": ["Incorrect API key provided.", "LAB_KEY"],
    "forbidden": ["Country not supported."],
    "missing": ["'missing'", "/model"],
    "large": ["/compact"],
    "long": ["/compact"],
    "quota": ["You exceeded your current quota."],
    "web-page": ["web page"],
    "garbled": ["garbled"],
    "stalled": ["1 s"],
    "cut": ["broke the connection", "What came is kept"],
}


def failed(plait: Plait, model: str) -> str:
    """Ask that model and wait for the end of the turn; what was said of it, in one line."""
    plait.enter(f"/model lab:{model}")
    plait.until(lambda: f"lab:{model}" in plait.toolbar)
    plait.enter(f"ask {model}")
    plait.until(lambda: "✗" in plait.everything.partition(f"▌ ask {model}")[2])
    plait.idle()
    return " ".join(plait.everything.rpartition(f"▌ ask {model}")[2].rpartition("(default) >")[0].split())


def test_a_sentence_for_each_failure_and_the_session_goes_on(place: Place) -> None:
    with (
        served(place, more="idle_timeout = 1\nfirst_byte_timeout = 1") as server,
        place.start(model="lab:plain", LAB_KEY="k" * 20, columns=140, rows=50) as plait,
    ):
        plait.ready()
        for model, words in SENTENCES.items():
            said = failed(plait, model)
            for word in words:
                assert word in said, (model, said)
            assert "Traceback" not in said
        plait.enter("/model lab:plain")
        plait.until(lambda: "lab:plain" in plait.toolbar)
        plait.enter("and now?")
        plait.shows("Hello, wörld")
        plait.idle()
        assert plait.leave() == 0
        last = server.exchanges[-1].json["messages"]
    assert last[-1] == {"role": "user", "content": last[-1]["content"]}
    assert "and now?" in str(last[-1]["content"])
    assert "k" * 20 not in plait.everything


def test_what_helps_is_tried_again(place: Place) -> None:
    calls = count()

    async def in_the_end(exchange: Exchange) -> None:
        scenario: Scenario = [
            refuses(429, "Slow down.", "rate_limit_exceeded", retry_after="0"),
            refuses(503, "Loading model."),
            says(wires.PLAIN),
        ][next(calls)]
        await scenario(exchange)

    with served(place, in_the_end), place.start(model="lab:x", LAB_KEY="k", columns=140) as plait:
        plait.ready().enter("hello")
        plait.shows("Hello, wörld")
        assert plait.everything.count("Trying again in") == 2
        assert "2 of 5" in plait.everything
        assert "✗" not in plait.everything


def test_a_refused_port_is_named_and_waiting_for_it_can_be_stopped(place: Place) -> None:
    port = refused_port()
    place.settings(f'[providers.lab]\nbase_url = "http://127.0.0.1:{port}/v1"\n')
    with place.start(model="lab:x", columns=140) as plait:
        plait.ready().enter("hello")
        plait.shows("Trying again in")
        assert f"127.0.0.1:{port}" in plait.everything
        plait.send("\x03")
        plait.shows("Interrupted.", promised=2)
        plait.idle()


def test_retry_replaces_the_answer_in_what_the_model_sees(place: Place) -> None:
    numbers = count(1)

    async def counting(exchange: Exchange) -> None:
        await says(wires.Said(text=(f"Answer {next(numbers)}.",)))(exchange)

    with served(place, counting) as server, place.start(model="lab:x", LAB_KEY="k") as plait:
        plait.ready().enter("the question")
        plait.shows("Answer 1.")
        plait.idle()
        plait.enter("/retry")
        plait.shows("Answer 2.")
        plait.idle()
        plait.enter("the next one")
        plait.shows("Answer 3.")
        seen = [[(message["role"], message["content"]) for message in exchange.json["messages"][1:]] for exchange in server.exchanges]
    question = ("user", "the question")
    assert seen == [[question], [question], [question, ("assistant", "Answer 2."), ("user", "the next one")]]


def test_an_attached_file_and_instructions_reach_the_model(place: Place) -> None:
    (place.work / "note.txt").write_text("the text of the note")
    with served(place) as server, place.start("--system", "Be brief.", model="lab:x", LAB_KEY="k") as plait:
        plait.ready().enter("see @note.txt")
        plait.shows("Hello, wörld")
        messages = server.exchanges[-1].json["messages"]
    assert messages[0] == {"role": "system", "content": "Be brief."}
    assert "the text of the note" in str(messages[1]["content"])
    assert "note.txt" in str(messages[1]["content"])
    assert server.exchanges[-1].headers["authorization"] == "Bearer k"


def test_a_partial_answer_of_a_broken_stream_is_kept(place: Place) -> None:
    broken = streams(wires.openai(wires.Said(text=("The first half",)))[:2], "cut")
    with served(place, broken), place.start(model="lab:x", LAB_KEY="k") as plait:
        plait.ready().enter("hello")
        plait.until(lambda: "✗" in plait.everything)
        assert "  The first half" in plait.everything


def test_a_missing_key_and_no_model_at_all_do_not_prevent_the_start(place: Place) -> None:
    with served(place), place.start(model="lab:x", columns=140) as plait:
        plait.ready().enter("hello")
        plait.shows("LAB_KEY")
        plait.idle()
    place.settings("")
    with place.start(model="", columns=140) as plait:
        plait.ready().enter("hello")
        plait.until(lambda: "✗" in plait.everything)
        plait.idle()
        plait.enter("/model " + place.model)
        plait.until(lambda: "scripted:" in plait.toolbar)
        plait.enter("better now")
        plait.until(lambda: plait.everything.count("better now") == 2)
        assert plait.leave() == 0


def test_a_broken_script_is_told_with_its_line(place: Place) -> None:
    place.script.write_text("[[reply]]\ntekst = 'x'\n")
    with place.start(columns=140) as plait:
        plait.ready().enter("hello")
        plait.shows("line 2: 'tekst' is not known")
