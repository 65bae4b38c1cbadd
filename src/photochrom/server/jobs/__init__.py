"""Jobs: their table, their files and the threads that do them."""
