"""The workflow languages and their conductor: pure, without database, clock or network."""
