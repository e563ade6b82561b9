"""The logger of a Python action: to standard error, at the level that the run asked for."""

import logging
import sys

from st2common import log

__all__ = ["get_action_class_instance", "get_logger_for_python_runner_action"]

# Set by the process that runs the action, from the runner parameter log_level.
LOG_LEVEL = "DEBUG"


def get_logger_for_python_runner_action(action_name, log_level=None):
    """A logger named `st2.actions.python.<action_name>`; asking twice gives one handler only."""
    logger = log.getLogger("actions.python.%s" % action_name)
    level = str(log_level or LOG_LEVEL).upper()
    level = log.AUDIT if level == "AUDIT" else getattr(logging, level, logging.DEBUG)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setLevel(level)
        handler.setFormatter(logging.Formatter(log.FORMAT))
        logger.addHandler(handler)
        logger.propagate = False
    logger.setLevel(logging.DEBUG)
    return logger


def get_action_class_instance(action_cls, config=None, action_service=None):
    """An action object; a class that takes no action_service gets it as an attribute."""
    try:
        return action_cls(config=config or {}, action_service=action_service)
    except TypeError as error:
        if "unexpected keyword argument 'action_service'" not in str(error):
            raise
    action = action_cls(config=config or {})
    action.action_service = action_service
    return action
