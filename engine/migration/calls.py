"""Which actions an alias, a rule, a chain or a workflow calls, and with what, as it is written."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import EngineError
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasSpec
from engine.specs.rule import RuleSpec
from engine.workflows.chain_lint import CHAIN_RUNNER
from engine.workflows.chain_reading import read_chain
from engine.workflows.outline import outline_of
from engine.workflows.reading import load
from engine.workflows.workflow_lint import RUNNER as WORKFLOW_RUNNER
from engine.yaml_reader import read_file


def calls_of(spec: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(ref, parameters) of each; none for a file that cannot be read, which others tell."""
    if isinstance(spec, AliasSpec):
        yield spec.action_ref, spec.immutable_parameters
    elif isinstance(spec, RuleSpec):
        yield spec.action["ref"], spec.action.get("parameters") or {}
    elif isinstance(spec, ActionSpec) and spec.runner_type in (CHAIN_RUNNER, WORKFLOW_RUNNER):
        try:
            yield from _of_file(spec)
        except EngineError:
            return


def _of_file(action: ActionSpec) -> Iterator[tuple[str, Mapping[str, Any]]]:
    text, _ = read_file(action.entry_path, name=action.entry_point)
    if action.runner_type == CHAIN_RUNNER:
        for node in read_chain(text, name=action.entry_point).nodes.values():
            yield node.ref, node.parameters
        return
    for task in outline_of(load(text, name=action.entry_point)).tasks.values():
        if isinstance(task.action, str):
            yield task.action, task.input if isinstance(task.input, Mapping) else {}
