"""Our Slack in a terminal: what a person sees and types there."""
