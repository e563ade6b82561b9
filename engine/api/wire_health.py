"""The JSON of `/healthz` and `/readyz`."""

from collections.abc import Sequence
from typing import Any

from engine.health import Finding


def word(is_ok: bool) -> str:
    return "ok" if is_ok else "wrong"


def health_document(findings: Sequence[Finding], *, is_ok: bool) -> dict[str, Any]:
    """`faultstring` is what clients of StackStorm's API show of an answer that is no 200."""
    document: dict[str, Any] = {
        "status": word(is_ok),
        "checks": [
            {
                "name": one.name,
                "ok": one.is_ok,
                "decides": one.decides,
                "text": one.text,
                "hint": one.hint,
            }
            for one in findings
        ],
    }
    if not is_ok:
        wrong = [f"{one.name}: {one.text}. {one.hint}" for one in findings if one.decides and not one.is_ok]
        document["faultstring"] = " ".join(wrong)
    return document
