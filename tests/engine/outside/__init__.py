"""Who people are according to others."""
