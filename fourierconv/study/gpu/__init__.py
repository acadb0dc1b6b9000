"""What needs a CUDA device: the checks of the layers there, and a benchmark beside cuDNN; one command with a budget."""
