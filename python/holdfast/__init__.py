# SPDX-License-Identifier: Apache-2.0
"""Drives a Holdfast machine from Python: starts it, speaks QMP and the test protocol with it.

    from holdfast import Machine

    with Machine("-M", "virt", "-display", "none", "-S") as machine:
        print(machine.qmp.query_status())
        machine.qmp.execute("cont")
        machine.qmp.wait_event("RESUME")

Nothing but the standard library is needed. The same clients drive other emulators that speak these
protocols.
"""

from .machine import Ended, Machine
from .qmp import Client, Error, ProtocolError, Pending
from .qtest import QtestClient, QtestError

__all__ = ["Client", "Ended", "Error", "Machine", "Pending", "ProtocolError", "QtestClient", "QtestError"]
