"""Threads and processes of this machine that colour an archive."""
