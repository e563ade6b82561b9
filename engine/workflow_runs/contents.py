"""Definitions held against the actions that are there, before they begin: once per text and reload."""

from engine.content.registry import Content, Registry
from engine.workflows.conducting import Language, Unplannable


class Contents:
    """Safe to ask from many threads: what two find out at once is the same."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._sound: tuple[Registry, set[str]] = (content.current, set())

    def check(self, language: Language, text: str, *, digest: str) -> None:
        """Raises Unplannable: an action is not there, or does not take what it is given."""
        registry = self._content.current
        checked_with, sound = self._sound
        if checked_with is not registry:
            sound = set()
            self._sound = (registry, sound)
        if digest in sound:
            return
        errors = language.amiss(text, registry.actions)
        if errors:
            raise Unplannable(str(errors[0]["message"]), errors=errors)
        sound.add(digest)
