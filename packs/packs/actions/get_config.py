"""packs.get_config: the configuration of this pack."""

from st2common.runners.base_action import Action

# Names whose values are not shown, whatever the schema says of them.
SECRET_WORDS = ("password", "secret", "token", "key")


class GetConfigAction(Action):
    def run(self):
        """The configuration as an object; empty where none was written."""
        return {name: shown(name, value) for name, value in dict(self.config or {}).items()}


def shown(name, value):
    if any(word in name.lower() for word in SECRET_WORDS):
        return "********"
    if isinstance(value, dict):
        return {inner: shown(inner, held) for inner, held in value.items()}
    return value
