"""The chat systems. An adapter knows `bot.chat` and nothing of the engine."""
