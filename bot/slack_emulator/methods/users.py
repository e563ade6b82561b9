"""The methods `users.*` and `usergroups.*`: who there is."""

from bot.slack_emulator import wire
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.methods.call import Call, Method
from bot.slack_emulator.methods.pages import page
from bot.slack_emulator.world import Group, Json, User

_EMAIL = "users:read.email"


def _shape(call: Call, user: User) -> Json:
    return wire.user(user, asked_by=call.team.id, with_email=_EMAIL in call.team.scopes)


def _wanted(call: Call) -> User:
    """The user of the call; somebody of another team only where a channel is shared with it."""
    found = call.world.users.get(call.text("user"))
    if found is None:
        raise SlackError("user_not_found")
    if found.team != call.team.id and not _shares(call, found):
        raise SlackError("user_not_visible")
    return found


def _shares(call: Call, user: User) -> bool:
    return any(
        user.id in channel.members and call.team.id in (channel.team, *channel.shared_with)
        for channel in call.world.channels.values()
    )


def info(call: Call) -> Json:
    return {"ok": True, "user": _shape(call, _wanted(call))}


def profile(call: Call) -> Json:
    return {"ok": True, "profile": _shape(call, _wanted(call))["profile"]}


def listed(call: Call) -> Json:
    found = [user for user in call.world.users.values() if user.team == call.team.id]
    shown, cursor = page(call, found, usual=200, most=1000)
    shapes = [_shape(call, user) for user in shown]
    return {"ok": True, "members": shapes, "cache_ts": 0, "response_metadata": {"next_cursor": cursor}}


def by_email(call: Call) -> Json:
    wanted = call.needed("email").lower()
    for user in call.world.users.values():
        is_it = user.team == call.team.id and user.email.lower() == wanted
        if is_it and not user.is_deleted and not user.bot_id:
            return {"ok": True, "user": _shape(call, user)}
    raise SlackError("users_not_found")


def conversations(call: Call) -> Json:
    user = call.text("user") or call.bot.id
    kinds = {
        {"public_channel": "channel", "private_channel": "group"}.get(each.strip(), each.strip())
        for each in (call.text("types") or "public_channel").split(",")
    }
    found = [
        channel
        for channel in call.world.channels.values()
        if user in channel.members
        and channel.kind in kinds
        and (channel.kind == "channel" or call.bot.id in channel.members)
    ]
    shown, cursor = page(call, found, usual=100, most=999)
    shapes = [wire.channel(each, for_user=call.bot.id) for each in shown]
    return {"ok": True, "channels": shapes, "response_metadata": {"next_cursor": cursor}}


def groups(call: Call) -> Json:
    with_users, with_disabled = call.is_set("include_users"), call.is_set("include_disabled")
    shapes = []
    for group in _groups_of_team(call):
        if group.is_disabled and not with_disabled:
            continue
        shape = wire.group(group)
        if not with_users:
            del shape["users"]
        shapes.append(shape)
    return {"ok": True, "usergroups": shapes}


def _groups_of_team(call: Call) -> list[Group]:
    return [group for group in call.world.groups.values() if group.team == call.team.id]


def people_of_group(call: Call) -> Json:
    for group in _groups_of_team(call):
        if group.id == call.text("usergroup"):
            if group.is_disabled and not call.is_set("include_disabled"):
                break
            return {"ok": True, "users": list(group.users)}
    raise SlackError("no_such_subteam")


_READ = ("users:read",)
METHODS = {
    "users.info": Method(run=info, scopes=_READ),
    "users.list": Method(run=listed, scopes=_READ),
    "users.lookupByEmail": Method(run=by_email, scopes=(_EMAIL,)),
    "users.profile.get": Method(run=profile, scopes=("users.profile:read", "users:read")),
    "users.conversations": Method(
        run=conversations, scopes=("channels:read", "groups:read", "im:read", "mpim:read")
    ),
    "usergroups.list": Method(run=groups, scopes=("usergroups:read",)),
    "usergroups.users.list": Method(run=people_of_group, scopes=("usergroups:read",)),
}
