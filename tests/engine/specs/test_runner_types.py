"""The table of runners holds together."""

import pytest

from engine.content.parameters import check_properties
from engine.specs.runner_type import RUNNER_ALIASES, RUNNER_TYPES


@pytest.mark.parametrize("name", RUNNER_TYPES)
def test_the_parameters_of_a_runner_are_right_schemas(name: str) -> None:
    parameters = RUNNER_TYPES[name].parameters
    check_properties({key: dict(spec.schema_) for key, spec in parameters.items()}, ())


def test_old_names_lead_to_runners_and_hide_none() -> None:
    assert set(RUNNER_ALIASES.values()) <= set(RUNNER_TYPES)
    assert not set(RUNNER_ALIASES) & set(RUNNER_TYPES)


@pytest.mark.parametrize("name", RUNNER_TYPES)
def test_passwords_and_keys_are_secret(name: str) -> None:
    for key, spec in RUNNER_TYPES[name].parameters.items():
        assert spec.secret == (key in {"password", "sudo_password", "private_key", "passphrase"})
