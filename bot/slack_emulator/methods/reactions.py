"""The methods `reactions.*`: the emoji under a message."""

from bot.slack_emulator import posting, wire
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.methods.call import Call, Method
from bot.slack_emulator.world import Json


def add(call: Call) -> Json:
    channel = call.channel(must_be_in=True)
    message = call.message(channel, "timestamp")
    name = call.needed("name").strip(":")
    if not name.replace("_", "").replace("-", "").replace("+", "").isalnum():
        raise SlackError("invalid_name")
    if call.bot.id in message.reactions.get(name, ()):
        raise SlackError("already_reacted")
    posting.react(call.site, channel, message, user=call.bot.id, name=name)
    return {"ok": True}


def remove(call: Call) -> Json:
    message = call.message(call.channel(must_be_in=True), "timestamp")
    name = call.needed("name").strip(":")
    users = message.reactions.get(name, [])
    if call.bot.id not in users:
        raise SlackError("no_reaction")
    users.remove(call.bot.id)
    if not users:
        del message.reactions[name]
    call.world.touch()
    return {"ok": True}


def got(call: Call) -> Json:
    channel = call.channel(must_be_in=True)
    message = call.message(channel, "timestamp")
    return {
        "ok": True,
        "type": "message",
        "channel": channel.id,
        "message": wire.message(call.world, message),
    }


METHODS = {
    "reactions.add": Method(run=add, scopes=("reactions:write",)),
    "reactions.remove": Method(run=remove, scopes=("reactions:write",)),
    "reactions.get": Method(run=got, scopes=("reactions:read",)),
}
