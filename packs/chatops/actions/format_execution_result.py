"""chatops.format_execution_result: the text that tells a chat how an execution ended."""

from pathlib import Path

from rest_api import RestApi, quoted
from st2common.runners.base_action import Action
from st2common.util.jinja import render_values

DEFAULT_TEMPLATE = Path(__file__).resolve().parent / "templates" / "default.j2"
# The engine's own book-keeping, which is no business of a template.
HIDDEN = ("trigger", "trigger_type", "trigger_instance", "liveaction")


class FormatExecutionResultAction(Action):
    def run(self, execution_id):
        """`{enabled, message, extra}`; `{enabled: false}` alone when the alias wants no answer."""
        api = RestApi()
        execution = api.get(f"/executions/{quoted(execution_id)}")
        alias = self._alias_of(api, execution)
        wanted = (alias or {}).get("result") or {}
        if not wanted.get("enabled", True):
            return {"enabled": False}
        context = {
            "execution": {key: value for key, value in execution.items() if key not in HIDDEN},
            "alias": alias,
        }
        template = wanted.get("format") or DEFAULT_TEMPLATE.read_text(encoding="utf-8")
        text = render_values({"message": template}, context, allow_undefined=True)["message"]
        answer = {"enabled": True, "message": str(text)}
        if wanted.get("extra"):
            answer["extra"] = render_values({"extra": wanted["extra"]}, context, allow_undefined=True)[
                "extra"
            ]
        return answer

    def _alias_of(self, api, execution):
        """The alias that started the execution; None when something else did."""
        reference = (execution.get("context") or {}).get("action_alias_ref") or {}
        if not reference.get("id"):
            return None
        return api.get(f"/actionalias/{quoted(reference['id'])}")
