"""Definitions of workflows, inspected as StackStorm's clients ask for it."""

from starlette.responses import Response

from engine.api import wire_run_shapes as run_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import Listed, Raw
from engine.errors import BadInput
from engine.specs.right import Right


def inspect_definition(call: Call) -> Response:
    """The body is the definition, YAML as plain text; the answer lists what is wrong with it."""
    from engine.workflows.inspect import flattened, inspect  # noqa: PLC0415 - a start does without
    from engine.workflows.inspect_contents import content_problems, parameters_of  # noqa: PLC0415 - as above

    try:
        text = call.body.decode()
    except UnicodeDecodeError as error:
        raise BadInput("The definition is not UTF-8 text.") from error
    found = inspect(text)
    known = parameters_of(call.engine.registry.actions)
    contents = [] if found.get("syntax") else content_problems(text, known)
    return json_answer(flattened({**found, "content": contents}))


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/workflows/inspect",
        handler=inspect_definition,
        right=Right.ACTION_VIEW,
        takes=Raw(("text/plain",)),
        gives=Listed(run_shapes.PROBLEM, is_counted=False),
        status=200,
    ),
)
