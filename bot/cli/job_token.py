"""The token by which a job of a CI system proves who it is (OpenID Connect): nothing secret is stored."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

from bot.cli.exits import Code, CommandError
from bot.cli.site import variable

# Where a job finds its token unless another variable is named.
VARIABLE = "STORMCROW_ID_TOKEN"
# GitHub gives these to jobs that have `permissions: id-token: write`.
_GITHUB_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
_GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the name of a variable
_TIMEOUT_S = 20.0
_LARGEST_BYTES = 65_536


def token_source(audience: str, *, file: Path | None, name: str) -> Callable[[], str]:
    """What gives the token, each time anew: of `file`, else of the variable `name`, else of GitHub.

    `audience`: for whom GitHub makes it. Raises CommandError where there is none of them.
    """
    if file is not None:
        return lambda: _of_file(file)
    if name or variable(VARIABLE):
        return lambda: _of_variable(name or VARIABLE)
    if variable(_GITHUB_URL) and variable(_GITHUB_TOKEN):
        return lambda: _of_github(audience)
    raise CommandError(
        Code.WRONG,
        "This job has no token of its own.",
        hint="GitHub: `permissions: {id-token: write}`. GitLab: `id_tokens` with STORMCROW_ID_TOKEN. "
        "Elsewhere: --oidc-file FILE or --oidc-variable NAME.",
    )


def _of_file(file: Path) -> str:
    """Kubernetes writes a new one in time."""
    try:
        return _checked(file.read_text(encoding="ascii"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(Code.WRONG, f"{file} cannot be read: {error}") from error


def _of_variable(name: str) -> str:
    return _checked(variable(name), f"The variable {name}")


def _of_github(audience: str) -> str:
    url = variable(_GITHUB_URL)
    address = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
    if urlsplit(address).scheme not in ("http", "https"):
        raise CommandError(Code.WRONG, f"{_GITHUB_URL} is no URL.")
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        address,
        headers={"Authorization": f"Bearer {variable(_GITHUB_TOKEN)}", "Accept": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
            value = json.loads(answer.read(_LARGEST_BYTES))["value"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        # Nothing of the address: it may hold more than a name.
        code = f" with HTTP status {error.code}" if isinstance(error, urllib.error.HTTPError) else ""
        raise CommandError(
            Code.WRONG, f"GitHub did not give this job a token{code}.", hint="Try the job again."
        ) from error
    return _checked(str(value), "What GitHub gave")


def _checked(text: str, what: str) -> str:
    """A token goes into a header: one word of three parts."""
    token = text.strip()
    if token.count(".") != 2 or not token.isascii() or not token.isprintable() or " " in token:
        raise CommandError(
            Code.WRONG, f"{what} holds no token.", hint="It takes a JWT, as the issuer made it."
        )
    return token
