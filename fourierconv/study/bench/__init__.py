"""What a convolution costs: the package's engines beside what else computes it, and beside what the machine allows."""
