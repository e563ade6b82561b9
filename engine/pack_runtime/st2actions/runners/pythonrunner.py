"""The older name of `st2common.runners.base_action`, which many packs still import."""

from st2common.runners.base_action import Action

__all__ = ["Action"]
