"""Results of an evaluation: scores, tables, charts, pages."""
