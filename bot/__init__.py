"""The chat side: adapters, commands, announcements, the command line. It stands on `engine`."""
