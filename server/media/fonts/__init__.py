"""Fonts that show any script: Inter, and what it lacks from a chain of others.

Their origins and licences stand in `files/README.md`.
"""
