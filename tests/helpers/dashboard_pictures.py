"""Take the README's pictures of the dashboard: python dashboard_pictures.py FOLDER.

It shows the store of the environment, in which `make sweep` has run.
"""

import io
import sys
from pathlib import Path

from browser import browsing, serving
from PIL import Image

from acutance_platform.verbs import open_home

SIZE = (1280, 860)
COMPARED = "&".join(f"model={each}" for each in ("flagship/best", "flagship/knee", "bicubic", "hr"))
PAGES = {
    "trials": ("/sweeps/flagship", "table tbody tr"),
    "front": ("/sweeps/flagship/front", ".js-plotly-plot .scatterlayer"),
    "compare": (f"/compare?{COMPARED}", "canvas"),
}


def take(folder):
    """Write dashboard-NAME.png of each page."""
    folder.mkdir(parents=True, exist_ok=True)
    with serving(open_home()) as server, browsing(width=SIZE[0], height=SIZE[1]) as page:
        for name, (address, ready) in PAGES.items():
            page.goto(f"{server.url}{address}")
            page.locator(ready).first.wait_for()
            page.wait_for_timeout(8000 if name == "compare" else 2500)
            if name == "compare":
                for _ in range(3):
                    page.keyboard.press("+")
                page.wait_for_timeout(2000)
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            small = shot.resize((SIZE[0] * 3 // 4, SIZE[1] * 3 // 4), Image.Resampling.LANCZOS)
            small = small.quantize(256, dither=Image.Dither.NONE)
            small.save(folder / f"dashboard-{name}.png", optimize=True)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
