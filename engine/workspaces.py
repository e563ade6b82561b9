"""The workspaces of Slack that we are in: the one of the section `slack`, and those of the files it names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import BadContent, BadSettings, nearest
from engine.settings import Settings
from engine.yaml_reader import line_of, read_file

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_KEYS = ("bot_token", "app_token", "signing_secret")
_WRITTEN_AS = {"bot_token": "xoxb-", "app_token": "xapp-"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One workspace, with the tokens of our app in it."""

    chat: str
    """The chat's name: `slack`, or `slack-NAME`."""
    bot_token: str
    app_token: str = ""
    signing_secret: str = ""
    where: str
    """The file or section that names it, for errors."""

    def __repr__(self) -> str:
        return f"Workspace({self.chat})"


def workspaces(settings: Settings) -> tuple[Workspace, ...]:
    """Raises BadSettings: a token that is missing or none, a file that cannot be read."""
    found = []
    own = {name: getattr(settings.slack, name) for name in _KEYS}
    if own["bot_token"]:
        found.append(_made("slack", own, "section slack", settings))
    elif own["app_token"]:
        raise BadSettings(
            "slack.app_token is there, but slack.bot_token is not.",
            hint="The app's page at api.slack.com shows it under OAuth & Permissions; it begins with xoxb-.",
        )
    for name, file in settings.slack.workspaces.items():
        if not _NAME.fullmatch(name):
            raise BadSettings(
                f"slack.workspaces: {name!r} cannot name a workspace.",
                hint="Lower case letters, digits and hyphens.",
            )
        path = settings.path(file)
        found.append(_made(f"slack-{name}", _read(path), str(path), settings))
    return tuple(found)


def _made(chat: str, given: Mapping[str, str], where: str, settings: Settings) -> Workspace:
    needed = "app_token" if settings.slack.mode == "socket" else "signing_secret"
    for name in ("bot_token", needed):
        if not given.get(name):
            raise BadSettings(f"There is no {name}, which mode {settings.slack.mode} needs.", where=where)
    for name, start in _WRITTEN_AS.items():
        if given.get(name) and not given[name].startswith(start):
            raise BadSettings(f"{name} begins with {start}; what is there does not.", where=where)
    return Workspace(chat=chat, where=where, **given)


def _read(path: Path) -> dict[str, str]:
    try:
        text, document = read_file(path, name=str(path))
    except BadContent as error:
        raise BadSettings(error.message, hint=error.hint, where=error.where) from error
    written: Any = document.value
    if not isinstance(written, dict):
        raise BadSettings("A mapping is wanted.", hint=f"Keys: {', '.join(_KEYS)}.", where=f"{path}:1")
    for key, value in written.items():
        where = f"{path}:{line_of(text, (key,))}"
        if key not in _KEYS:
            hint = nearest(str(key), _KEYS) or f"Keys: {', '.join(_KEYS)}."
            raise BadSettings(f"There is no key {key!r}.", hint=hint, where=where)
        if not isinstance(value, str):
            raise BadSettings(f"{key} is no text.", where=where)
    return written
