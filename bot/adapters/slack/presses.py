"""A press in Slack as what it means: by whom, of what, and where an answer to it belongs. Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack import actions, views
from bot.adapters.slack.actions import Press
from bot.chat import Place

_TIMESTAMP = re.compile(r"\d{1,12}\.\d{1,8}")
# Two presses of one button by one person within this time are one; seldom up to twice as long.
_TWICE_S = 3.0
HOME = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    user: str
    press: Press
    action_id: str
    at: str
    """Slack's time of the press, which also tells two presses apart."""
    trigger: str
    """Opens one modal, for three seconds."""
    channel: str = ""
    """Where the message stands; empty: it was no message."""
    thread: str = ""
    """The thread of that message, or the one that it starts."""
    message: str = ""
    """Its ts."""
    view: str = ""
    """The modal or Home tab."""
    is_home: bool = False
    form: views.Form | None = None
    """What the modal belongs to."""

    @property
    def key(self) -> str:
        """The same press is the same key, however often it is delivered."""
        return f"{self.user}:{self.at}:{self.action_id}"

    def place(self, direct: str) -> Place:
        """Where something is said about it; `direct`: the channel between that person and us."""
        form = self.form
        if self.channel or form is None:
            return Place(channel=self.channel or direct, thread=self.thread or None)
        return Place(channel=form.channel or direct, thread=form.thread or None)

    def command_keys(self) -> tuple[str, str]:
        """The delivery keys of the command that it says: of a press just before, and its own."""
        number = int(float(self.at) / _TWICE_S)
        # After an edit the same place in a message is another button.
        said = self.press.command if isinstance(self.press, actions.CommandPress) else ""
        digest = hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:12]
        where = f"press:{self.channel}:{self.message or self.view}:{self.action_id}:{digest}"
        return f"{where}:{number - 1}", f"{where}:{number}"


def read(payload: Mapping[str, Any]) -> Pressed | None:
    """Of a `block_actions`; None when nothing of ours was pressed, or it does not look as Slack sends it."""
    given = payload.get("actions")
    user, container = payload.get("user"), payload.get("container")
    if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0], Mapping):
        return None
    if not isinstance(user, Mapping) or not isinstance(container, Mapping):
        return None
    action = given[0]
    press, at = actions.read(action), str(action.get("action_ts", ""))
    if press is None or not _TIMESTAMP.fullmatch(at) or not isinstance(user.get("id"), str):
        return None
    view = payload.get("view")
    return Pressed(
        user=user["id"],
        press=press,
        action_id=str(action["action_id"]),
        at=at,
        trigger=_text(payload.get("trigger_id")),
        view=_text(view.get("id")) if isinstance(view, Mapping) else "",
        is_home=isinstance(view, Mapping) and view.get("type") == HOME,
        form=views.form_of(view) if isinstance(view, Mapping) else None,
        **_where(payload, container),
    )


def _where(payload: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, str]:
    """Of a message."""
    channel = payload.get("channel")
    if container.get("type") != "message" or not isinstance(channel, Mapping):
        return {}
    message = payload.get("message")
    ts = _timestamp(container.get("message_ts"))
    thread = _timestamp(container.get("thread_ts"))
    if isinstance(message, Mapping):
        thread = thread or _timestamp(message.get("thread_ts"))
    # What is shown to one person alone starts no thread.
    own = "" if container.get("is_ephemeral") else ts
    return {"channel": _text(channel.get("id")), "thread": thread or own, "message": ts}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _timestamp(value: Any) -> str:
    return value if isinstance(value, str) and _TIMESTAMP.fullmatch(value) else ""
