"""How long answers take, by the template of their route and the class of their status."""

from starlette.types import Scope

from engine.metrics.board import Board

# What no route takes: its path is the caller's word, and no label.
_UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HttpCounts:
    def __init__(self, board: Board) -> None:
        self._durations = board.histogram("http_request_duration_seconds")

    def answered(self, scope: Scope, status: int, took_s: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._durations.observe(took_s, method, template(scope), f"{status // 100}xx")


def template(scope: Scope) -> str:
    """`/executions/{id}` for any execution."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    return path.replace(":path}", "}") if isinstance(path, str) else _UNMATCHED
