# SPDX-License-Identifier: Apache-2.0
"""Fixtures for pytest. In a conftest.py:

    pytest_plugins = ["holdfast.pytest_fixtures"]

A test then takes `machines`, and starts as many as it likes; all must end with status 0:

    def test_reset(machines):
        machine = machines("-M", "virt", "-S", "-display", "none")
        machine.qmp.execute("system_reset")
        machine.qmp.wait_event("RESET")

or `virt`, one that is stopped, with a test server. The program is $HOLDFAST, or what is called so on
the path.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .machine import Machine

Start = Callable[..., Machine]


@pytest.fixture
def machines() -> Iterator[Start]:
    with contextlib.ExitStack() as started:
        def start(*arguments: str, **options: Any) -> Machine:
            return started.enter_context(Machine(*arguments, **options))

        yield start


@pytest.fixture
def virt(machines: Start) -> Machine:
    return machines("-M", "virt", "-bios", "none", "-display", "none", "-accel", "qtest", qtest=True)
