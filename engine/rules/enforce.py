"""What a matched rule becomes in the database: started actions, or a line that says what held it back."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from engine.notices import tell
from engine.records.execution import new_id
from engine.records.trigger import Enforcement, EnforcementStatus, TriggerInstance
from engine.rules.evaluate import Failed, Wanted
from engine.rules.gate import Gate


def enforce(
    connection: Connection,
    gates: Sequence[Gate],
    wanted: Sequence[Wanted],
    instance: TriggerInstance,
    now: datetime,
) -> list[Enforcement]:
    """The actions of one matched rule, unless one of `gates` holds it back."""
    rule = wanted[0].rule
    for gate in gates:
        admission = gate.admit(connection, rule_ref=rule.spec.ref, instance=instance, now=now)
        if admission.notice is not None:
            tell(connection, admission.notice)
        if not admission.admitted:
            held = Wanted(rule=rule, number=0, failure=admission.reason)
            return [_enforcement(held, instance, now, status=EnforcementStatus.HELD)]
    return [_started(connection, one, instance, now) for one in wanted]


def unanswered(failed: Failed, instance: TriggerInstance, now: datetime) -> Enforcement:
    """Of a rule whose criteria could not be evaluated."""
    wanted = Wanted(rule=failed.rule, number=0, failure=failed.reason)
    return _enforcement(wanted, instance, now, status=EnforcementStatus.FAILED)


def _started(connection: Connection, wanted: Wanted, instance: TriggerInstance, now: datetime) -> Enforcement:
    execution_id = None
    if wanted.execution is not None:
        execution_id = wanted.execution.insert(connection).id
    status = EnforcementStatus.FAILED if wanted.failure else EnforcementStatus.SUCCEEDED
    return _enforcement(wanted, instance, now, status=status, execution_id=execution_id)


def _enforcement(
    wanted: Wanted,
    instance: TriggerInstance,
    now: datetime,
    *,
    status: EnforcementStatus,
    execution_id: str | None = None,
) -> Enforcement:
    return Enforcement(
        id=new_id(),
        instance_id=instance.id,
        rule_ref=wanted.rule.spec.ref,
        number=wanted.number,
        execution_id=execution_id,
        status=status,
        failure_reason=wanted.failure,
        enforced_at=now,
    )
