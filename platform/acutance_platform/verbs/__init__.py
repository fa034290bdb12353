"""What people do with acutance, each verb one function; the command line only calls them."""

from acutance_platform.verbs.datasets import pin_dataset
from acutance_platform.verbs.home import Home, open_home

__all__ = ["Home", "open_home", "pin_dataset"]
