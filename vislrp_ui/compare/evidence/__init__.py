"""Evidence: measures of every model over the rows shown or over a set of pictures."""
