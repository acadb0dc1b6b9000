"""What the first four notebooks verify: each claim of the theory as a function that measures it."""
