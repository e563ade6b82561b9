"""The methods `conversations.*`: channels, who is in them, what was said there."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from bot.slack_emulator import posting, wire
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.methods.call import Call, Method
from bot.slack_emulator.methods.pages import page
from bot.slack_emulator.world import Channel, Json, Message

_KIND_OF_TYPE = {"public_channel": "channel", "private_channel": "group", "mpim": "mpim", "im": "im"}
_SCOPE_OF_KIND = {"channel": "channels", "group": "groups", "mpim": "mpim", "im": "im"}
_MOST_IN_DIRECT = 8


def _may(call: Call, channel: Channel, what: str) -> None:
    """Every kind of channel has a scope of its own, for example `groups:history`."""
    scope = f"{_SCOPE_OF_KIND[channel.kind]}:{what}"
    if scope not in call.team.scopes:
        raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(call.team.scopes)))


def listed(call: Call) -> Json:
    wanted = (call.text("types") or "public_channel").split(",")
    unknown = [each for each in wanted if each.strip() not in _KIND_OF_TYPE]
    if unknown:
        raise SlackError("invalid_types")
    kinds = {_KIND_OF_TYPE[each.strip()] for each in wanted}
    without_archived = call.is_set("exclude_archived")
    found = [
        channel
        for channel in call.world.channels.values()
        if channel.kind in kinds
        and _is_visible(call, channel)
        and not (without_archived and channel.is_archived)
    ]
    for kind in sorted(kinds):
        _may(call, Channel(id="", team="", kind=kind), "read")
    shown, cursor = page(call, found, usual=100, most=1000)
    shapes = [wire.channel(each, for_user=call.bot.id) for each in shown]
    return {"ok": True, "channels": shapes, "response_metadata": {"next_cursor": cursor}}


def _is_visible(call: Call, channel: Channel) -> bool:
    if call.team.id not in (channel.team, *channel.shared_with):
        return False
    return channel.kind == "channel" or call.bot.id in channel.members


def info(call: Call) -> Json:
    channel = call.channel()
    _may(call, channel, "read")
    return {"ok": True, "channel": wire.channel(channel, for_user=call.bot.id)}


def members(call: Call) -> Json:
    channel = call.channel()
    _may(call, channel, "read")
    shown, cursor = page(call, channel.members, usual=100, most=1000)
    return {"ok": True, "members": shown, "response_metadata": {"next_cursor": cursor}}


def opened(call: Call) -> Json:
    """The direct message with these people; again the same for the same."""
    if call.text("channel"):
        found = call.channel()
        return {"ok": True, "channel": {"id": found.id}}
    names = [each.strip() for each in call.text("users").split(",") if each.strip()]
    if not names:
        raise SlackError("users_list_not_supplied")
    if len(names) > _MOST_IN_DIRECT:
        raise SlackError("too_many_users")
    for name in names:
        user = call.world.users.get(name)
        if user is None:
            raise SlackError("user_not_found")
        if user.is_deleted:
            raise SlackError("user_disabled")
        if user.bot_id:
            raise SlackError("cannot_dm_bot")
    known = set(call.world.channels)
    channel = call.world.direct(call.team.id, [*names, call.bot.id])
    shape: Json = {"id": channel.id}
    if call.is_set("return_im"):
        shape = wire.channel(channel, for_user=call.bot.id)
    answer: Json = {"ok": True, "channel": shape}
    return answer | ({"no_op": True, "already_open": True} if channel.id in known else {})


def joined(call: Call) -> Json:
    channel = call.channel()
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    answer: Json = {"ok": True}
    if call.bot.id in channel.members:
        answer["warning"] = "already_in_channel"
    else:
        posting.enter(call.site, channel, call.bot.id)
    return answer | {"channel": wire.channel(channel, for_user=call.bot.id)}


def _moment(call: Call, name: str, default: str) -> Decimal:
    try:
        return Decimal(call.text(name) or default)
    except InvalidOperation:
        raise SlackError(f"invalid_ts_{name}") from None


def _within(call: Call) -> Callable[[Message], bool]:
    oldest, latest = _moment(call, "oldest", "0"), _moment(call, "latest", "99999999999")
    if call.is_set("inclusive"):
        return lambda message: oldest <= Decimal(message.ts) <= latest
    return lambda message: oldest < Decimal(message.ts) < latest


def history(call: Call) -> Json:
    """What was said in the channel itself, the newest first."""
    channel = call.channel(must_be_in=True)
    _may(call, channel, "history")
    is_within = _within(call)
    found = [
        each
        for each in reversed(channel.messages.values())
        if is_within(each) and (not each.thread_ts or each.thread_ts == each.ts or each.is_broadcast)
    ]
    shown, cursor = page(call, found, usual=100, most=999)
    return _answer(call, shown, cursor) | {"pin_count": 0}


def replies(call: Call) -> Json:
    """A thread, its first message first."""
    channel = call.channel(must_be_in=True)
    _may(call, channel, "history")
    first = channel.messages.get(call.text("ts"))
    if first is None:
        raise SlackError("thread_not_found")
    thread = list(call.world.replies(channel, first.thread_ts or first.ts))
    is_within = _within(call)
    found = [thread[0], *(each for each in thread[1:] if is_within(each))] if thread else []
    shown, cursor = page(call, found, usual=1000, most=1000)
    return _answer(call, shown, cursor)


def _answer(call: Call, shown: list[Message], cursor: str) -> Json:
    with_metadata = call.is_set("include_all_metadata")
    shapes = [wire.message(call.world, each, with_metadata=with_metadata, in_thread=True) for each in shown]
    answer: Json = {"ok": True, "messages": shapes, "has_more": bool(cursor)}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
METHODS = {
    "conversations.list": Method(run=listed, scopes=_READ),
    "conversations.info": Method(run=info, scopes=_READ),
    "conversations.members": Method(run=members, scopes=_READ),
    "conversations.open": Method(run=opened, scopes=("im:write", "mpim:write")),
    "conversations.join": Method(run=joined, scopes=("channels:join",)),
    "conversations.history": Method(run=history, scopes=_HISTORY),
    "conversations.replies": Method(run=replies, scopes=_HISTORY),
}
