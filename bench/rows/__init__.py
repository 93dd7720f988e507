"""One file is one row of the table: `prepare(options)` gives its parts, line one says what the row is."""
