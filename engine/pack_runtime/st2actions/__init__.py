"""The older home of the base class of actions."""
