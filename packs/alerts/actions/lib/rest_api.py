"""The engine's REST API, as an action sees it: address and token come from the action's environment."""

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

# An action outlives a restart of the server, and waits so long for its answers.
PATIENCE_S = 60.0
PAUSE_S = 0.2


class RestApiError(Exception):
    """The API refused; `status` is the HTTP status, 0 when there was no answer at all."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


class RestApi:
    """One run's access. Raises RestApiError where the environment names no API."""

    def __init__(self, timeout_s=30.0):
        self._url = os.environ.get("ST2_ACTION_API_URL", "").rstrip("/")
        self._token = os.environ.get("ST2_ACTION_AUTH_TOKEN", "")
        self._timeout_s = timeout_s
        self._requests = 0
        if not self._url:
            raise RestApiError(0, "ST2_ACTION_API_URL is not set: this action must be run by the engine.")

    def get(self, path, query=None):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        return self.request("GET", path)

    def post(self, path, body):
        return self.request("POST", path, body=body)

    def request(self, method, path, body=None, headers=None):
        """The decoded answer, None when it is empty; `path` begins with / and comes after /v1."""
        data = None if body is None else json.dumps(body).encode("utf-8")
        request = urllib.request.Request(self._url + path, data=data, method=method)
        request.add_header("Accept", "application/json")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if self._token:
            request.add_header("X-Auth-Token", self._token)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        is_repeatable = method == "GET" or (method == "POST" and path == "/executions")
        if is_repeatable and method == "POST":
            # Of this run and this request: asked again, it starts nothing twice.
            self._requests += 1
            run = ".".join(self._token.split(".")[:2])
            request.add_header("Idempotency-Key", f"{run}.{self._requests}")
        answer = self._answer(request, is_repeatable)
        return json.loads(answer) if answer.strip() else None

    def _answer(self, request, is_repeatable):
        """What the server says; while it restarts it is asked again, unless it may have done it already."""
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                with urllib.request.urlopen(request, timeout=self._timeout_s) as response:
                    return response.read()
            except urllib.error.HTTPError as error:
                if error.code != 503 or not is_repeatable or time.monotonic() > give_up_at:
                    raise RestApiError(error.code, _fault(error)) from error
            except OSError as error:
                is_refused = isinstance(getattr(error, "reason", error), ConnectionRefusedError)
                if not (is_refused or is_repeatable) or time.monotonic() > give_up_at:
                    raise RestApiError(0, f"No answer from {self._url}: {error}") from error
            time.sleep(PAUSE_S)


def quoted(name):
    """A name as one segment of a path."""
    return urllib.parse.quote(str(name), safe="")


def _fault(error):
    """The API's own words about a refusal."""
    with error:
        text = error.read().decode("utf-8", "replace")
    try:
        fault = json.loads(text).get("faultstring")
    except (ValueError, AttributeError):
        fault = None
    return fault or f"HTTP {error.code} {error.reason}"
