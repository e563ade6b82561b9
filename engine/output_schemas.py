"""What an action gave, held against its `output_schema`: whether it fits, and what of it is secret."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.expressions.masking import (
    ValueMasker,
    holds_secret,
    is_old_form,
    is_secret_at,
    mask_result,
    result_secrets,
    whole,
)
from engine.expressions.schema import Validator, compile_validator
from engine.runners.base import RunResult
from engine.specs.action import ActionSpec
from engine.specs.runner_type import RUNNER_TYPES
from engine.status import Status

# Keywords of a schema whose message names members, and no value.
_ABOUT_NAMES = frozenset({"required", "additionalProperties"})
_MESSAGE = "Error validating output. See error output for more details."


def tells_secrets(action: ActionSpec) -> bool:
    """Whether its result says what of what it printed is secret."""
    runner = RUNNER_TYPES.get(action.runner_type)
    if not action.output_schema or runner is None or runner.output_key is None:
        return False
    return holds_secret(whole(action.output_schema))


class Outputs:
    """`validates`: a result that does not fit fails its action. One for all actions, from any thread."""

    def __init__(self, *, validates: bool) -> None:
        self._validates = validates
        # By the action's ref; a reload brings another schema, and that another validator.
        self._compiled: dict[str, tuple[Any, Validator]] = {}

    def kept(self, action: ActionSpec, outcome: RunResult) -> RunResult:
        """The outcome as it may be stored and shown: without what the schema calls secret, wherever that
        stands in the result; as a failure where the result is none that the schema allows."""
        runner = RUNNER_TYPES.get(action.runner_type)
        if not action.output_schema or runner is None or runner.output_key is None:
            return outcome
        if not isinstance(outcome.result, Mapping) or runner.output_key not in outcome.result:
            return outcome
        secrets = tuple(result_secrets(outcome.result, action, runner.output_key))
        if self._validates and outcome.status is Status.SUCCEEDED:
            wrong = self._misfit(action, outcome.result[runner.output_key])
            if wrong:
                error = ValueMasker(secrets).text(wrong)
                return RunResult(
                    status=Status.FAILED, result={"error": error, "message": _MESSAGE}, secrets=secrets
                )
        hidden = mask_result(outcome.result, action, runner.output_key)
        if hidden == outcome.result:
            return outcome
        shown = ValueMasker(secrets).value(hidden)
        return replace(outcome, result=shown, clear=outcome.result, secrets=(*outcome.secrets, *secrets))

    def _misfit(self, action: ActionSpec, given: Any) -> str:
        """What is wrong with it, empty when nothing is. The old form of a schema says only what is secret,
        as in StackStorm."""
        schema = action.output_schema
        if schema is None or is_old_form(schema):
            return ""
        known = self._compiled.get(action.ref)
        if known is None or known[0] is not schema:
            known = self._compiled[action.ref] = (schema, compile_validator(schema))
        problem = known[1].problem(given)
        if problem is None:
            return ""
        if problem.keyword in _ABOUT_NAMES:
            return problem.message
        place = ".".join(map(str, problem.path))
        # The message shows the value.
        if is_secret_at(schema, problem.path):
            return f"A value that holds a secret does not fit ({place or 'the whole'})."
        return f"{problem.message} ({place})" if place else problem.message
