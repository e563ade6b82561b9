"""What servers of the tests answered, kept beside their data folders to be looked through at the end."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests

# What makes a secret shows it once, who may reads one in clear, and a webhook gets back what it said.
_SHOWING = ("/apikeys", "/tokens", "/rotate", "/codes")
_REPEATING = "/webhooks/"
_ASKING = ("decrypt", "show_secrets")


def keep_answer(folder: Path, answer: requests.Response) -> None:
    """Append it, unless it was asked for a secret."""
    address = urlsplit(answer.url)
    is_post = answer.request.method == "POST"
    is_telling = address.path.rstrip("/").endswith(_SHOWING) or _REPEATING in address.path
    asked = parse_qs(address.query)
    if (is_post and is_telling) or any(name in asked for name in _ASKING):
        return
    with (folder / "answers.log").open("ab") as file:
        file.write(f"\n{answer.request.method}: {answer.status_code}\n".encode())
        file.writelines(f"{name}: {value}\n".encode() for name, value in answer.headers.items())
        file.write(answer.content)
