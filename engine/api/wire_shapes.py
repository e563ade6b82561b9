"""The shapes of what the API takes and gives: those of all rooms; each room has its own in `wire_*_shapes`.

The documents themselves are made by the other `wire` files; tests compare them with these.
"""

from engine.api.shape import FLAG, TEXT, Shape

FAULT = Shape("Fault", {"faultstring": TEXT, "conflict-id": TEXT}, ("faultstring",))
ENABLED = Shape("Enabled", {"enabled": FLAG}, ("enabled",))
"""Whole documents are taken too; only this counts of them."""
