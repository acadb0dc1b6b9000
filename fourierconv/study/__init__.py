"""The study: data, models, training, runs, statistics, experiments and figures of the book."""
