"""Search for composites: spaces as data, a resumable search, a report on held-out pictures (numerics.md, section 11)."""
