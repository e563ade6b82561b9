"""Who acts, for the audit; and for whom it and the removal of history are."""

from engine.api.call import Call
from engine.errors import Denied
from engine.records.access import Requester
from engine.records.audit import Actor
from engine.specs.permissions import ADMIN, SYSTEM_ADMIN


def check_auditor(call: Call) -> None:
    """Without roles on file, for the administrators only; never for an action or sensor that runs.

    With roles the gate has asked for the right of the route. Raises Denied.
    """
    rights, requester = call.engine.rights, call.requester
    is_running = requester.execution_id is not None or requester.is_lent
    may = rights.has_roles or not {ADMIN, SYSTEM_ADMIN}.isdisjoint(rights.roles_of(requester.user))
    if is_running or not may:
        raise Denied("This is for administrators and auditors only.", hint="See docs/reference/audit.md.")


def actor_of(call: Call, requester: Requester) -> Actor:
    """Whoever asks with this call."""
    whose = f" of {requester.acting_user}" if requester.acting_user else ""
    return Actor(
        user=requester.user,
        via=f"{requester.method or 'API'}{whose}",
        key_id=requester.key_id or requester.execution_id or "",
        address=call.address,
        request_id=call.request_id,
    )
