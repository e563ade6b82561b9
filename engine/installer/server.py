"""The server, as an installer asks it: to read the packs anew, and what it found in them."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

# A server that was killed is back within that time, as a rule.
WAIT_S = 60.0
_PAUSE_S = 0.5
_ANSWER_S = 120.0

Document = Mapping[str, Any]


class NoAnswer(Exception):
    """The server does not answer, or refuses; the text says why."""


class Server:
    """`url` without a path; `token` of the run that installs."""

    def __init__(self, url: str, token: str, *, say: Callable[[str], None], wait_s: float = WAIT_S) -> None:
        self._url = f"{url}/api/v1"
        self._token = token
        self._say = say
        self._wait_s = wait_s

    def reload(self) -> None:
        """Have it read its content anew.

        A server that is just starting may have read it before we changed it, so that this waits for
        it. Raises NoAnswer.
        """
        self._ask("/packs/register", body=b"{}")

    def aliases(self) -> list[Document]:
        """Raises NoAnswer."""
        return self._list("/actionalias", limit=-1)

    def unavailable(self, pack: str) -> list[Document]:
        """The files of a pack that cannot be used. Raises NoAnswer."""
        return self._list("/unavailable", limit=-1, pack=pack)

    def _list(self, path: str, **query: Any) -> list[Document]:
        found = json.loads(self._ask(f"{path}?{urlencode(query)}"))
        return found if isinstance(found, list) else []

    def _ask(self, path: str, *, body: bytes | None = None) -> bytes:
        give_up_at = time.monotonic() + self._wait_s
        is_told = False
        while True:
            try:
                return self._once(path, body)
            except urllib.error.HTTPError as error:
                with error:
                    trouble = f"{error}"
                    is_final = error.code < 500
            except OSError as error:
                trouble, is_final = f"{error}", False
            if is_final or time.monotonic() > give_up_at:
                raise NoAnswer(trouble)
            if not is_told:
                self._say("waiting for the server")
                is_told = True
            time.sleep(_PAUSE_S)

    def _once(self, path: str, body: bytes | None) -> bytes:
        headers = {"Content-Type": "application/json", "X-Auth-Token": self._token}
        request = urllib.request.Request(self._url + path, data=body, headers=headers)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:  # noqa: S310 - our own server
            found: bytes = answer.read()
            return found


def alias_conflicts(aliases: Collection[Document], packs: Collection[str]) -> list[str]:
    """Aliases of `packs` that have their name, or a text that starts them, in common with another pack's.

    A name belongs to its pack, so that both work; a text of two packs is refused in the chat.
    """
    found = set()
    for name, owners in _owners(aliases, lambda alias: [str(alias.get("name"))], packs):
        refs = " and ".join(f"{owner}.{name}" for owner in owners)
        found.add(f"Two aliases are called {name}: {refs}. Both can be used.")
    for text, owners in _owners(aliases, _texts, packs):
        found.add(f'"{text}" is a command of {" and ".join(owners)}; the chat will not choose between them.')
    return sorted(found)


def _owners(
    aliases: Collection[Document],
    words: Callable[[Document], Collection[str]],
    packs: Collection[str],
) -> Iterator[tuple[str, list[str]]]:
    """Each word that several packs have, with them, where one of `packs` is among them."""
    owners: dict[str, set[str]] = {}
    for alias in aliases:
        for word in words(alias):
            owners.setdefault(word, set()).add(str(alias.get("pack")))
    return ((word, sorted(refs)) for word, refs in owners.items() if len(refs) > 1 and refs & set(packs))


def _texts(alias: Document) -> list[str]:
    """The formats of an alias: texts, or objects with one text or several."""
    found: list[str] = []
    for one in alias.get("formats") or ():
        written = one.get("representation") if isinstance(one, Mapping) else one
        found += [written] if isinstance(written, str) else list(written or ())
    return found
