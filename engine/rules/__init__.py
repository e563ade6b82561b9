"""Rules: which of them an event meets, and what they start."""
