"""The methods of the Web API by their names."""

from bot.slack_emulator.methods import auth, chat, conversations, users, views
from bot.slack_emulator.methods.call import Method

METHODS: dict[str, Method] = {
    **auth.METHODS,
    **chat.METHODS,
    **conversations.METHODS,
    **users.METHODS,
    **views.METHODS,
}
