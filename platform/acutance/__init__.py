"""The public face of acutance."""
