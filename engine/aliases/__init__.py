"""From a chat text to an alias and its parameters, and back to text."""
