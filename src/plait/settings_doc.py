"""What is told about the settings, all read off their table: `config show`, the JSON schema, and `docs/settings.md`.

`python -m plait.settings_doc > docs/settings.md` writes the page again; a test fails while it differs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from plait.core.sanitize import sanitize
from plait.settings import BUILT_IN_PROVIDERS, KINDS, PROVIDER_TABLE, REQUESTS, TABLE, Setting, Settings, Value

_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def show(settings: Settings, environ: Mapping[str, str]) -> str:
    """Each setting with its value and the layer it comes from, a line each. Of a key only whether its variable is set."""
    rows = [(key, _shown(getattr(settings, key)), str(settings.origin(key))) for key in TABLE]
    for one in settings.providers:
        origin = str(settings.origin(f"providers.{one.name}"))
        for key in PROVIDER_TABLE:
            value = getattr(one, key)
            if value not in ("", None):
                note = (", which is set" if environ.get(value) else ", which is not set") if key == "api_key_env" else ""
                rows.append((f"providers.{one.name}.{key}", _shown(value) + note, origin))
    for name, limit in settings.built_in_requests.items():
        rows.append((f"providers.{name}.{REQUESTS}", _shown(limit), str(settings.origin(f"providers.{name}"))))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{key:<{widths[0]}}  {value:<{min(widths[1], 40)}}  {origin}".rstrip() for key, value, origin in rows)


def _shown(value: Value) -> str:
    if value is None:
        return "(not set)"
    text = json.dumps(value, ensure_ascii=False)
    return sanitize(text if len(text) <= 200 else text[:200] + "…")


def schema() -> str:
    """The JSON schema of the settings file, for editors that check as you type."""
    properties: dict[str, object] = {key: _schema_of(setting) for key, setting in TABLE.items()}
    rows = {row.key: {"type": _JSON_TYPES[row.kind], "description": row.description} for row in PROVIDER_TABLE.values()}
    provider = {
        "type": "object",
        "additionalProperties": False,
        "required": [row.key for row in PROVIDER_TABLE.values() if row.required],
        "properties": {**rows, "kind": {**rows["kind"], "enum": list(KINDS)}},
    }
    built_in = {"type": "object", "additionalProperties": False, "properties": {REQUESTS: rows[REQUESTS]}}
    properties["providers"] = {
        "type": "object",
        "additionalProperties": provider,
        "properties": dict.fromkeys(BUILT_IN_PROVIDERS, built_in),
    }
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plait settings",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    return json.dumps(whole, indent=2)


def _schema_of(setting: Setting) -> dict[str, object]:
    plain: dict[str, object] = {"type": _JSON_TYPES[setting.kind], "description": setting.description}
    limits = ("minLength", "maxLength") if setting.kind is str else ("minimum", "maximum")
    plain |= {name: limit for name, limit in zip(limits, (setting.lowest, setting.highest), strict=True) if limit is not None}
    if setting.choices:
        plain["enum"] = list(setting.choices)
    if setting.default is not None:
        plain["default"] = setting.default
    return plain


_INTRODUCTION = """# Settings

Settings come from four layers; a later one wins, key by key: defaults, the file, the environment, flags.

- The file is `$XDG_CONFIG_HOME/plait/config.toml` (`~/.config/plait/config.toml`), in TOML.
  With `PLAIT_HOME` set, everything lies below that directory: `config/config.toml`, `data/plait.db`, `state/`, `cache/`.
- The environment variable of a setting is `PLAIT_` and its key in capitals. An empty variable counts as unset.
  `PLAIT_MULTI_SESSION=0` is `PLAIT_MULTI_SESSION_ENABLED=0`; where both are set, the longer name counts.
- A session's own settings (`/model`, `/system`, `/set`, `/notify`, `/mute`) stand above all of these, for that session.

`plait config show` prints every value with the layer it comes from, `plait config set KEY VALUE` writes one, `plait config edit` opens
the file in your editor, `plait config path` tells where it is, and `plait config schema` prints its JSON schema. An unknown key, a wrong
type or a broken file is refused with file, line and key, and with exit code 2.

| key | takes | default | environment | flag | meaning |
|---|---|---|---|---|---|
"""

_PROVIDERS = """
## Providers of your own

Any server that speaks the OpenAI protocol is a table of its own, used as `--model NAME:MODEL`. A name is a small letter, then small
letters, digits and `-`, 32 at most. For a provider that is built in, such as `[providers.openai]`, only `requests_per_minute` can be set.

```toml
[providers.lab]
kind = "openai"
base_url = "http://localhost:8000/v1"
api_key_env = "LAB_API_KEY"
```

| key | takes | needed | meaning |
|---|---|---|---|
"""


_NOTICES = """
## Notices

A notice tells you of a session that you are not looking at. `notify` says which kinds come, and how: `KIND=WAY` or `KIND=WAY,WAY`, with
blanks or `;` between them, such as `notify = "approval=bell,desktop done=off"`. A kind that is not named stays as it is by default; `all`
stands for every kind that is not named otherwise. A session's own rules go before these.

| kind | when |
|---|---|
| `done` | an answer is finished |
| `approval` | a tool asks whether it may |
| `question` | the model asks you something |
| `failed` | a turn failed |
| `budget` | a budget is reached |

| way | what happens |
|---|---|
| `off` | nothing |
| `bell` | the terminal's bell |
| `desktop` | a notice of the desktop, if the terminal can (OSC 9 or OSC 777), else the bell; in tmux it needs `allow-passthrough on` |
| `command` | `notify_command` is run by your shell, if there is one |

The command gets one line of JSON on its standard input: `kind`, `session` (the id), `name`, `project`, `directory`, `state`,
`waiting_for`, `detail` (a sentence or the question), and `at` (seconds since 1970). It does not get the keys of providers, its output is
thrown away, and after ten seconds it is ended.

```toml
notify = "question=bell,command"
notify_command = '''jq -r '.name + ": " + .detail' | xargs -0 notify-send'''
```
"""


def page() -> str:
    """`docs/settings.md`, whole."""
    rows = [
        f"| `{one.key}` | {one.allowed} | {'' if one.default in (None, '') else f'`{json.dumps(one.default)}`'} | "
        f"{' or '.join(f'`{name}`' for name in (one.variable, one.second_variable) if name)} | "
        f"{f'`{one.flag}`' if one.flag else ''} | {one.description} |"
        for one in TABLE.values()
    ]
    provider_rows = [
        f"| `{row.key}` | {'a whole number' if row.kind is int else 'text'} | {'yes' if row.required else 'no'} | {row.description} |"
        for row in PROVIDER_TABLE.values()
    ]
    return _INTRODUCTION + "\n".join(rows) + "\n" + _PROVIDERS + "\n".join(provider_rows) + "\n" + _NOTICES


if __name__ == "__main__":
    sys.stdout.write(page())
