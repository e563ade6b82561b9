"""The answer of a command whose alias says nothing about its result."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_SHELL = ("stdout", "stderr", "return_code", "error")
_PYTHON = ("result", "stdout", "stderr", "exit_code")
_LOCAL_RUNNERS = frozenset({"local-shell-cmd", "local-shell-script"})
_REMOTE_RUNNERS = frozenset({"remote-shell-cmd", "remote-shell-script"})


def default_result(execution: Mapping[str, Any]) -> str:
    """Status, id and time in one line, then what the runner's kind of result has to show.

    `execution` is the view that templates get (view.py).
    """
    action = execution.get("action") or {}
    first = f"{action.get('ref', 'The action')}: {execution.get('status')}"
    facts = [f"execution {execution.get('id')}"]
    if execution.get("elapsed_seconds") is not None:
        facts.append(f"took {duration(float(execution['elapsed_seconds']))}")
    if execution.get("web_url"):
        facts.append(str(execution["web_url"]))
    return "\n".join([first, " · ".join(facts), *_shown(execution)])


def duration(seconds: float) -> str:
    """0.4 s, 12 s, 1m2s, 2h5m."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60}m"


def _shown(execution: Mapping[str, Any]) -> Iterator[str]:
    runner = str((execution.get("runner") or {}).get("name") or "")
    result = execution.get("result")
    if not isinstance(result, Mapping):
        if result not in (None, ""):
            yield _text(result)
        return
    if runner in _REMOTE_RUNNERS:
        yield from _hosts(result)
    elif runner in _LOCAL_RUNNERS:
        yield from _keys(result, _SHELL)
    elif runner == "python-script" and "exit_code" in result:
        yield from _keys(result, _PYTHON)
    elif result:
        yield from _keys(result, tuple(result))


def _hosts(result: Mapping[str, Any]) -> Iterator[str]:
    for host, told in result.items():
        if isinstance(told, Mapping):
            yield f"{host}:"
            yield from (f"  {line}" for part in _keys(told, _SHELL) for line in part.splitlines())
        elif told not in (None, "", False):
            yield f"{host}: {_text(told)}"


def _keys(result: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    """`name: value`; text of several lines begins below its name. What is empty or 0 is left out."""
    for name in names:
        value = result.get(name)
        if value in (None, "", 0, {}, []) and value is not False:
            continue
        text = _text(value)
        yield f"{name}:\n{text}" if "\n" in text else f"{name}: {text}"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.rstrip("\n")
    return json.dumps(
        value, indent=2 if isinstance(value, dict | list) else None, default=str, ensure_ascii=False
    )
