"""Events: trigger instances, enforcements, stored content, and the traces of executions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _triggers()
    _sensor_leases()
    _stored_content()
    _traces_of_executions()
    _notices_in_chats()
    _alerts()
    _datastore()
    _rule_state()
    _timers()
    _policies()
    _schedules()


def _triggers() -> None:
    op.create_table(
        "trigger_instance",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(24), nullable=False, unique=True),
        sa.Column("trigger", sa.String, nullable=False),
        sa.Column("trigger_type", sa.String, nullable=False),
        sa.Column("parameters", sa.LargeBinary, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("trace_id", sa.String, nullable=False),
        sa.Column("trace_tag", sa.String, nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("dedupe_key", sa.String, unique=True),
        sa.Column("sealed", sa.LargeBinary),
    )
    op.create_index("trigger_instance_by_trigger", "trigger_instance", ["trigger", "seq"])
    op.create_index("trigger_instance_by_type", "trigger_instance", ["trigger_type", "seq"])
    op.create_index("trigger_instance_by_time", "trigger_instance", ["occurred_at", "seq"])
    op.create_index("trigger_instance_by_trace", "trigger_instance", ["trace_id"])
    op.create_index("trigger_instance_by_tag", "trigger_instance", ["trace_tag"])
    op.create_table(
        "rule_enforcement",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(24), nullable=False, unique=True),
        sa.Column("instance_id", sa.String(24), nullable=False),
        sa.Column("rule_ref", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("execution_id", sa.String(24)),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("failure_reason", sa.String, nullable=False),
        sa.Column("enforced_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("instance_id", "rule_ref", "number"),
    )
    op.create_index("rule_enforcement_by_rule", "rule_enforcement", ["rule_ref", "seq"])
    op.create_index("rule_enforcement_by_execution", "rule_enforcement", ["execution_id"])
    op.create_index("rule_enforcement_by_time", "rule_enforcement", ["enforced_at", "seq"])


def _sensor_leases() -> None:
    op.create_table(
        "sensor_lease",
        sa.Column("ref", sa.String, primary_key=True),
        sa.Column("server", sa.String, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )


def _stored_content() -> None:
    op.create_table(
        "stored_content",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("ref", sa.String, primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "content_switch",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("ref", sa.String, primary_key=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )


def _traces_of_executions() -> None:
    op.add_column("execution", sa.Column("trace_id", sa.String))
    op.add_column("execution", sa.Column("trace_tag", sa.String))
    given = sa.text("trace_id IS NOT NULL")
    op.create_index(
        "execution_by_trace", "execution", ["trace_id"], sqlite_where=given, postgresql_where=given
    )
    tagged = sa.text("trace_tag IS NOT NULL")
    op.create_index(
        "execution_by_tag", "execution", ["trace_tag"], sqlite_where=tagged, postgresql_where=tagged
    )


def _notices_in_chats() -> None:
    op.create_table(
        "chat_notice",
        sa.Column("adapter", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("generation", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("thread_id", sa.String),
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )


def _alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(24), nullable=False, unique=True),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("severity", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("first_seen_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("silenced_until", sa.BigInteger),
        sa.Column("silenced_by", sa.String, nullable=False),
        sa.Column("acked_by", sa.String, nullable=False),
        sa.Column("resolved_by", sa.String, nullable=False),
        sa.Column("alert", sa.LargeBinary, nullable=False),
    )
    op.create_index("alert_by_fingerprint", "alert", ["source", "fingerprint", "seq"])
    op.create_index("alert_by_status", "alert", ["status", "seq"])
    op.create_index("alert_by_channel", "alert", ["channel", "first_seen_at"])
    op.create_index("alert_by_digest", "alert", ["digest"])


def _datastore() -> None:
    op.add_column("datastore", sa.Column("description", sa.String, nullable=False, server_default=""))
    op.create_index("datastore_by_end", "datastore", ["expires_at"])
    op.create_table("seal_key", sa.Column("id", sa.String, primary_key=True))


def _rule_state() -> None:
    op.create_table(
        "rule_state",
        sa.Column("rule_ref", sa.String, primary_key=True),
        sa.Column("gate", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("rule_state_by_end", "rule_state", ["expires_at"])
    op.create_table(
        "rule_due",
        sa.Column("rule_ref", sa.String, primary_key=True),
        sa.Column("gate", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("instance_id", sa.String(24), nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
    )
    op.create_index("rule_due_by_time", "rule_due", ["due_at"])


def _timers() -> None:
    op.create_table(
        "timer",
        sa.Column("trigger", sa.String, primary_key=True),
        sa.Column("trigger_type", sa.String, nullable=False),
        sa.Column("parameters", sa.LargeBinary, nullable=False),
        sa.Column("misfire", sa.String, nullable=False),
        sa.Column("anchor_at", sa.BigInteger, nullable=False),
        sa.Column("next_fire_at", sa.BigInteger),
        sa.Column("last_fire_at", sa.BigInteger),
        sa.Column("moved_at", sa.BigInteger, nullable=False),
        sa.Column("resting_since", sa.BigInteger),
    )
    op.create_index("timer_by_next", "timer", ["next_fire_at"])


def _policies() -> None:
    op.create_table(
        "policy_entry",
        sa.Column("execution_id", sa.String(24), primary_key=True),
        sa.Column("policy", sa.String, primary_key=True),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("until", sa.BigInteger),
    )
    op.create_index("policy_entry_by_line", "policy_entry", ["policy", "key", "state", "not_before", "seq"])
    op.create_index("policy_entry_by_time", "policy_entry", ["state", "until"])


def _schedules() -> None:
    op.create_table(
        "schedule",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("chat_user", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("zone", sa.String, nullable=False),
        sa.Column("command", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("parameters", sa.LargeBinary, nullable=False),
        sa.Column("context", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("ended_by", sa.String, nullable=False),
        sa.Column("delivery_key", sa.String, unique=True),
        sa.Column("last_execution_id", sa.String),
        sa.Column("last_due_at", sa.BigInteger),
        sa.Column("last_failure", sa.String, nullable=False),
    )
    op.create_index("schedule_by_end", "schedule", ["ended_at", "number"])
