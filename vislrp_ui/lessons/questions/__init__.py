"""The questions that learners ask: predict, then see what the engine says and why."""
