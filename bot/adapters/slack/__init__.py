"""Slack, without a public address: Socket Mode, Block Kit, modals, App Home."""
