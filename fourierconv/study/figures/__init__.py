"""Figures of the book, one function per file, each returning a matplotlib `Figure`."""
