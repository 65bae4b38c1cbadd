"""The networks, their weights and their export."""
