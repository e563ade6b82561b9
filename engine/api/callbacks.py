"""Callbacks: asked for with an execution; what became of them."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from engine.api import listing
from engine.api import wire_run_shapes as run_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire_callbacks import callback_detail, callback_document
from engine.callbacks.message import signing_key
from engine.callbacks.orders import check_host, key_of, place_of
from engine.errors import BadInput, Denied, NotFound
from engine.records.callback import CallbackState, NewCallback
from engine.records.execution import new_id
from engine.rights.place import Where
from engine.specs.right import Right

_STATES = tuple(state.value for state in CallbackState)


async def callback_of(call: Call, body: Mapping[str, Any]) -> NewCallback | None:
    """What `callback_url` and `callback_secret_ref` ask for. Raises BadInput, Denied.

    The secret is a key of the datastore that the requester may read; it is read at each delivery.
    """
    url, ref = body.get("callback_url"), body.get("callback_secret_ref")
    # Most requests have none, and need no thread for that.
    return None if url is None and ref is None else await run_in_threadpool(_checked, call, url, ref)


def _checked(call: Call, url: Any, ref: Any) -> NewCallback:
    if not isinstance(url, str) or not isinstance(ref, str):
        raise BadInput(
            "'callback_url' and 'callback_secret_ref' belong together.",
            hint="The secret signs the message, so that nobody else can send one.",
        )
    place = place_of(url)
    check_host(url, call.engine.settings.callbacks.hosts)
    scope, name = key_of(ref)
    user = call.requester.user
    _check_key(call, scope, name)
    found = call.engine.datastore.read(scope, name, user=user, decrypt=True)
    if found is None:
        raise BadInput(f"There is no datastore key {ref}.", hint="Set it: stormcrow key set NAME --secret")
    call.engine.live_secrets.note([found.value])
    signing_key(found.value)
    return NewCallback(
        id=f"msg_{new_id()}", url=url, place=place, key_scope=scope, key_user=user, key_name=name
    )


def _check_key(call: Call, scope: str, name: str) -> None:
    """As for reading it: one's own keys are free."""
    if scope == "user":
        return
    resource = f"key_value_pair:st2kv.system:{name}"
    verdict = call.engine.rights.allows(call.requester.user, Right.KEY_VALUE_PAIR_VIEW, resource)
    if not verdict.may:
        raise Denied(f"You may not use the key {name}: {verdict.reason}", hint=verdict.hint)


def get_callback(call: Call) -> Response:
    """With every try to deliver it."""
    execution = call.engine.execution(call.path["id"])
    found = call.engine.callbacks.of_execution(execution.id)
    if found is None:
        raise NotFound(f'The execution "{execution.id}" has no callback.')
    return json_answer(callback_detail(found))


def retry_callback(call: Call) -> Response:
    """Whoever may run it again may have its end told again."""
    execution = call.engine.execution(call.path["id"])
    call.engine.rights.check_rerun(call.requester.user, execution, where=Where())
    return json_answer(callback_detail(call.engine.callbacks.retry(execution.id, user=call.requester.user)))


def list_callbacks(call: Call) -> Response:
    """The newest first; `state`: only those."""
    page = call.query.page()
    word = call.query.text("state")
    if word is not None and word not in _STATES:
        raise BadInput(f"'state' must be one of {', '.join(_STATES)}.")
    state = CallbackState(word) if word else None
    found, total = call.engine.callbacks.page(state=state, offset=page.offset, limit=page.limit)
    documents = [listing.selected(callback_document(one), call.query, ("id",)) for one in found]
    return json_answer(documents, headers=listing.page_headers(page, total))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/callbacks",
        handler=list_callbacks,
        right=Right.EXECUTION_LIST,
        query=(*listing.LIST, "state"),
        gives=Listed(run_shapes.CALLBACK),
    ),
    Endpoint(
        method="GET",
        path="/executions/{id}/callback",
        handler=get_callback,
        right=Right.EXECUTION_VIEW,
        gives=run_shapes.CALLBACK_DETAIL,
    ),
    Endpoint(
        method="POST",
        path="/executions/{id}/callback",
        handler=retry_callback,
        right=Right.EXECUTION_RERUN,
        gives=run_shapes.CALLBACK_DETAIL,
        status=200,
    ),
)
