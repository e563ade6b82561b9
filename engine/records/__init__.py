"""What happened: the tables of the database, and the frozen values read from them."""
