"""Messages come, change and go; whoever listens is told."""

from bot.slack_emulator import blocks as block_kit
from bot.slack_emulator import wire
from bot.slack_emulator.deliveries import Delivery
from bot.slack_emulator.site import Site
from bot.slack_emulator.world import Channel, Json, Message


def post(site: Site, channel: Channel, message: Message) -> Delivery | None:
    """Put a message there, and tell the app if it listens."""
    channel.messages[message.ts] = message
    site.world.touch()
    return site.said(channel, message)


def whisper(site: Site, message: Message) -> None:
    """Show it to one person only; nobody is told, and it cannot be found again."""
    site.world.ephemerals.append(message)
    site.world.touch()


def change(
    site: Site, channel: Channel, message: Message, *, text: str, blocks: list[Json], attachments: list[Json]
) -> Delivery | None:
    before = wire.message(site.world, message)
    message.earlier.append((message.text, message.blocks))
    message.text, message.blocks, message.attachments = text, blocks, attachments
    ts = site.world.new_ts()
    message.edited = {"user": message.user, "ts": ts}
    site.world.touch()
    return site.message_event(
        channel,
        {
            "type": "message",
            "subtype": "message_changed",
            "message": wire.message(site.world, message),
            "previous_message": before,
            "hidden": True,
            "ts": ts,
            "event_ts": ts,
        },
    )


def delete(site: Site, channel: Channel, message: Message) -> Delivery | None:
    del channel.messages[message.ts]
    ts = site.world.new_ts()
    site.world.touch()
    return site.message_event(
        channel,
        {
            "type": "message",
            "subtype": "message_deleted",
            "deleted_ts": message.ts,
            "previous_message": wire.message(site.world, message),
            "hidden": True,
            "ts": ts,
            "event_ts": ts,
        },
    )


def check(site: Site, blocks: list[Json], *, at: str = "/blocks") -> None:
    """Raises SlackError where this workspace does not take the blocks of a message."""
    block_kit.check_message(blocks, at=at, takes_plans=site.limits.takes_plans)


def respond(site: Site, channel: Channel, reader: str, body: Json) -> None:
    """What the app answers to a command or through a response_url: for the reader alone, or in the channel.

    Raises SlackError where the blocks are wrong.
    """
    blocks = body.get("blocks") or []
    check(site, blocks)
    team = site.hearing_team(channel) or channel.team
    bot = site.world.bot_of(team)
    message = Message(
        ts=site.world.new_ts(),
        channel=channel.id,
        user=bot.id,
        bot_id=bot.bot_id,
        app_id=bot.app_id,
        text=str(body.get("text") or ""),
        blocks=with_ids(site, blocks),
        attachments=body.get("attachments") or [],
        thread_ts=str(body.get("thread_ts") or ""),
        only_for="" if body.get("response_type") == "in_channel" else reader,
    )
    if message.only_for:
        whisper(site, message)
    else:
        post(site, channel, message)


def react(site: Site, channel: Channel, message: Message, *, user: str, name: str) -> None:
    """Put an emoji under a message; the app is told where it asked for that."""
    message.reactions.setdefault(name, []).append(user)
    site.world.touch()
    team = site.hearing_team(channel)
    if team and "reaction_added" in site.subscribed:
        site.emit(
            team,
            {
                "type": "reaction_added",
                "user": user,
                "reaction": name,
                "item_user": message.user,
                "item": {"type": "message", "channel": channel.id, "ts": message.ts},
                "event_ts": site.world.new_ts(),
            },
        )


def enter(site: Site, channel: Channel, user: str) -> None:
    """Somebody comes into a channel."""
    channel.members.append(user)
    site.world.touch()
    team = site.hearing_team(channel)
    if team and "member_joined_channel" in site.subscribed:
        ts = site.world.new_ts()
        site.emit(
            team,
            {
                "type": "member_joined_channel",
                "user": user,
                "channel": channel.id,
                "channel_type": "C" if channel.kind == "channel" else "G",
                "team": channel.team,
                "event_ts": ts,
            },
        )


def with_ids(site: Site, blocks: list[Json]) -> list[Json]:
    """Blocks and their elements get ids where the app gave none."""
    numbered = []
    for block in blocks:
        filled = {"block_id": site.world.new_id("b"), **block}
        if isinstance(block.get("elements"), list) and block.get("type") == "actions":
            filled["elements"] = [_with_action(site, each) for each in block["elements"]]
        for name in ("accessory", "element"):
            if isinstance(block.get(name), dict):
                filled[name] = _with_action(site, block[name])
        numbered.append(filled)
    return numbered


def _with_action(site: Site, element: Json) -> Json:
    return {"action_id": site.world.new_id("a"), **element}
