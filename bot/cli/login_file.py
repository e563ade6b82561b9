"""The tokens that `stormcrow login` got, by server, in a file of the person's own."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.cli.exits import Code, CommandError


class LoginFile:
    """Mode 0600; what is not as we wrote it counts as empty."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def token(self, url: str) -> str:
        """Empty: nobody logged in there. Raises CommandError for a login that is over."""
        found = self._read().get(url)
        if not isinstance(found, dict):
            return ""
        if datetime.fromisoformat(str(found["expires_at"])) <= datetime.now(UTC):
            raise CommandError(
                Code.NO_SERVER,
                f"Your login at {url} is over.",
                hint="Log in again: stormcrow login. To use the key of this machine: stormcrow logout.",
            )
        return str(found["token"])

    def last_token(self, url: str) -> str:
        """Also of a login that is over; empty: nobody logged in there."""
        found = self._read().get(url)
        return str(found.get("token") or "") if isinstance(found, dict) else ""

    def keep(self, url: str, *, token: str, user: str, expires_at: str) -> None:
        """`expires_at`: as the API writes times."""
        self._write({**self._read(), url: {"token": token, "user": user, "expires_at": expires_at}})

    def drop(self, url: str) -> bool:
        """Whether there was one."""
        known = self._read()
        if url not in known:
            return False
        self._write({one: login for one, login in known.items() if one != url})
        return True

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, logins: dict[str, Any]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.path.with_name(f"{self.path.name}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(logins, file, indent=1)
        fresh.replace(self.path)
