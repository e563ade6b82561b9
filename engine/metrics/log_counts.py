"""Warnings and errors of the log, counted by their level."""

import logging

from engine.metrics.board import Board


class LogCounts(logging.Handler):
    def __init__(self, board: Board) -> None:
        super().__init__(logging.WARNING)
        self._records = board.counter("log_records")

    def emit(self, record: logging.LogRecord) -> None:
        self._records.add(record.levelname.lower())
