"""The door: StackStorm's REST API v1 on Starlette."""
