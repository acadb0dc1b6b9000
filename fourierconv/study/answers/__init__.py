"""The protocol's questions, answered by what is committed: whatever runs exist are used, and nothing is trained."""
