"""chatops.format_execution_result: the text that tells a chat how an execution ended."""

from rest_api import RestApi, quoted
from st2common.runners.base_action import Action


class FormatExecutionResultAction(Action):
    def run(self, execution_id):
        """`{enabled, message, extra}`; `enabled` is false when the alias wants no answer."""
        return RestApi().get(f"/executions/{quoted(execution_id)}/result_text")
