"""Sweeps: trials on Ray, driven by the decisions of `acutance_platform.search`."""
