"""What Slack answers when it refuses: HTTP 200 with `ok: false` and a code."""

from collections.abc import Sequence
from typing import Any


class SlackError(Exception):
    """Refused, with Slack's code and whatever else stands in the answer."""

    def __init__(self, code: str, *, messages: Sequence[str] = (), **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.messages = tuple(messages)
        """Slack's sentences about what is wrong where, for people."""
        self.more = more

    def answer(self) -> dict[str, Any]:
        body: dict[str, Any] = {"ok": False, "error": self.code, **self.more}
        if self.messages:
            body["errors"] = list(self.messages)
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body
