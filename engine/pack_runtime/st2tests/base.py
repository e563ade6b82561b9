"""Base classes for the unit tests that packs bring: an action, or a sensor, with stand-in services."""

import logging
import os
import sys
import unittest

from st2common.util.config_loader import PackConfigDict

__all__ = ["BaseActionTestCase", "BaseSensorTestCase"]


class MockActionService:
    """A datastore in memory, with the calls of the real one."""

    def __init__(self, prefix="tests."):
        self._prefix = prefix
        self.values = {}

    @property
    def datastore_service(self):
        return self

    def get_user_info(self):
        return {"username": "admin_user", "rbac": {"enabled": False, "roles": [], "is_admin": True}}

    def list_values(self, local=True, prefix=None, limit=None, offset=None):
        begin = self._name(prefix or "", local)
        found = [_Value(name, value) for name, value in sorted(self.values.items()) if name.startswith(begin)]
        return found[offset or 0 :][:limit]

    def get_value(self, name, local=True, scope="system", decrypt=False):
        return self.values.get(self._name(name, local))

    def set_value(self, name, value, ttl=None, local=True, scope="system", encrypt=False):  # noqa: PLR0917  (as the real one)
        self.values[self._name(name, local)] = str(value)
        return True

    def delete_value(self, name, local=True, scope="system"):
        return self.values.pop(self._name(name, local), None) is not None

    def _name(self, name, local):
        return self._prefix + name if local else name


class _Value:
    def __init__(self, name, value):
        self.name = name
        self.value = value


class MockSensorService(MockActionService):
    """Keeps what a sensor dispatches."""

    def __init__(self):
        super().__init__()
        self.dispatched = []

    def get_logger(self, name):
        return logging.getLogger("tests.%s" % name)

    def dispatch(self, trigger, payload=None, trace_tag=None):
        self.dispatched.append({"trigger": trigger, "payload": payload})

    def dispatch_with_context(self, trigger, payload=None, trace_context=None):
        self.dispatch(trigger, payload)


class _PackTestCase(unittest.TestCase):
    def get_fixture_content(self, fixture_path):
        """The text of a file in `fixtures/` beside the test."""
        folder = os.path.dirname(os.path.abspath(sys.modules[type(self).__module__].__file__))
        with open(os.path.join(folder, "fixtures", fixture_path)) as file:
            return file.read()


class BaseActionTestCase(_PackTestCase):
    """Set `action_cls`; get_action_instance() makes one."""

    action_cls = None

    def get_action_instance(self, config=None):
        from st2common.runners.utils import get_action_class_instance

        service = MockActionService()
        config = PackConfigDict("tests", config or {})
        return get_action_class_instance(self.action_cls, config=config, action_service=service)


class BaseSensorTestCase(_PackTestCase):
    """Set `sensor_cls`; get_sensor_instance() makes one."""

    sensor_cls = None

    def setUp(self):
        super().setUp()
        self.sensor_service = MockSensorService()

    def get_sensor_instance(self, config=None, poll_interval=None):
        more = {} if poll_interval is None else {"poll_interval": poll_interval}
        return self.sensor_cls(
            sensor_service=self.sensor_service, config=PackConfigDict("tests", config or {}), **more
        )

    def get_dispatched_triggers(self):
        return self.sensor_service.dispatched

    def assertTriggerDispatched(self, trigger, payload=None):  # noqa: N802  (the name that packs call)
        for dispatched in self.sensor_service.dispatched:
            if dispatched["trigger"] == trigger and payload in (None, dispatched["payload"]):
                return True
        raise AssertionError('The trigger "%s" was not dispatched with that payload.' % trigger)
