"""examples.http_check: ask a web address, measure, and look at its certificate.

Result: `{url, healthy, status, duration_ms, certificate_days_left, reason}`. What is unknown is None.
"""

import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

from st2common.runners.base_action import Action


class HttpCheckAction(Action):
    def run(self, url, expect_status=200, timeout_s=10):
        """(healthy, result): an unhealthy address fails the action, and the result says why."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address: write http://HOST or https://HOST.")
        began = time.monotonic()
        status, reason = answer_of(url, timeout_s)
        duration_ms = round(1000 * (time.monotonic() - began), 1)
        healthy = status == expect_status
        if status is not None and not healthy:
            reason = f"answered {status} instead of {expect_status}"
        days = None
        if parts.scheme == "https" and status is not None:
            days = certificate_days_left(parts.hostname, parts.port or 443, timeout_s)
        return healthy, {
            "url": url,
            "healthy": healthy,
            "status": status,
            "duration_ms": duration_ms,
            "certificate_days_left": days,
            "reason": reason,
        }


def answer_of(url, timeout_s):
    """(status, None), or (None, why there was no answer). Redirects are followed."""
    request = urllib.request.Request(url, headers={"User-Agent": "stormcrow-examples"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return response.status, None
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, None
    except OSError as error:
        return None, str(getattr(error, "reason", error))


def certificate_days_left(host, port, timeout_s):
    """Whole days until the certificate ends; None when it cannot be seen."""
    context = ssl.create_default_context()
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as plain:
            with context.wrap_socket(plain, server_hostname=host) as secured:
                ends = ssl.cert_time_to_seconds(secured.getpeercert()["notAfter"])
    except (OSError, KeyError):
        return None
    return int((ends - time.time()) // 86400)
