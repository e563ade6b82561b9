"""What `stormcrow pack check` finds wrong with the files of action chains."""

from collections.abc import Iterator, Mapping

from engine.content.check import Finding, missing_reference
from engine.content.registry import Registry
from engine.errors import BadContent, nearest
from engine.expressions.jinja import is_template
from engine.expressions.merge import merge_parameters
from engine.specs.action import ActionSpec
from engine.specs.runner_type import RUNNER_TYPES
from engine.workflows.chain import Chain, Node
from engine.workflows.chain_reading import oddities, read_chain
from engine.yaml_reader import line_of, read_file

CHAIN_RUNNER = "action-chain"


def lint(registry: Registry, *, known: Registry | None = None) -> list[Finding]:
    """Errors and warnings, in the order of the files; `known` is what tasks may name besides."""
    actions = {**(known.actions if known else {}), **registry.actions}
    packs = {*registry.packs, *(known.packs if known else ())}
    found: list[Finding] = []
    for action in registry.actions.values():
        if action.runner_type == CHAIN_RUNNER and action.entry_point and action.entry_path.is_file():
            found.extend(_file(action, actions, packs))
    return sorted(found, key=lambda finding: finding.where)


def _file(action: ActionSpec, actions: Mapping[str, ActionSpec], packs: set[str]) -> Iterator[Finding]:
    name = f"{action.pack}/actions/{action.entry_point}"
    try:
        text, document = read_file(action.entry_path, name=name)
        chain = read_chain(text, name=name)
    except BadContent as error:
        yield Finding(severity="error", where=error.where, text=error.message, hint=error.hint)
        return
    for line, words, hint in oddities(text, name=name):
        yield Finding(severity="warning", where=f"{name}:{line}", text=words, hint=hint)
    yield from _default(chain, f"{name}:{line_of(text, ('default',))}")
    names = [node["name"] for node in document.value["chain"]]
    for node in chain.nodes.values():
        where = f"{name}:{line_of(text, ('chain', names.index(node.name)))}"
        yield from _task(node, where, actions, packs)


def _default(chain: Chain, where: str) -> Iterator[Finding]:
    if chain.default not in chain.nodes:
        yield Finding(
            severity="error",
            where=where,
            text=f'"default" is {chain.default}, and names of tasks are not rendered: nothing would run.',
            hint="Write the name of a task.",
        )


def _task(node: Node, where: str, actions: Mapping[str, ActionSpec], packs: set[str]) -> Iterator[Finding]:
    if is_template(node.ref):
        yield Finding(
            severity="error",
            where=where,
            text=f'The action of task "{node.name}" is a template, and those are not rendered there.',
            hint="Write PACK.ACTION.",
        )
        return
    action = actions.get(node.ref)
    if action is None:
        yield from missing_reference(where, f'task "{node.name}"', node.ref, actions, packs)
        return
    parameters = merge_parameters(action, RUNNER_TYPES[action.runner_type])
    for given in node.parameters:
        if given not in parameters:
            yield Finding(
                severity="error",
                where=where,
                text=f'Task "{node.name}" gives {given}, and {action.ref} has no such parameter.',
                hint=nearest(given, parameters) or f"It has: {', '.join(parameters)}.",
            )
    for parameter in parameters.values():
        if parameter.required and not parameter.has_default and parameter.name not in node.parameters:
            yield Finding(
                severity="error",
                where=where,
                text=f'Task "{node.name}" does not give {parameter.name}, which {action.ref} needs.',
                hint='Put it under "parameters".',
            )
