"""`Action`: what a Python action of a pack derives from."""

import abc

from st2common.runners.utils import get_logger_for_python_runner_action

__all__ = ["Action"]


class Action(metaclass=abc.ABCMeta):
    """Has `config` (the pack's configuration), `logger` and `action_service` (the datastore)."""

    description = None

    def __init__(self, config=None, action_service=None):
        self.config = {} if config is None else config
        self.action_service = action_service
        self.logger = get_logger_for_python_runner_action(self.__class__.__name__)

    @abc.abstractmethod
    def run(self, **kwargs):
        """The work. Returns the result, or (succeeded, result)."""
