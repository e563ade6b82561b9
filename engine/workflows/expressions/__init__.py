"""The two expression languages of workflows, YAQL and Jinja: compiled once, evaluated within limits."""
