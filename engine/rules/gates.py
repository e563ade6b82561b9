"""The gates of a rule, in the order in which they are asked.

First what the rule needs (correlation, threshold), then whether it may act now (freeze), then how
often (throttle, budget): what a freeze holds back uses up no budget.
"""

from engine.rules.counting import Budget, Threshold, Throttle
from engine.rules.freezing import Freeze
from engine.rules.gate import Gate
from engine.rules.waiting import Correlate, Gathering
from engine.specs.gates import BudgetSpec, CorrelateSpec, FreezeSpec, GateSpec, ThresholdSpec, ThrottleSpec
from engine.specs.rule import RuleSpec


def gates_for(rule: RuleSpec) -> tuple[Gate, ...]:
    return tuple(_gate(spec) for spec in rule.gates)


def _gate(spec: GateSpec) -> Gate:
    if isinstance(spec, CorrelateSpec):
        return Correlate(spec)
    if isinstance(spec, ThresholdSpec):
        return Threshold(spec)
    if isinstance(spec, FreezeSpec):
        return Freeze(spec)
    if isinstance(spec, BudgetSpec):
        return Budget(spec)
    return _throttle(spec)


def _throttle(spec: ThrottleSpec) -> Gate:
    return Gathering(spec) if spec.kind in ("once_after", "once_quiet") else Throttle(spec)


def gates_after(gates: tuple[Gate, ...], name: str) -> tuple[Gate, ...]:
    """Who is still asked when what the gate `name` held back fires later: a freeze may have begun."""
    names = [gate.name for gate in gates]
    rest = gates[names.index(name) + 1 :] if name in names else gates
    frozen = tuple(gate for gate in gates if isinstance(gate, Freeze) and gate not in rest)
    return (*frozen, *rest)
