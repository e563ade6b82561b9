"""What makes events, and what they and templates read."""

from dataclasses import dataclass

from engine.settings.key import key


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    """How events become actions."""

    user: str = key("stormcrow", "User that rules of packs run their actions as.")
    channel: str = key(
        "", "Channel for what the engine itself has to say; empty: the first of chat.channels."
    )
    queue_limit: int = key(
        10_000, "How many events may wait for their rules; more are refused with 503.", at_least=1
    )
    refused_limit: int = key(
        20,
        "How many deliveries an hour a webhook may refuse before the events channel is told.",
        at_least=1,
    )
    depth_limit: int = key(
        10,
        "How many rules may follow one from the other (a rule's action that fires a rule ...).",
        at_least=1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSettings:
    """How sensors run."""

    channel: str = key("", "Channel that hears of sensors that keep failing; empty: events.channel.")
    restart_s: float = key(
        1.0,
        "Pause before a sensor that failed is started again, in seconds; each failure in a row doubles it.",
        at_least=0.01,
    )
    restart_longest_s: float = key(300.0, "Longest such pause, in seconds.", at_least=0.01)
    good_run_s: float = key(60.0, "A sensor that has run for so long is well, in seconds.", at_least=0.1)
    tell_after: int = key(3, "Failures in a row after which the channel is told.", at_least=1)
    stop_s: float = key(5.0, "Time between TERM and KILL when a sensor is stopped, in seconds.")
    memory_limit_mb: float = key(
        512.0, "A sensor whose process uses more memory is started anew, in megabytes; 0: no limit."
    )
    log_lines: int = key(200, "How many lines of each sensor's log are kept for `sensor logs`.", at_least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatastoreSettings:
    """Where datastore keys come from besides the database."""

    backends: dict[str, str] = key(
        {},
        "Keys read from elsewhere, by prefix: {env.: 'environment:SECRET_'} reads the key env.TOKEN from the "
        "variable SECRET_TOKEN of the server, {file.: 'file:/run/secrets'} the key file.token from a file.",
    )
    st2_key_file: str = key(
        "", "StackStorm's key file (datastore_key.json), to take over values that it encrypted."
    )
