"""The rights that roles grant: StackStorm's permission types under their names, and a few of our own."""

from enum import StrEnum


class Right(StrEnum):
    """`*_list` is about a kind as a whole, `*_all` holds every right on one resource."""

    RUNNER_TYPE_LIST = "runner_type_list"
    RUNNER_TYPE_VIEW = "runner_type_view"
    RUNNER_TYPE_MODIFY = "runner_type_modify"
    RUNNER_TYPE_ALL = "runner_type_all"

    PACK_LIST = "pack_list"
    PACK_VIEW = "pack_view"
    PACK_CREATE = "pack_create"
    PACK_MODIFY = "pack_modify"
    PACK_DELETE = "pack_delete"
    PACK_INSTALL = "pack_install"
    PACK_UNINSTALL = "pack_uninstall"
    PACK_REGISTER = "pack_register"
    PACK_CONFIG = "pack_config"
    PACK_SEARCH = "pack_search"
    PACK_VIEWS_INDEX_HEALTH = "pack_views_index_health"
    PACK_ALL = "pack_all"

    SENSOR_TYPE_LIST = "sensor_type_list"
    SENSOR_TYPE_VIEW = "sensor_type_view"
    SENSOR_TYPE_MODIFY = "sensor_type_modify"
    SENSOR_TYPE_ALL = "sensor_type_all"

    ACTION_LIST = "action_list"
    ACTION_VIEW = "action_view"
    ACTION_CREATE = "action_create"
    ACTION_MODIFY = "action_modify"
    ACTION_DELETE = "action_delete"
    ACTION_EXECUTE = "action_execute"
    ACTION_ALL = "action_all"

    ACTION_ALIAS_LIST = "action_alias_list"
    ACTION_ALIAS_VIEW = "action_alias_view"
    ACTION_ALIAS_CREATE = "action_alias_create"
    ACTION_ALIAS_MODIFY = "action_alias_modify"
    ACTION_ALIAS_MATCH = "action_alias_match"
    ACTION_ALIAS_HELP = "action_alias_help"
    ACTION_ALIAS_DELETE = "action_alias_delete"
    ACTION_ALIAS_ALL = "action_alias_all"

    RULE_LIST = "rule_list"
    RULE_VIEW = "rule_view"
    RULE_CREATE = "rule_create"
    RULE_MODIFY = "rule_modify"
    RULE_DELETE = "rule_delete"
    RULE_ALL = "rule_all"

    RULE_ENFORCEMENT_LIST = "rule_enforcement_list"
    RULE_ENFORCEMENT_VIEW = "rule_enforcement_view"

    # Who may execute an action may make an execution of it.
    EXECUTION_LIST = "execution_list"
    EXECUTION_VIEW = "execution_view"
    EXECUTION_RERUN = "execution_rerun"
    EXECUTION_STOP = "execution_stop"
    EXECUTION_ALL = "execution_all"
    EXECUTION_VIEWS_FILTERS_LIST = "execution_views_filters_list"

    KEY_VALUE_PAIR_LIST = "key_value_pair_list"
    KEY_VALUE_PAIR_VIEW = "key_value_pair_view"
    KEY_VALUE_PAIR_SET = "key_value_pair_set"
    KEY_VALUE_PAIR_DELETE = "key_value_pair_delete"
    KEY_VALUE_PAIR_ALL = "key_value_pair_all"

    WEBHOOK_LIST = "webhook_list"
    WEBHOOK_VIEW = "webhook_view"
    WEBHOOK_CREATE = "webhook_create"
    WEBHOOK_SEND = "webhook_send"
    WEBHOOK_DELETE = "webhook_delete"
    WEBHOOK_ALL = "webhook_all"

    TIMER_LIST = "timer_list"
    TIMER_VIEW = "timer_view"
    TIMER_ALL = "timer_all"

    API_KEY_LIST = "api_key_list"
    API_KEY_VIEW = "api_key_view"
    API_KEY_CREATE = "api_key_create"
    API_KEY_MODIFY = "api_key_modify"
    API_KEY_DELETE = "api_key_delete"
    API_KEY_ALL = "api_key_all"

    TRACE_LIST = "trace_list"
    TRACE_VIEW = "trace_view"
    TRACE_ALL = "trace_all"

    TRIGGER_LIST = "trigger_list"
    TRIGGER_VIEW = "trigger_view"
    TRIGGER_ALL = "trigger_all"

    POLICY_TYPE_LIST = "policy_type_list"
    POLICY_TYPE_VIEW = "policy_type_view"
    POLICY_TYPE_ALL = "policy_type_all"

    POLICY_LIST = "policy_list"
    POLICY_VIEW = "policy_view"
    POLICY_CREATE = "policy_create"
    POLICY_MODIFY = "policy_modify"
    POLICY_DELETE = "policy_delete"
    POLICY_ALL = "policy_all"

    STREAM_VIEW = "stream_view"

    INQUIRY_LIST = "inquiry_list"
    INQUIRY_VIEW = "inquiry_view"
    INQUIRY_RESPOND = "inquiry_respond"
    INQUIRY_ALL = "inquiry_all"

    # Ours.
    ALERT_LIST = "alert_list"
    ALERT_VIEW = "alert_view"
    ALERT_MODIFY = "alert_modify"
    AUDIT_LIST = "audit_list"
    AUDIT_EXPORT = "audit_export"
    HISTORY_LIST = "history_list"
    HISTORY_DELETE = "history_delete"
    IMPERSONATE = "impersonate"
    METRICS_VIEW = "metrics_view"
    ROLE_LIST = "role_list"
    ROLE_VIEW = "role_view"
    SERVICE_LIST = "service_list"

    @property
    def resource_type(self) -> str:
        """The kind of resource that it is about: `action` for `action_execute`; empty for `impersonate`."""
        fitting = (kind for kind in RESOURCE_TYPES if self.startswith(f"{kind}_"))
        return max(fitting, key=len, default="")


RESOURCE_TYPES = (
    "runner_type",
    "pack",
    "sensor_type",
    "action",
    "action_alias",
    "rule",
    "rule_enforcement",
    "execution",
    "key_value_pair",
    "webhook",
    "timer",
    "api_key",
    "trace",
    "trigger",
    "policy_type",
    "policy",
    "stream",
    "inquiry",
    "alert",
    "metrics",
    "role",
    "service",
    "audit",
    "history",
)
"""StackStorm's eighteen, and the last five of ours."""
