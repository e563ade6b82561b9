"""What a person does, from the first minute on, against the whole server."""
