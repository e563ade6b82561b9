"""The JSON of chats."""

from engine.api.wire import Document
from engine.chat_states import ChatState
from engine.clock import isoformat


def chat_state_document(state: ChatState) -> Document:
    return {
        "name": state.name,
        "is_up": state.is_up,
        "about": state.about,
        "trouble": state.trouble,
        "since": isoformat(state.since) if state.since is not None else None,
    }
