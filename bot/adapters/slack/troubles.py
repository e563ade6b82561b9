"""What Slack's error codes mean, and what to do about each: for the log, the doctor and refused messages."""

import asyncio
from collections.abc import Mapping

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

WRONG_TOKEN: Mapping[str, str] = {
    "invalid_auth": "the token is wrong; copy it again from the app's page at api.slack.com",
    "not_authed": "there is no token",
    "account_inactive": "the workspace or the bot's account is switched off; install the app again",
    "token_revoked": "the token was revoked; install the app again and copy the new one",
    "token_expired": "the token has expired; install the app again and copy the new one",
    "not_allowed_token_type": "the token is of the wrong kind: bot tokens begin with xoxb-, app-level tokens "
    "with xapp-",
    "missing_scope": "the token lacks a scope; apply `stormcrow slack manifest` again and reinstall the app",
    "forbidden_team": "the app is not allowed in this workspace",
    "team_access_not_granted": "the app is not allowed in this workspace",
    "access_denied": "the app is not allowed in this workspace",
    "link_disabled": "Socket Mode is off; switch it on at api.slack.com under Socket Mode",
}
"""Nothing helps but a person: tried again, but said once."""

REFUSED: Mapping[str, str] = {
    "channel_not_found": "that channel is not there, or the bot is not in it; invite it: /invite @the-bot",
    "not_in_channel": "the bot is not in that channel; invite it: /invite @the-bot",
    "is_archived": "that channel is archived; name another",
    "user_not_found": "that person is not in this workspace",
    "user_disabled": "that person's account is switched off",
    "cannot_dm_bot": "bots take no direct messages",
    "user_not_in_channel": "that person is not in the channel",
    "restricted_action": "the workspace does not let the bot write there; ask an admin",
    "restricted_action_read_only_channel": "that channel takes no messages from the bot; ask an admin",
    "restricted_action_thread_only_channel": "that channel takes messages in threads only",
    "restricted_action_non_threadable_channel": "that channel takes no threads",
    "restricted_action_thread_locked": "that thread is locked",
    "messages_tab_disabled": "the app takes no direct messages; apply `stormcrow slack manifest` again",
    "as_user_not_supported": "the token is of the wrong kind",
    "no_text": "there is nothing to say",
    "cant_update_message": "that message is not the bot's",
    "edit_window_closed": "that message is too old to be edited",
    "message_not_found": "that message was deleted",
    "thread_not_found": "that thread was deleted",
}
"""This message will never be taken."""

TOO_LARGE = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "msg_blocks_too_long",
        "msg_too_long",
        "too_many_attachments",
        "blocks_not_allowed",
    }
)
"""The message is refused in this form; a plainer one may be taken."""

BROKEN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""Something went wrong in Slack, before or after it did what was asked."""

NO_TIME_GIVEN_S = 3.0
"""How long we wait where Slack asks us to, and does not say how long."""

AWAY = (aiohttp.ClientError, asyncio.TimeoutError, OSError)
"""What is raised when Slack does not answer."""


def code_of(error: SlackApiError) -> str:
    """Slack's word for what is wrong; empty when it gave none."""
    data = getattr(error.response, "data", None)
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def status_of(error: SlackApiError) -> int:
    """The HTTP status of its answer; 0 when unknown."""
    response = error.response
    return int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)


def retry_after_s(error: SlackApiError) -> float | None:
    """How long Slack wants to be left alone, in seconds; None when it does not say so."""
    if status_of(error) != 429 and code_of(error) not in ("ratelimited", "rate_limited"):
        return None
    given = getattr(error.response, "headers", {}).get("Retry-After", "")
    try:
        return max(0.0, float(given))
    except ValueError:
        return NO_TIME_GIVEN_S


def in_words(error: Exception) -> str:
    """What happened, and what to do; for people."""
    if isinstance(error, SlackApiError):
        code = code_of(error)
        if retry_after_s(error) is not None:
            return "Slack asks us to wait (rate limit)"
        meaning = WRONG_TOKEN.get(code) or REFUSED.get(code)
        if meaning:
            return f"Slack says {code}: {meaning}"
        return f"Slack says {code}" if code else f"Slack answers with HTTP {status_of(error)}"
    if isinstance(error, asyncio.TimeoutError):
        return "Slack does not answer in time"
    if isinstance(error, SlackClientError):
        return f"Slack's answer cannot be read: {error}"
    return f"Slack cannot be reached: {error or type(error).__name__}"
