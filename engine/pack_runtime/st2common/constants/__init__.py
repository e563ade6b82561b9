"""Names that StackStorm has for fixed things."""
