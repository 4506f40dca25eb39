"""Searches with several seeds as one study: models for the app, the reports that made them, a section of docs/search.md."""
