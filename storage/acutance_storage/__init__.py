"""Bytes: blob stores, content addressing, image datasets, journals."""
