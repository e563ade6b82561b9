"""The secrets that this server had in hand lately, to be hidden in its own log."""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from engine.expressions.masking import ValueMasker

# So many: a line of the log is searched for each of them, and a fault is told soon after its cause.
KEPT = 256


class LiveSecrets:
    """May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, ValueMasker] = OrderedDict()

    def note(self, secrets: Iterable[str]) -> None:
        """These were in hand just now."""
        with self._lock:
            for secret in secrets:
                masker = self._known.pop(secret, None)
                self._known[secret] = masker if masker is not None else ValueMasker([secret])
            while len(self._known) > KEPT:
                self._known.popitem(last=False)

    def hide(self, text: str) -> str:
        """The text without them."""
        with self._lock:
            maskers = list(self._known.values())
        for masker in maskers:
            if any(form in text for form in masker.search.forms):
                text = masker.text(text)
        return text
