"""Runs one sensor in this process, from its orders on the pipe to its end.

    python -I -u -X utf8 sensor_host.py PIPE REF

PIPE: the number of the descriptor that leads to the server. The first message on it says what to
run: file, class_name, pack, ref, config, poll_interval, log_level, triggers, first and
last (folders before and after the interpreter's own in the import path). REF is for people who
read `ps`.
"""

import atexit
import importlib.util
import logging
import os
import signal
import sys
import time
import traceback

_RUNTIME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# -I leaves our own folder out of the path.
sys.path.append(_RUNTIME)

from _stormcrow import processes  # noqa: E402
from _stormcrow.sensor_channel import Channel, Stop, new_lock, read_first, start_thread  # noqa: E402
from _stormcrow.sensor_service import PipeHandler, SensorService  # noqa: E402

PR_SET_PDEATHSIG = 1
# How long the main thread may take to unwind before cleanup() is called from another one.
UNWIND_S = 1.0
# How long a change of triggers waits for a poll() that is under way.
TURN_S = 5.0
LONGEST_REPORT = 65536
# The kernel takes a sensor before the server when memory runs out.
OOM_SCORE = "500"

_sleep = time.sleep


class Host:
    def __init__(self, channel, orders):
        self._channel = channel
        self._orders = orders
        self._sensor = None
        self._is_cleaned = False
        self._cleaning = new_lock()
        # Held during poll(), so that triggers change between two of them.
        self._turn = new_lock()

    def run(self):
        """Returns when run() of the sensor does. The process ends when its threads have."""
        try:
            self._make()
            self._call("setup", self._sensor.setup)
            for trigger in self._orders["triggers"]:
                self._change("add_trigger", trigger)
            start_thread(self._take_orders, ())
            self._channel.tell({"op": "running"})
            self._call("run", self._sensor.run)
        except Stop:
            self._clean_up()
            raise
        # Not yet: threads that run() has started may carry on.
        atexit.register(self._clean_up)

    def _make(self):
        orders = self._orders
        sensor_class = self._call("load", lambda: _load(orders["file"], orders["class_name"]))
        self._sensor = self._call("__init__", lambda: self._instance(sensor_class))
        if hasattr(self._sensor, "poll"):
            self._sensor.poll = self._in_turn(self._sensor.poll)

    def _instance(self, sensor_class):
        from st2common.util.config_loader import PackConfigDict
        from st2reactor.sensor.base import PollingSensor

        orders = self._orders
        arguments = {
            "sensor_service": SensorService(self._channel, orders["ref"], orders["class_name"]),
            "config": PackConfigDict(orders["pack"], orders["config"]),
        }
        if orders["poll_interval"] and issubclass(sensor_class, PollingSensor):
            arguments["poll_interval"] = orders["poll_interval"]
        return sensor_class(**arguments)

    def _in_turn(self, poll):
        def polling():
            with self._turn:
                return poll()

        return polling

    def _call(self, phase, work):
        """Tell the server about what goes wrong, before the process ends by it."""
        try:
            return work()
        except Stop:
            raise
        except BaseException as error:
            if phase == "run" and isinstance(error, SystemExit) and not error.code:
                raise
            text = "".join(traceback.format_exception_only(type(error), error)).strip()
            report = {"op": "failed", "phase": phase, "error": text[:LONGEST_REPORT]}
            report["traceback"] = traceback.format_exc()[-LONGEST_REPORT:]
            self._channel.tell(report)
            os._exit(self._ended_by(error))

    def _ended_by(self, error):
        self._clean_up()
        code = error.code if isinstance(error, SystemExit) else 1
        return code & 0xFF if isinstance(code, int) else 1

    # orders of the server

    def _take_orders(self):
        while True:
            order = self._channel.orders.get()
            if order["op"] == "stop":
                _sleep(UNWIND_S)
                self._clean_up()
                os._exit(128 + signal.SIGTERM)
            has_turn = self._turn.acquire(timeout=TURN_S)
            try:
                self._change(order["op"], order["trigger"])
            finally:
                if has_turn:
                    self._turn.release()

    def _change(self, method, trigger):
        try:
            getattr(self._sensor, method)(trigger)
        except Stop:
            raise
        except Exception:
            logging.getLogger(self._orders["class_name"]).exception(
                "%s failed for the trigger %s", method, trigger.get("ref")
            )

    def _clean_up(self):
        """cleanup() of the sensor, once, from whatever thread comes first."""
        with self._cleaning:
            if self._is_cleaned or self._sensor is None:
                return
            self._is_cleaned = True
            try:
                self._sensor.cleanup()
            except Exception:
                logging.getLogger(self._orders["class_name"]).exception("cleanup() failed")


def _patch_first(path):
    """A sensor that has eventlet patch the standard library finds it patched already: StackStorm does it
    before anything else, and what was imported earlier would keep the functions that block."""
    with open(path, "rb") as file:
        if b"eventlet.monkey_patch" not in file.read():
            return
    try:
        import eventlet
    except ImportError:
        # Its own import says so better.
        return
    eventlet.monkey_patch(os=True, select=True, socket=True, thread=True, time=True)


def _load(path, class_name):
    """The class of that name in the file. Its folder is the last one in the import path."""
    _patch_first(path)
    folder, name = os.path.split(path)
    if folder not in sys.path:
        sys.path.append(folder)
    # Under a name of its own: sensors/github.py may import the library github.
    name = "sensors.%s" % os.path.splitext(name)[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    found = getattr(module, class_name, None)
    if found is None:
        raise ImportError("%s has no class %s." % (path, class_name))
    return found


def _die_with_server():
    """Also when the interpreter is held up and cannot see the pipe close."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def _be_first_to_go():
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(OOM_SCORE)
    except OSError:
        pass


def _set_up_logging(channel, level):
    root = logging.getLogger()
    root.addHandler(PipeHandler(channel))
    root.setLevel(level)
    logging.captureWarnings(True)


def main():
    fd = int(sys.argv[1])
    os.set_inheritable(fd, False)
    _die_with_server()
    _be_first_to_go()
    processes.become_subreaper()
    orders = read_first(fd)
    if orders is None:
        return
    channel = Channel(fd)
    sys.argv[:] = [orders["file"]]
    own = [folder for folder in sys.path if folder != _RUNTIME]
    sys.path[:] = [*orders["first"], *own, *orders["last"], _RUNTIME]
    _set_up_logging(channel, orders["log_level"])
    signal.signal(signal.SIGTERM, lambda _number, _frame: channel.stop_main())
    # A terminal's Ctrl-C is for the server, which then stops us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel.start()
    Host(channel, orders).run()


if __name__ == "__main__":
    main()
