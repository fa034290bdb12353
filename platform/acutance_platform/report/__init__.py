"""Reports: the table of trials, figures, picture strips and one self-contained HTML page."""
