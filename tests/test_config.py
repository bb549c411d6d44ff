"""Layers, their origins, and every way in which a settings file can be wrong."""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import fields, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import example, given, strategies as st

from plait.app import defaults_of
from plait.cli.front import front
from plait.config import check, load
from plait.config_edit import edit, editor_command, set_value, template
from plait.config_file import MAX_BYTES, ConfigFile, key_lines, parse_file, read_file
from plait.conversation import options_of
from plait.core.defaults import SESSION_KEYS, Defaults, checked_setting
from plait.core.errors import ConfigError, PlaitError, UsageError
from plait.models.endpoint import Timeouts
from plait.settings import PROVIDER_TABLE, TABLE, ProviderSettings, Settings
from plait.settings_doc import page, schema, show
from tests.timing import within

PLACE = Path("/home/ada/config.toml")
LAB = '[providers.lab]\nbase_url = "http://localhost:8000/v1"\n'


def of(text: str, environ: dict[str, str] | None = None, **flags: str | bool | None) -> Settings:
    """Settings of one file's text."""
    return load(ConfigFile(PLACE, text), environ or {}, flags)


def problem(text: str) -> str:
    """What is said about a file of this text."""
    with pytest.raises(ConfigError) as caught:
        of(text)
    return str(caught.value)


def test_defaults() -> None:
    settings = load(None, {}, {})
    assert settings == Settings()
    assert str(settings.origin("model")) == "default"


def test_a_later_layer_wins_key_by_key_and_says_where() -> None:
    text = '# mine\nmodel = "file:a"\nmax_tokens = 5\nvi_mode = true\n'
    settings = of(text, {"PLAIT_MODEL": "environment:a", "PLAIT_MAX_TOKENS": "6"}, model="flag:a")
    assert (settings.model, settings.max_tokens, settings.vi_mode) == ("flag:a", 6, True)
    assert str(settings.origin("model")) == "flag --model"
    assert str(settings.origin("max_tokens")) == "environment PLAIT_MAX_TOKENS"
    assert str(settings.origin("vi_mode")) == f"file {PLACE} line 4"
    assert settings.origin("plain").layer == "default"


def test_an_empty_variable_and_a_flag_that_was_not_given_change_nothing() -> None:
    assert of('model = "a"', {"PLAIT_MODEL": ""}, model=None).model == "a"


def test_providers() -> None:
    settings = of(LAB + 'kind = "openai"\napi_key_env = "LAB_API_KEY"\nmodel = "m"\ncontext_window = 8192\n')
    assert settings.providers == (ProviderSettings("lab", "openai", "http://localhost:8000/v1", "LAB_API_KEY", "m", 8192),)
    assert str(settings.origin("providers.lab")) == f"file {PLACE} line 1"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('\nmodle = "x"', 2, ("modle", "model?")),
        ("zzz = 1", 1, ("zzz", "temperature")),
        ("[provider.lab]\n", 1, ("provider", "providers?")),
        ("model = 3", 1, ("model is a whole number", "takes text")),
        ("max_tokens = true", 1, ("max_tokens is true or false", "whole number")),
        ("max_tokens = 1.0", 1, ("max_tokens is a number", "whole number")),
        ("\n\nmax_tokens = 0", 3, ("max_tokens is 0", "from 1")),
        ("temperature = 2.5", 1, ("temperature is 2.5", "from 0 to 2")),
        ("temperature = nan", 1, ("temperature is nan", "from 0 to 2")),
        ("temperature = 9" + "9" * 400, 1, ("temperature is inf",)),
        ("top_p = -inf", 1, ("top_p is -inf",)),
        ("plain = 1979-05-27", 1, ("a date or time", "true or false")),
        ("plain = []", 1, ("a list",)),
        ('model = "a\\u001b[2J"', 1, ("model", "control character")),
        ('model = "' + "m" * 201 + '"', 1, ("201 characters", "at most 200")),
        ('system = "\\u0000"', 1, ("control character",)),
        ("providers = 1", 1, ("providers is a whole number", "[providers.NAME]")),
        ("\nproviders.lab = 1", 2, ("providers.lab is a whole number",)),
        ("[providers.openai]\nbase_url='http://x'", 1, ("openai is built in",)),
        ("[providers.Lab]\nbase_url='http://x'", 1, ("providers.Lab is not a name",)),
        ("[providers.lab]\n", 1, ("no base_url", "http://")),
        (LAB + 'kind = "carrier-pigeon"', 3, ("kind", "openai")),
        (LAB + "kind = 1", 3, ("kind is a whole number", "text")),
        (LAB + 'api_key = "sk-secret"', 3, ("api_key", "api_key_env?")),
        (LAB + 'token = "hunter2"', 3, ("token", "keeps no keys")),
        (LAB + "context_window = 0", 3, ("context_window is 0",)),
        (LAB + "context_window = true", 3, ("context_window is true or false",)),
        (LAB + 'model = "a\\nb"', 3, ("model",)),
        ('[providers.lab]\nbase_url = "ftp://x"', 2, ("base_url", "http or https")),
        ('[providers.lab]\nbase_url = "http://"', 2, ("base_url",)),
        ('[providers.lab]\nbase_url = "localhost:8000"', 2, ("base_url",)),
        ('[providers.lab]\nbase_url = "http://[::1"', 2, ("base_url",)),
        ('[providers.lab]\nbase_url = "http://x:99999"', 2, ("base_url",)),
        ('[providers.lab]\nbase_url = "http://x/\\u001b[2J"', 2, ("base_url",)),
        ('[providers.lab]\nbase_url = "http://ada:hunter2@x/"', 2, ("password",)),
        ('[providers.lab]\nbase_url = "http://x/?key=hunter2"', 2, ("query",)),
        ("model = 'a'\nmodel = 'b'", 2, ("the key model", "second time")),
        ("[providers.lab]\nbase_url='http://x'\n[providers.lab]\n", 3, ("providers.lab", "second time")),
        ("model = \n", 1, ("not valid TOML",)),
        ('x = """never closed\n\n', 2, ("not valid TOML",)),
        ("model = 'a' 'b'", 1, ("not valid TOML",)),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(text: str, line: int, said: tuple[str, ...]) -> None:
    message = problem(text)
    assert f"{PLACE} line {line}:" in message
    for words in said:
        assert words in message
    assert "hunter2" not in message
    assert "sk-secret" not in message


@pytest.mark.parametrize(
    "key", ["sk-proj-abc123", "AIzaSyD-9tSrke72PouQMnMX", "hf_abcdefABCDEF", "AKIAIOSFODNN7EXAMPLE", "two words", "", "9A", "K" * 65]
)
def test_a_key_in_the_place_of_a_variable_name_is_refused_and_not_echoed(key: str) -> None:
    message = problem(LAB + f"api_key_env = {json.dumps(key)}")
    assert "line 3: api_key_env is not the name of a variable" in message
    assert not key or key not in message


def test_every_problem_is_told_at_once_with_a_cap() -> None:
    message = problem("modle = 1\nplain = 3\n" + LAB + "kind = 2")
    assert message.count(str(PLACE)) == 3
    message = problem("\n".join(f"wrong{number} = 1" for number in range(50)))
    assert message.count("\n") == 10
    assert "40 more" in message


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PLAIT_MAX_TOKENS", "many", "whole number"),
        ("PLAIT_MAX_TOKENS", "1e3", "whole number"),
        ("PLAIT_MAX_TOKENS", "٣", "whole number"),
        ("PLAIT_MAX_TOKENS", "9" * 5000, "whole number"),
        ("PLAIT_TEMPERATURE", "nan", "from 0 to 2"),
        ("PLAIT_PLAIN", "maybe", "true or false"),
        ("PLAIT_MODEL", "a\nb", "control character"),
        ("PLAIT_SYSTEM", "\udcff", "UTF-8"),
    ],
)
def test_a_bad_variable_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable}: .*{said}"):
        load(None, {variable: value}, {})


def test_a_bad_flag_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^--top-p: top_p is 7"):
        load(None, {}, {"top_p": "7"})


@pytest.mark.parametrize(("word", "meaning"), [("1", True), ("Yes", True), ("off", False), ("FALSE", False)])
def test_words_for_true_and_false(word: str, meaning: bool) -> None:
    assert load(None, {"PLAIT_VI_MODE": word}, {}).vi_mode is meaning


def test_unknown_variables_are_not_ours_to_refuse() -> None:
    assert load(None, {"PLAIT_HOME": "/x", "PLAIT_OTHER": "1"}, {}) == Settings()


@given(st.text())
@example("a.b.c = '''\n[x]\n'''\n")
@example('"a\\"b".c = 1')
def test_any_text_is_settings_or_a_config_error(text: str) -> None:
    key_lines(text)
    message = ""
    try:
        of(text)
    except ConfigError as error:
        message = str(error)
    assert not message or str(PLACE) in message


_KEYS = st.sampled_from(["model", "plain", "lab", "a-b", '"x y"', "'q.r'"])


@given(st.lists(st.lists(_KEYS, min_size=1, max_size=3), min_size=1, max_size=6, unique_by=tuple), st.integers(0, 5))
def test_a_key_is_found_on_its_line(paths: list[list[str]], blank: int) -> None:
    text = "\n" * blank + "\n".join(" . ".join(path) + " = 1" for path in paths)
    lines = key_lines(text)
    bare = [tuple(part.strip("\"'") for part in path) for path in paths]
    for number, path in enumerate(bare, start=blank + 1):
        assert lines[path] <= number
        assert all(other[: len(path)] != path for other in bare[: lines[path] - blank - 1])


def test_a_header_inside_a_text_of_many_lines_is_no_header() -> None:
    text = 'system = """\n[providers.x]\nmodel = 3\n"""\nmodel = "a"\n[providers.lab] # mine\nbase_url = "x"\n[[more]]\nk = 1'
    lines = key_lines(text)
    assert lines[("model",)] == 5
    assert lines[("providers", "lab", "base_url")] == 7
    assert ("providers", "x") not in lines
    assert lines[("more", "k")] == 9


def test_deep_nesting_and_size_end_at_once() -> None:
    dots = ".".join("a" * 50_000)
    with within(5):
        for text in (
            "a = " + "[" * 50_000,
            f"{dots} = 1",
            f"[{dots}]",
            f"x = {{{dots} = 1}}",
            "a" * 200_000,
            '"' * 200_000,
            "[[x]]\n" * 30_000,
        ):
            assert str(PLACE) in problem(text)


def test_a_missing_file_is_no_file(tmp_path: Path) -> None:
    assert read_file(tmp_path / "none.toml") is None
    assert read_file(tmp_path / "no" / "where.toml") is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xef\xbb\xbfmodel = 'a'", "line 1 begins with a byte order mark"),
        ("model = 'a'".encode("utf-16"), "byte order mark"),
        (b"plain = true\n# caf\xe9", "line 2 is not UTF-8"),
        (b"#" * (MAX_BYTES + 1), "larger than 256 KiB"),
    ],
)
def test_unfit_bytes(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "config.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=said) as caught:
        read_file(tmp_path / "config.toml")
    assert str(tmp_path) in str(caught.value)


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name, said in (("directory", "a directory"), ("pipe", "a pipe"), ("loop", "cannot be read")):
        with pytest.raises(ConfigError, match=said):
            read_file(tmp_path / name)
    with pytest.raises(ConfigError, match="a device"):
        read_file(Path("/dev/zero"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    (tmp_path / "config.toml").chmod(0)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_file(tmp_path / "config.toml")


def test_set_keeps_comments_and_order_and_is_private(tmp_path: Path) -> None:
    place = tmp_path / "config" / "config.toml"
    place.parent.mkdir()
    place.write_text('# mine\nmodel = "a" # the good one\n\n[providers.lab] # at home\nbase_url = "http://x/v1"\n')
    place.chmod(0o644)
    settings = set_value(place, "model", "lab:b")
    assert settings.model == "lab:b"
    assert set_value(place, "temperature", "1").temperature == 1
    assert set_value(place, "providers.lab.context_window", "4096").providers[0].context_window == 4096
    text = place.read_text()
    assert [words for words in ("# mine", 'model = "lab:b" # the good one', "[providers.lab] # at home") if words not in text] == []
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [one.name for one in place.parent.iterdir()] == ["config.toml"]


def test_set_makes_the_file_and_a_provider(tmp_path: Path) -> None:
    place = tmp_path / "config" / "config.toml"
    set_value(place, "vi_mode", "yes")
    set_value(place, "providers.lab.base_url", "http://x/v1")
    settings = set_value(place, "providers.lab.api_key_env", "LAB_API_KEY")
    assert settings.vi_mode
    assert settings.providers == (ProviderSettings("lab", "openai", "http://x/v1", "LAB_API_KEY"),)
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("modle", "a", "model?"),
        ("max_tokens", "0", "from 1"),
        ("max_tokens", "x", "whole number"),
        ("providers.lab", "x", "providers.NAME.KEY"),
        ("providers.lab.base_ur", "x", "base_url?"),
        ("providers.lab.base_url", "nowhere", "http or https"),
        ("providers.lab.context_window", "²", "whole number"),
        ("providers.ollama.base_url", "http://x", "built in"),
        ("system", "s" * 100_001, "100,001"),
    ],
)
def test_set_refuses_and_writes_nothing(tmp_path: Path, key: str, value: str, said: str) -> None:
    place = tmp_path / "config.toml"
    place.write_text("# untouched\n")
    with pytest.raises(ConfigError) as caught:
        set_value(place, key, value)
    assert said in str(caught.value)
    assert place.read_text() == "# untouched\n"


def test_set_does_not_write_over_a_broken_file(tmp_path: Path) -> None:
    place = tmp_path / "config.toml"
    place.write_text("model = \n")
    with pytest.raises(ConfigError, match="line 1"):
        set_value(place, "model", "a")
    assert place.read_text() == "model = \n"


def test_set_writes_through_a_symbolic_link(tmp_path: Path) -> None:
    real, place = tmp_path / "dotfiles" / "plait.toml", tmp_path / "config.toml"
    real.parent.mkdir()
    real.parent.chmod(0o755)
    real.write_text("# tracked\n")
    place.symlink_to(real)
    set_value(place, "plain", "true")
    assert place.is_symlink()
    assert "plain = true" in real.read_text()
    assert stat.S_IMODE(real.parent.stat().st_mode) == 0o755


def test_set_where_nothing_can_be_written(tmp_path: Path) -> None:
    place = tmp_path / "config.toml"
    place.symlink_to(tmp_path / "gone" / "config.toml")
    with pytest.raises(ConfigError, match="cannot be written"):
        set_value(place, "plain", "true")


@given(st.text().filter(lambda text: "\0" not in text))
def test_set_and_read_is_a_round_trip(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    place = tmp_path_factory.getbasetemp() / "round-trip" / "config.toml"
    try:
        set_value(place, "system", text)
    except ConfigError:
        assert any("\ud800" <= char <= "\udfff" for char in text)
    else:
        assert load(read_file(place), {}, {}).system == text


def test_edit_starts_from_the_template_and_checks_afterwards(tmp_path: Path) -> None:
    place = tmp_path / "config" / "config.toml"
    edit(place, {"VISUAL": "true", "PATH": os.environ["PATH"]})
    assert place.read_text() == template()
    with pytest.raises(ConfigError, match="modle"):
        edit(place, {"EDITOR": "sh -c 'echo modle=1 >> \"$1\"' sh"})
    assert "modle=1" in place.read_text()


def test_an_editor_that_fails_or_is_not_there(tmp_path: Path) -> None:
    place = tmp_path / "config" / "config.toml"
    with pytest.raises(PlaitError, match="ended with code 3"):
        edit(place, {"EDITOR": "sh -c 'exit 3'"})
    with pytest.raises(ConfigError, match=r"cannot be started.*EDITOR"):
        edit(place, {"EDITOR": "/no/such/editor"})
    with pytest.raises(ConfigError, match="VISUAL is not a command"):
        edit(place, {"VISUAL": "'"})
    with pytest.raises(ConfigError, match="Set EDITOR"):
        editor_command({"PATH": str(tmp_path)})


def test_the_template_names_every_setting_and_every_line_of_it_is_right() -> None:
    text = template()
    assert of(text) == Settings()
    used = "\n".join(line.removeprefix("# ") for line in text.splitlines() if " = " in line or line.startswith("# [prov"))
    settings = of(used)
    assert set(settings.origins) == {*TABLE, "providers.lab"}


def test_show_names_value_and_layer_and_never_a_key() -> None:
    settings = of(LAB + 'api_key_env = "LAB_API_KEY"')
    text = show(settings, {"LAB_API_KEY": "hunter2"})
    assert "LAB_API_KEY" in text
    assert "which is set" in text
    assert "hunter2" not in text
    assert [key for key in TABLE if key not in text] == []
    assert "which is not set" in show(settings, {})


def test_show_passes_the_sanitizer() -> None:
    assert "\u202e" not in show(of('system = "a\u202eb"'), {})


def test_the_table_and_the_types_agree() -> None:
    annotations = {one.name: str(one.type) for one in fields(Settings)}
    for key, setting in TABLE.items():
        assert annotations[key].removesuffix(" | None") == setting.kind.__name__
        assert annotations[key].endswith("| None") == (setting.default is None)
    assert set(PROVIDER_TABLE) == {one.name for one in fields(ProviderSettings)} - {"name"}


def test_what_a_session_can_set_takes_the_same_everywhere() -> None:
    for key in SESSION_KEYS:
        if key == "mute":  # the one that has no layer above the session
            continue
        setting = TABLE[key]
        if setting.kind is not str:
            for value in (setting.lowest, setting.highest):
                assert checked_setting(key, value) == check(setting, value)
            for value in ((setting.lowest or 0) - 1, (setting.highest or 0) + 1):
                with pytest.raises(UsageError):
                    checked_setting(key, value)
                with pytest.raises(ValueError, match=key):
                    check(setting, value)


@pytest.mark.parametrize(
    ("environ", "holds", "place"),
    [
        ({}, True, "default"),
        ({"PLAIT_MULTI_SESSION": "0"}, False, "environment PLAIT_MULTI_SESSION"),
        ({"PLAIT_MULTI_SESSION": ""}, True, "default"),
        ({"PLAIT_MULTI_SESSION_ENABLED": "1", "PLAIT_MULTI_SESSION": "0"}, True, "environment PLAIT_MULTI_SESSION_ENABLED"),
        ({"PLAIT_MULTI_SESSION_ENABLED": "0", "PLAIT_MULTI_SESSION": "many"}, False, "environment PLAIT_MULTI_SESSION_ENABLED"),
    ],
)
def test_many_sessions_have_two_variables_and_the_longer_counts(environ: dict[str, str], holds: bool, place: str) -> None:
    settings = load(None, environ, {})
    assert settings.multi_session_enabled is holds
    assert str(settings.origin("multi_session_enabled")) == place


def test_the_second_variable_is_named_where_its_value_is_wrong() -> None:
    with pytest.raises(ConfigError, match=r"^PLAIT_MULTI_SESSION: .* true or false .*1.*0"):
        load(None, {"PLAIT_MULTI_SESSION": "2"}, {})


@pytest.mark.parametrize(("words", "holds"), [((), "true "), (("--single",), "false")])
def test_one_session_can_be_asked_for_on_the_command_line(home: Path, words: tuple[str, ...], holds: str) -> None:
    shown = CliRunner().invoke(front, [*words, "config", "show"], standalone_mode=False)
    row = next(line for line in shown.output.splitlines() if line.startswith("multi_session_enabled"))
    assert holds in row
    assert ("flag --single" in row) is bool(words)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('titles = "modell"', ("keywords or model", "Did you mean model?")),
        ('titles = "key"', ("keywords or model", "one of them")),
        ("buffer_events = 15", ("from 16",)),
        ("buffer_mb = 0.05", ("from 0.1 to 1,000",)),
        ("requests_per_minute = 0", ("from 1",)),
        ("indicator_sessions = 21", ("from 1 to 20",)),
        ("notify_cooldown = -1", ("from 0 to 3,600",)),
        ('notify = "aproval=bell"', ("Did you mean approval?", "such as:")),
        ('notify = "done"', ("KIND=WAY",)),
    ],
)
def test_what_is_wrong_with_a_setting_of_many_sessions(text: str, said: tuple[str, ...]) -> None:
    message = problem(text)
    assert f"{PLACE} line 1: {text.partition(' ')[0]}" in message
    assert [words for words in said if words not in message] == []


def test_calls_in_a_minute_by_provider() -> None:
    text = LAB + "requests_per_minute = 30\n[providers.openai]\nrequests_per_minute = 500\n[providers.ollama]\n"
    settings = of("requests_per_minute = 60\n" + text)
    assert [(one.name, one.requests_per_minute) for one in settings.providers] == [("lab", 30)]
    assert settings.built_in_requests == {"openai": 500}
    defaults = defaults_of(settings)
    assert [defaults.requests_of(name) for name in ("lab", "openai", "ollama")] == [30, 500, 60]
    shown = show(settings, {})
    assert re.search(rf"providers\.openai\.requests_per_minute +500 +file {PLACE} line 5", shown)
    assert re.search(r"providers\.lab\.requests_per_minute +30", shown)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (LAB + "requests_per_minute = 0", "line 3: requests_per_minute is 0"),
        ("[providers.openai]\nrequests_per_minute = 100001", "line 2: requests_per_minute is 100001"),
        ("[providers.openai]\nrequests_per_minute = 1\nmodel = 'a'", "openai is built in and takes requests_per_minute only"),
    ],
)
def test_calls_in_a_minute_have_a_range_and_are_all_that_a_built_in_provider_takes(table: str, said: str) -> None:
    assert said in problem(table)


def test_set_calls_in_a_minute_of_a_built_in_provider(tmp_path: Path) -> None:
    settings = set_value(tmp_path / "config.toml", "providers.openai.requests_per_minute", "90")
    assert (settings.providers, settings.built_in_requests) == ((), {"openai": 90})


def test_what_the_runtime_uses_of_the_settings() -> None:
    assert replace(defaults_of(Settings()), sources={}) == Defaults()
    settings = of(
        'auto_names = false\ntitles = "model"\nbuffer_events = 100\nbuffer_mb = 0.5\nsession_warn_mb = 2\nsession_unload_mb = 3\n'
        "requests_per_minute = 7",
        {"PLAIT_NOTIFY": "done=off"},
    )
    defaults = defaults_of(settings)
    assert (defaults.auto_names, defaults.titles, defaults.requests_per_minute) == (False, "model", 7)
    assert (defaults.buffer_events, defaults.buffer_bytes) == (100, 512 * 1024)
    assert (defaults.warn_bytes, defaults.unload_bytes) == (2 * 1024**2, 3 * 1024**2)
    assert (defaults.notify, defaults.sources["notify"]) == ("done=off", "environment PLAIT_NOTIFY")
    assert defaults.pinned == {"notify"}
    defaults = defaults_of(of("max_sessions = 3", {"PLAIT_MAX_SESSIONS": "2"}))
    assert defaults.pinned == {"max_sessions"}
    assert defaults.sources["max_sessions"] == "environment PLAIT_MAX_SESSIONS"


@pytest.mark.parametrize(
    ("text", "environ", "way"),
    [
        ("", {}, "Start plait without --single for many."),
        ("", {"PLAIT_MULTI_SESSION": "0"}, "Start plait without PLAIT_MULTI_SESSION for many."),
        ("multi_session_enabled = false", {}, "plait config set multi_session_enabled true allows many, from the next start on."),
    ],
)
def test_the_way_to_many_sessions_names_what_is_in_it(text: str, environ: dict[str, str], way: str) -> None:
    options = options_of(load(ConfigFile(PLACE, text), environ, {"multi_session_enabled": None if text or environ else False}))
    assert (options.many, options.to_many) == (False, way)


def test_every_key_of_a_session_has_a_layer_above_it() -> None:
    assert {key for key in SESSION_KEYS if not hasattr(Defaults(), key)} == set()


def test_time_limits_are_those_of_the_endpoint() -> None:
    settings = Settings()
    assert (settings.first_byte_timeout, settings.idle_timeout) == (Timeouts().first_byte, Timeouts().idle)


def test_the_schema_covers_the_table() -> None:
    plain = json.loads(schema())
    assert set(plain["properties"]) == {*TABLE, "providers"}
    assert plain["properties"]["temperature"] == {
        "type": "number",
        "minimum": 0,
        "maximum": 2,
        "description": TABLE["temperature"].description,
    }
    assert plain["properties"]["max_sessions"]["default"] == 10
    assert plain["properties"]["titles"]["enum"] == ["keywords", "model"]
    assert set(plain["properties"]["providers"]["properties"]["openai"]["properties"]) == {"requests_per_minute"}


def test_the_page_of_settings_is_up_to_date() -> None:
    written = (Path(__file__).parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == page(), "write it again: python -m plait.settings_doc > docs/settings.md"


def test_parse_file_gives_plain_data() -> None:
    assert parse_file(ConfigFile(PLACE, "plain = true")) == {"plain": True}
