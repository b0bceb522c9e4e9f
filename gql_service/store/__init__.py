"""The database: tables, migrations, and the two ways in, `read()` and `write()`."""
