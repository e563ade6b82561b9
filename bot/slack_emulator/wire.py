"""The JSON shapes of Slack's objects: teams, users, channels, messages, views, files."""

from typing import Any

from bot.slack_emulator.world import Channel, File, Group, Json, Message, Team, User, View, World

_HIDDEN = ("subtype", "bot_id", "app_id", "username", "thread_ts")


def team(found: Team) -> Json:
    return {
        "id": found.id,
        "name": found.name,
        "domain": found.domain,
        "url": f"https://{found.domain}.slack.com/",
        "email_domain": "",
        "icon": {},
    }


def user(found: User, *, asked_by: str, with_email: bool) -> Json:
    """As a team sees them: somebody of another team is a stranger."""
    profile: Json = {
        "real_name": found.real_name or found.name,
        "display_name": found.name,
        "real_name_normalized": found.real_name or found.name,
        "display_name_normalized": found.name,
        "team": found.team,
    }
    if with_email and found.email and not found.bot_id:
        profile["email"] = found.email
    if found.bot_id:
        profile |= {"bot_id": found.bot_id, "api_app_id": found.app_id}
    shape: Json = {
        "id": found.id,
        "team_id": found.team,
        "name": found.name,
        "deleted": found.is_deleted,
        "real_name": found.real_name or found.name,
        "profile": profile,
        "is_bot": bool(found.bot_id),
        "is_app_user": False,
        "updated": 1_700_000_000,
        "is_email_confirmed": found.is_email_confirmed,
    }
    if not found.is_deleted:
        shape |= {
            "tz": "Europe/Zurich",
            "tz_offset": 3600,
            "is_admin": found.is_admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": found.is_restricted or found.is_ultra_restricted,
            "is_ultra_restricted": found.is_ultra_restricted,
        }
    if found.team != asked_by:
        shape["is_stranger"] = True
    return shape


def channel(found: Channel, *, for_user: str) -> Json:
    shape: Json = {
        "id": found.id,
        "created": int(found.created_at),
        "is_archived": found.is_archived,
        "is_channel": found.kind == "channel",
        "is_group": found.kind == "group",
        "is_im": found.kind == "im",
        "is_mpim": found.kind == "mpim",
        "is_private": found.kind != "channel",
        "is_shared": bool(found.shared_with),
        "is_ext_shared": bool(found.shared_with),
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "context_team_id": found.team,
    }
    if found.kind == "im":
        others = [member for member in found.members if member != for_user]
        return shape | {"user": others[0] if others else for_user, "is_open": True}
    return shape | {
        "name": found.name,
        "name_normalized": found.name,
        "is_general": False,
        "is_member": for_user in found.members,
        "topic": {"value": found.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "shared_team_ids": [found.team, *found.shared_with],
        "num_members": len(found.members),
        "creator": found.members[0] if found.members else "",
    }


def message(world: World, found: Message, *, with_metadata: bool = False, in_thread: bool = False) -> Json:
    """As methods and events give it; `in_thread` adds what the first message of a thread tells of it."""
    shape: Json = {"type": "message", "ts": found.ts, "text": found.text}
    if found.user:
        shape["user"] = found.user
        shape["team"] = world.users[found.user].team if found.user in world.users else ""
    shape |= {name: getattr(found, name) for name in _HIDDEN if getattr(found, name)}
    if found.bot_id and not found.username:
        bot = world.users[found.user]
        shape["bot_profile"] = {
            "id": found.bot_id,
            "app_id": found.app_id,
            "name": bot.name,
            "deleted": False,
            "team_id": bot.team,
        }
    for name in ("blocks", "attachments", "edited"):
        if getattr(found, name):
            shape[name] = getattr(found, name)
    if found.files:
        shape["files"] = [file(world.files[each]) for each in found.files]
    if found.metadata and with_metadata:
        shape["metadata"] = found.metadata
    if found.reactions:
        shape["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)}
            for name, users in found.reactions.items()
        ]
    if found.thread_ts and found.thread_ts != found.ts:
        parent = world.channels[found.channel].messages.get(found.thread_ts)
        shape["parent_user_id"] = parent.user if parent else ""
    elif in_thread:
        shape |= _thread(world, found)
    return shape


def _thread(world: World, found: Message) -> Json:
    replies = [each for each in world.replies(world.channels[found.channel], found.ts) if each is not found]
    if not replies:
        return {}
    people = list(dict.fromkeys(each.user for each in replies))
    return {
        "thread_ts": found.ts,
        "reply_count": len(replies),
        "reply_users": people,
        "reply_users_count": len(people),
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def view(world: World, found: View, *, state: Json | None = None) -> Json:
    body = found.body
    bot = world.bot_of(found.team)
    return {
        "id": found.id,
        "team_id": found.team,
        "type": body["type"],
        "blocks": body.get("blocks", []),
        "private_metadata": body.get("private_metadata", ""),
        "callback_id": body.get("callback_id", ""),
        "state": {"values": state or {}},
        "hash": found.hash,
        "title": body.get("title", {}),
        "clear_on_close": bool(body.get("clear_on_close")),
        "notify_on_close": bool(body.get("notify_on_close")),
        "close": body.get("close"),
        "submit": body.get("submit"),
        "previous_view_id": found.previous or None,
        "root_view_id": found.root or found.id,
        "app_id": bot.app_id,
        "external_id": body.get("external_id", ""),
        "app_installed_team_id": found.team,
        "bot_id": bot.bot_id,
    }


def file(found: File) -> Json:
    ending = found.name.rpartition(".")[2] if "." in found.name else "text"
    return {
        "id": found.id,
        "name": found.name,
        "title": found.title or found.name,
        "filetype": ending,
        "mimetype": "text/plain",
        "user": found.user,
        "size": found.size_bytes,
        "mode": "snippet",
        "is_external": False,
        "channels": list(found.channels),
        "permalink": f"https://files.slack.com/files/{found.user}/{found.id}/{found.name}",
    }


def group(found: Group) -> Json:
    return {
        "id": found.id,
        "team_id": found.team,
        "is_usergroup": True,
        "name": found.handle,
        "handle": found.handle,
        "description": "",
        "date_delete": 1 if found.is_disabled else 0,
        "users": list(found.users),
        "user_count": len(found.users),
    }


def team_of_user(found: User, teams: dict[str, Team]) -> dict[str, Any]:
    known = teams.get(found.team)
    return {"id": found.team, "domain": known.domain if known else "elsewhere"}
