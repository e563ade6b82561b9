"""linux.FileWatchSensor: follow the files that rules name, and fire for each line added to them."""

import threading
from pathlib import Path

from followed_file import FollowedFile
from st2reactor.sensor.base import Sensor

PAUSE_S = 0.25


class FileWatchSensor(Sensor):
    def __init__(self, sensor_service, config=None):
        super().__init__(sensor_service=sensor_service, config=config)
        self._log = sensor_service.get_logger(name=type(self).__name__)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        # Trigger reference -> the file it asks for; several triggers may ask for one file.
        self._paths = {}
        self._files = {}

    def setup(self):
        """Nothing to prepare: files come with their triggers."""

    def run(self):
        while not self._stopped.wait(PAUSE_S):
            self.look()

    def look(self):
        """Fire for everything that was added since the last look."""
        with self._lock:
            found = [
                (ref, followed.path, line)
                for path, followed in self._files.items()
                for line in self._new_lines(followed)
                for ref, asked in self._paths.items()
                if asked == path
            ]
        for ref, path, line in found:
            payload = {"file_path": str(path), "file_name": path.name, "line": line}
            self.sensor_service.dispatch(trigger=ref, payload=payload)

    def _new_lines(self, followed):
        try:
            return followed.new_lines()
        except OSError as error:
            self._log.error("cannot read %s: %s", followed.path, error)
            return []

    def cleanup(self):
        self._stopped.set()

    def add_trigger(self, trigger):
        """What stands in the file already is old; the first look begins at its end."""
        path = trigger["parameters"].get("file_path")
        if not path:
            self._log.error("the trigger %s names no file_path", trigger.get("ref"))
            return
        with self._lock:
            self._paths[trigger["ref"]] = path
            if path not in self._files:
                self._files[path] = FollowedFile(Path(path))
        self._log.info("following %s", path)

    def update_trigger(self, trigger):
        self.remove_trigger(trigger)
        self.add_trigger(trigger)

    def remove_trigger(self, trigger):
        with self._lock:
            path = self._paths.pop(trigger["ref"], None)
            if path is not None and path not in self._paths.values():
                self._files.pop(path).close()
                self._log.info("no longer following %s", path)
