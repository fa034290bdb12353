"""The dashboard: pages on which people watch sweeps, compare pictures and promote models.

One module per area (`sweeps`, `fronts`, `pictures`, ...) with a function `routes(site)`; what all
of them share is `site.Site`. Reads go through `index`, which follows journals; every change goes
through the same verbs as the command line.
"""

from acutance_platform.dashboard.access import Access
from acutance_platform.dashboard.app import create_app

__all__ = ["Access", "create_app"]
