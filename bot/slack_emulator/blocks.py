"""Block Kit as Slack checks it: what is wrong, and where."""

from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.world import Json

_BLOCKS_IN_MESSAGE = 50


def check_message(blocks: list[Json], *, at: str = "/blocks") -> None:
    """Raises SlackError `invalid_blocks` or `msg_blocks_too_long`."""
    if len(blocks) > _BLOCKS_IN_MESSAGE:
        raise SlackError("invalid_blocks", messages=(f"no more than 50 items allowed [json-pointer:{at}]",))


def check_view(view: Json, *, kind: str) -> None:
    """Raises SlackError `invalid_arguments`."""
    if view.get("type") != kind:
        raise SlackError("invalid_arguments", messages=(f"must be {kind} [json-pointer:/view/type]",))
