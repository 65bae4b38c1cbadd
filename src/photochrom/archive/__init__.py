"""Archives: very many pictures, taken up again where they were left, on one machine or on several.

A *manifest* (SQLite) knows every file and what has become of it; a *pool* of workers does one
`Task` after the other by `Work` and gives an `Outcome` for each; `run` goes between the two.
"""
