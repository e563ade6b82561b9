"""What senders ask before they send: answered, and no event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.webhooks import sns


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    answer: Mapping[str, Any]
    fetch: str = ""
    """A URL that must be fetched to say yes."""
    about: str = ""
    """For the log."""


def handshake(preset: str, body: Any) -> Handshake | None:
    """The answer to a verified delivery that is a question of its sender; None: it is an event."""
    if not isinstance(body, Mapping):
        return None
    if preset == "slack" and body.get("type") == "url_verification":
        return Handshake(answer={"challenge": str(body.get("challenge", ""))}, about="Slack asked for us")
    if preset == "sns" and body.get("Type") == "SubscriptionConfirmation":
        url = sns.subscribe_url(body)
        topic = str(body.get("TopicArn"))
        about = f"the subscription of {topic}"
        return Handshake(answer={"TopicArn": topic}, fetch=url or "", about=about)
    if preset == "sns" and body.get("Type") == "UnsubscribeConfirmation":
        topic = str(body.get("TopicArn"))
        return Handshake(answer={"TopicArn": topic}, about=f"{topic} was unsubscribed")
    return None
