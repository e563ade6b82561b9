"""The methods of the Web API by their names."""

from bot.slack_emulator.methods import auth, chat, conversations, files, reactions, streams, users, views
from bot.slack_emulator.methods.call import Method

METHODS: dict[str, Method] = {
    **auth.METHODS,
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **reactions.METHODS,
    **streams.METHODS,
    **users.METHODS,
    **views.METHODS,
}
