"""The tests, a package so that processes they spawn can import from it."""
