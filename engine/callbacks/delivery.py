"""One try to deliver a callback: one POST, guarded as http-request is, never redirected, bounded in time."""

import threading
from collections.abc import Iterable, Mapping

from engine.errors import RunnerFailure

_LONGEST_ERROR = 300


class Delivery:
    """`send` blocks; `end` breaks it off from another thread."""

    def __init__(self, *, blocked_networks: Iterable[str]) -> None:
        # requests takes 0.15 s to import, which the start of the server must not pay.
        from engine.runners.http_guard import Guard  # noqa: PLC0415

        self._guard = Guard(blocked_networks=blocked_networks, blacklist=(), whitelist=())

    def send(
        self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float
    ) -> tuple[int | None, str]:
        """The status of the answer, or None and why there was none."""
        import requests  # noqa: PLC0415 - as above

        from engine.runners.http_guard import guarded_adapter  # noqa: PLC0415 - as above

        # A receiver that sends one byte now and then would keep each read within its time.
        timer = threading.Timer(timeout_s, self.end)
        timer.daemon = True
        timer.start()
        try:
            with requests.Session() as session:
                # The server's own proxies, .netrc and certificates are not meant.
                session.trust_env = False
                adapter = guarded_adapter(self._guard)
                session.mount("http://", adapter)
                session.mount("https://", adapter)
                self._guard.check_url(url)
                with session.post(
                    url,
                    data=body,
                    headers=dict(headers),
                    timeout=timeout_s,
                    allow_redirects=False,
                    # Nobody reads what they say beyond the status.
                    stream=True,
                ) as answer:
                    return answer.status_code, ""
        except requests.Timeout:
            return None, f"No answer within {timeout_s:g} s."
        except RunnerFailure as error:
            return None, error.message[:_LONGEST_ERROR]
        except (OSError, ValueError) as error:
            # The kind alone: the text of an error names the address with its query.
            return None, f"The connection failed ({type(error).__name__})."
        finally:
            timer.cancel()
            # What it watches the connections by is closed too.
            self.end()

    def end(self) -> None:
        self._guard.end()
