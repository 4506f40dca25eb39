"""A page as CONTRIBUTING.md says how to add one: its state, its drawing, its file."""
