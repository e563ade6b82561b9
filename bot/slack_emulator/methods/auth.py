"""The methods `auth.*`, `apps.*`, `team.*`, `bots.*`: who the app is here."""

from bot.slack_emulator import wire
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.methods.call import Call, Method
from bot.slack_emulator.world import Json


def auth_test(call: Call) -> Json:
    bot = call.bot
    return {
        "ok": True,
        "url": f"https://{call.team.domain}.slack.com/",
        "team": call.team.name,
        "user": bot.name,
        "team_id": call.team.id,
        "user_id": bot.id,
        "bot_id": bot.bot_id,
        "is_enterprise_install": False,
    }


def team_info(call: Call) -> Json:
    wanted = call.text("team") or call.team.id
    found = call.world.teams.get(wanted)
    if found is None:
        raise SlackError("team_not_found")
    return {"ok": True, "team": wire.team(found)}


def bots_info(call: Call) -> Json:
    wanted = call.text("bot")
    for user in call.world.users.values():
        if user.bot_id and user.bot_id == wanted:
            bot = {
                "id": user.bot_id,
                "deleted": user.is_deleted,
                "name": user.name,
                "updated": 1_700_000_000,
                "app_id": user.app_id,
                "user_id": user.id,
                "icons": {},
            }
            return {"ok": True, "bot": bot}
    raise SlackError("bot_not_found")


METHODS = {
    "auth.test": Method(run=auth_test),
    "team.info": Method(run=team_info, scopes=("team:read",)),
    "bots.info": Method(run=bots_info, scopes=("users:read",)),
}
