"""A Slack of our own: the Web API, Socket Mode and the people; for tests, and for trying things out."""
