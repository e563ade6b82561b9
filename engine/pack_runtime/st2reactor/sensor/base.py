"""`Sensor` and `PollingSensor`: what the sensors of packs derive from."""

import abc
import time

__all__ = ["PollingSensor", "Sensor"]


class Sensor(metaclass=abc.ABCMeta):
    """Waits for something in a process of its own, and dispatches triggers.

    `sensor_service` and `config` have their older, private names too, which most packs use.
    """

    def __init__(self, sensor_service, config=None):
        self._sensor_service = self.sensor_service = sensor_service
        self._config = self.config = {} if config is None else config

    @abc.abstractmethod
    def setup(self):
        """Called once before run()."""

    @abc.abstractmethod
    def run(self):
        """Returns when the sensor is to end."""

    @abc.abstractmethod
    def cleanup(self):
        """Called once when the sensor is stopped."""

    @abc.abstractmethod
    def add_trigger(self, trigger):
        """Called with a dict for every trigger of the sensor's types, at the start and later."""

    @abc.abstractmethod
    def update_trigger(self, trigger):
        """A trigger has changed."""

    @abc.abstractmethod
    def remove_trigger(self, trigger):
        """A trigger is gone."""


class PollingSensor(Sensor):
    """Calls poll() again and again, `poll_interval` seconds apart."""

    def __init__(self, sensor_service, config=None, poll_interval=5):
        super().__init__(sensor_service=sensor_service, config=config)
        self._poll_interval = poll_interval

    @abc.abstractmethod
    def poll(self):
        """One look."""

    def run(self):
        while True:
            self.poll()
            time.sleep(self._poll_interval)

    def get_poll_interval(self):
        return self._poll_interval

    def set_poll_interval(self, poll_interval):
        self._poll_interval = poll_interval
