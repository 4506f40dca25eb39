"""Lessons: a guided case step by step, on the pages themselves. One module per case; `catalogue` lists them."""
