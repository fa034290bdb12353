"""Time and decisions: recipes, training, search, sweeps, tracking, command line."""
