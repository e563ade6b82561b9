"""A request for an execution: checked, its parameters rendered, its secrets sealed; not yet written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import acts
from engine.clock import utcnow
from engine.content.registry import Content
from engine.errors import BadInput, BadTemplate
from engine.expressions.masking import ValueMasker, credentials_in
from engine.expressions.params import ActionPlan, Plans, TemplateScope
from engine.records.callback import CONTEXT_KEY as CALLBACK
from engine.records.execution import Execution, ExecutionRequest, new_id
from engine.specs.action import ActionSpec
from engine.status import Status
from engine.steps import insertion, scoped_key
from engine.store import callbacks, sealed_parameters
from engine.store.sealed_parameters import Revealed
from engine.store.vault import Vault
from engine.subjects import Subjects


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedExecution:
    """An execution that is checked and rendered, and not yet written."""

    execution: Execution
    insert: Callable[[Connection], Execution]
    """Writes it, with its journal entry, in the caller's transaction; may be called again there.
    Gives the first execution instead where the idempotency key was used before."""
    error: BadTemplate | None = None
    """A template that does not render: the execution is written as one that has failed."""


class Requests:
    """`scope_for(action, user, context)` gives what templates in parameter defaults may see."""

    def __init__(
        self,
        content: Content,
        plans: Plans,
        vault: Vault,
        *,
        scope_for: Callable[[ActionSpec, Mapping[str, Any]], TemplateScope],
    ) -> None:
        self._content = content
        self._plans = plans
        self._vault = vault
        self._scope_for = scope_for
        self._subjects = Subjects(content, plans)

    def prepare(self, wanted: ExecutionRequest) -> PreparedExecution:
        """Everything but the writing. Raises NotFound, BadParameter, BadInput."""
        action = self._content.current.action(wanted.action)
        if not action.enabled:
            raise BadInput(
                f'Unable to execute. Action "{action.ref}" is disabled.', hint="Enable it in its pack."
            )
        if action.runner_type in self._content.current.runners_off:
            raise BadInput(
                f'Unable to execute. Runner "{action.runner_type}" is disabled.',
                hint=f"Enable it: st2 runner enable {action.runner_type}",
            )
        plan = self._plans.get(action)
        context = {**wanted.context, "user": wanted.user, "pack": action.pack}
        scope = self._scope_for(action, context)
        secrets = list(wanted.secrets)
        error = None
        try:
            parameters = plan.live(wanted.parameters, scope=scope, secrets=secrets)
        except BadTemplate as found:
            parameters, error = dict(wanted.parameters), found
        secrets += self._subjects.secrets(action, parameters)
        revealed = Revealed(parameters=parameters, secrets=tuple(dict.fromkeys(secrets)))
        return self._prepared(wanted, action, plan, revealed, context, error=error)

    def _prepared(
        self,
        wanted: ExecutionRequest,
        action: ActionSpec,
        plan: ActionPlan,
        revealed: Revealed,
        context: Mapping[str, Any],
        *,
        error: BadTemplate | None,
    ) -> PreparedExecution:
        execution_id = wanted.execution_id or new_id()
        now = utcnow()
        handed = credentials_in(revealed.parameters)
        if handed:
            revealed = replace(revealed, secrets=(*revealed.secrets, *handed))
        shown = plan.mask(revealed.parameters)
        # A secret that somebody gave twice, once where none belongs, is hidden there too.
        values = (*revealed.secrets, *plan.secret_values(revealed.parameters))
        if values:
            shown = ValueMasker(values).value(shown)
        sealed = None
        if revealed.secrets or shown != revealed.parameters:
            sealed = sealed_parameters.seal(self._vault, execution_id, revealed)
        also = None
        if wanted.callback is not None:
            also = callbacks.addition(wanted.callback, execution_id, self._vault)
            context = {**context, CALLBACK: {"id": wanted.callback.id}}
        status = Status.REQUESTED if error is None else Status.FAILED
        result = None if error is None else {"error": str(error), "traceback": ""}
        steps = [Status.REQUESTED] if error is None else [Status.REQUESTED, Status.FAILED]
        execution = Execution(
            id=execution_id,
            action=action.ref,
            runner=action.runner_type,
            pack=action.pack,
            status=status,
            user=wanted.user,
            parameters=shown,
            context=context,
            result=result,
            result_size=len(orjson.dumps(result)) if result else 0,
            requested_at=now,
            started_at=None,
            ended_at=now if error is not None else None,
            log=tuple((now, step) for step in steps),
            delay_ms=wanted.delay_ms,
            parent_id=(context.get("parent") or {}).get("execution_id"),
        )
        key, act = scoped_key(wanted), acts.begun(execution)
        insert = insertion(
            execution, sealed, idempotency_key=key, fingerprint=wanted.fingerprint, act=act, also=also
        )
        return PreparedExecution(execution=execution, insert=insert, error=error)
