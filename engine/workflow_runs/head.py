"""What a workflow knows from its start and keeps: for whom it runs, what its tasks are told, its secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from engine.records.execution import Execution
from engine.runners.base import RunRequest

# What a child's context takes over from its parent's.
_PASSED_ON = ("trace_context", "rule_depth", "api_user", "source_channel")
_DEPTH = "workflow_depth"
_TOLD_PARENT = ("api_user", "source_channel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    execution_id: str
    action: str
    pack: str
    user: str
    language: str
    """The runner's name."""
    context: Mapping[str, Any]
    """Of the execution: where it came from."""
    api_url: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Those of the runner: notify, display_published ..."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The pack's configuration when it began, for chains."""
    notify: Mapping[str, Any] | None = None
    """The notify section of the action's file: the tasks of a chain inherit it."""
    secrets: tuple[str, ...] = ()
    """Values that must not be seen; grows when a task reads another one."""

    @classmethod
    def of(cls, execution: Execution, request: RunRequest) -> "Head":
        return cls(
            execution_id=execution.id,
            action=execution.action,
            pack=execution.pack,
            user=execution.user,
            language=execution.runner,
            context=execution.context,
            api_url=request.environment.get("ST2_ACTION_API_URL", ""),
            parameters=request.runner_parameters,
            config=request.config,
            notify=request.action.notify,
            secrets=tuple(secret for secret in request.secrets if secret not in request.environment.values()),
        )

    @classmethod
    def load(cls, data: bytes) -> "Head":
        fields = orjson.loads(data)
        return cls(**{**fields, "secrets": tuple(fields["secrets"])})

    def dump(self) -> bytes:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return orjson.dumps(fields, option=orjson.OPT_NON_STR_KEYS)

    def with_secrets(self, more: tuple[str, ...]) -> "Head":
        return replace(self, secrets=tuple(dict.fromkeys([*self.secrets, *more])))

    @property
    def log_facts(self) -> dict[str, str]:
        """What records of the log say while the workflow is conducted."""
        trace = self.context.get("trace_context")
        named = trace.get("id_") if isinstance(trace, Mapping) else None
        return {
            "execution_id": self.execution_id,
            "action": self.action,
            "user": self.user,
            "trace_id": str(named or self.execution_id),
        }

    def application_context(self, workflow_id: str) -> dict[str, Any]:
        """`ctx().st2` and `ctx().parent`; for chains also what their templates may see besides."""
        told = {name: self.context[name] for name in _TOLD_PARENT if name in self.context}
        return {
            "st2": {
                "action_execution_id": self.execution_id,
                "api_url": self.api_url,
                "user": self.user,
                "pack": self.pack,
                "action": self.action,
                "runner": self.language,
                "workflow_execution_id": workflow_id,
                **told,
            },
            "parent": dict(self.context),
            **({} if self.language == "orquesta" else self._for_templates()),
        }

    def _for_templates(self) -> dict[str, Any]:
        return {"config": self.config, "runner": self.parameters, "notify": self.notify}

    @property
    def depth(self) -> int:
        """How many workflows it is inside of."""
        depth = self.context.get(_DEPTH)
        return depth if isinstance(depth, int) else 0

    def child_context(self, task: str) -> dict[str, Any]:
        """What every child's context begins with."""
        parent = {"execution_id": self.execution_id, "user": self.user, "pack": self.pack}
        parent.update({name: self.context[name] for name in _TOLD_PARENT if name in self.context})
        made: dict[str, Any] = {
            name: self.context[name] for name in _PASSED_ON if self.context.get(name) is not None
        }
        made.setdefault(
            "trace_context", {"id_": self.execution_id, "trace_tag": f"execution-{self.execution_id}"}
        )
        if task in self._notified() and self.context.get("notify"):
            made["notify"] = self.context["notify"]
        return {**made, "parent": parent, _DEPTH: self.depth + 1}

    def _notified(self) -> tuple[str, ...]:
        named = self.parameters.get("notify")
        return tuple(named) if isinstance(named, list) else ()
