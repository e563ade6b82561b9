"""The automation engine: content, executions, runners, aliases. It never imports `bot`."""
