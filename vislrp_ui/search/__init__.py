"""Search: models are suggested and measured in the background while the page shows what is found."""
