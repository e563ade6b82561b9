"""Numbers with their goals: `make bench` prints a table, and the same as JSON."""
