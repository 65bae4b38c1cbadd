"""What training minimises and measures."""
