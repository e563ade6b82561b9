"""The index of packs: what can be installed by name, as StackStorm's indexes say it."""

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.store.vault import write_private

FRESH_S = 3_600.0
_TIMEOUT_S = 15.0
_MOST_BYTES = 64 * 1024 * 1024
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

_PASSWORD = re.compile(r"(://)[^/\s@]+@")

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """All indexes together; of two with one pack the later one counts."""

    packs: Mapping[str, Entry] = field(default_factory=dict)
    status: tuple[Mapping[str, Any], ...] = ()
    """Per index: url, packs (a number), message, error (null when it is fine)."""

    def get(self, name: str) -> Entry | None:
        return self.packs.get(name)

    def search(self, query: str) -> list[Entry]:
        """Entries that have every word in name, description, keywords or author."""
        words = query.lower().split()
        return [
            entry
            for ref, entry in sorted(self.packs.items())
            if all(word in _words(ref, entry) for word in words)
        ]


def _words(ref: str, entry: Entry) -> str:
    parts = [ref, entry.get("name"), entry.get("description"), entry.get("author")]
    keywords = entry.get("keywords")
    parts += keywords if isinstance(keywords, list) else []
    return " ".join(str(part) for part in parts if part).lower()


def read_index(urls: Sequence[str], *, cache: Path, fresh_s: float = FRESH_S) -> Index:
    """Each index from the cache when it is fresh, else from its address; an old copy is better than none."""
    packs: dict[str, Entry] = {}
    status = []
    for url in urls:
        found, trouble = _one(
            url, cache / f"index-{hashlib.sha256(url.encode()).hexdigest()[:16]}.json", fresh_s
        )
        packs.update(found)
        status.append(
            {
                "url": _PASSWORD.sub(r"\1", url),
                "packs": len(found),
                "message": trouble or "Success.",
                "error": ("unresponsive" if not found else "outdated") if trouble else None,
            }
        )
    return Index(packs=packs, status=tuple(status))


def _one(url: str, copy: Path, fresh_s: float) -> tuple[dict[str, Entry], str]:
    """The packs of one index, and what is wrong with it."""
    try:
        if time.time() - copy.stat().st_mtime < fresh_s:
            return _packs_of(copy.read_bytes(), url), ""
    except (OSError, ValueError):
        # None yet, or half a copy of an older version: ask for it.
        pass
    import requests  # noqa: PLC0415 - slow to import, and few ask for an index

    try:
        body = _get(url)
        found = _packs_of(body, url)
    except (requests.RequestException, ValueError) as error:
        trouble = _PASSWORD.sub(r"\1", f"{type(error).__name__}: {error}")
        try:
            return _packs_of(copy.read_bytes(), url), trouble
        except (OSError, ValueError):
            return {}, trouble
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(copy, body)
    return found, ""


def _get(url: str) -> bytes:
    if not _is_safe(url):
        raise ValueError("an index is read over https, or from this machine")
    import requests  # noqa: PLC0415 - as above

    with requests.get(url, timeout=_TIMEOUT_S, stream=True) as answer:
        answer.raise_for_status()
        if not _is_safe(answer.url):
            raise ValueError("the index leads on to an address without https")
        body = b""
        for piece in answer.iter_content(1 << 16):
            body += piece
            if len(body) > _MOST_BYTES:
                raise ValueError(f"the index is larger than {_MOST_BYTES >> 20} MB")
    return body


def _is_safe(url: str) -> bool:
    """Whoever can change an index on its way chooses what runs here."""
    return url.startswith("https://") or _is_local(url)


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in _LOOPBACK


def _packs_of(body: bytes, url: str) -> dict[str, Entry]:
    """Only an index of this machine may name its folders."""
    document = json.loads(body)
    packs = document.get("packs") if isinstance(document, dict) else None
    if not isinstance(packs, dict):
        raise ValueError("it is no index: there is no `packs` in it")
    return {
        str(ref): entry
        for ref, entry in packs.items()
        if isinstance(entry, dict) and (_is_local(url) or not _names_a_folder(entry))
    }


def _names_a_folder(entry: Entry) -> bool:
    return str(entry.get("repo_url") or "").strip().startswith("file:")
