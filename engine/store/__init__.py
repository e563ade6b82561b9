"""The only SQL of the project: the database, its migrations, and one file per noun."""
