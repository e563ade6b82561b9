"""Actions as tools of the Model Context Protocol, for programs that decide by themselves."""
