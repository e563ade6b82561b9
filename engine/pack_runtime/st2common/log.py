"""Loggers as pack code asks for them: `from st2common import log; LOG = log.getLogger(__name__)`."""

import functools
import logging
from logging import CRITICAL, DEBUG, ERROR, INFO, NOTSET, WARNING

__all__ = [
    "AUDIT",
    "CRITICAL",
    "DEBUG",
    "ERROR",
    "INFO",
    "NOTSET",
    "WARNING",
    "getLogger",
    "setup",
]

PREFIX = "st2."
AUDIT = CRITICAL + 10
FORMAT = "%(name)-12s: %(levelname)-8s %(message)s"
logging.addLevelName(AUDIT, "AUDIT")


def getLogger(name):  # noqa: N802  (the name that packs call)
    """The logger `st2.<name>`, with `audit`; a name that begins so already is kept."""
    logger = logging.getLogger(name if name.startswith(PREFIX) else PREFIX + name)
    logger.audit = functools.partial(logger.log, AUDIT)
    # Packs call the old name, which warns on newer Pythons.
    logger.warn = logger.warning
    return logger


def setup(*_args, **_kwargs):
    """Nothing: the process that runs the pack has set its logging up."""
