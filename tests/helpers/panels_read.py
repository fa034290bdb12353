"""What the panels of pictures show in a browser, and fingers on them."""

from contextlib import contextmanager

from browser import eventually


def drawn(page, canvas, right=0.5, down=0.5):
    """Return the RGB that a canvas shows at a place of it."""
    return (
        page.locator("#stage canvas")
        .nth(canvas)
        .evaluate(
            """(canvas, [right, down]) => [...canvas.getContext("2d").getImageData(
            canvas.width * right, canvas.height * down, 1, 1).data.slice(0, 3)]""",
            [right, down],
        )
    )


def shown(page, wanted, *place):
    """Wait until a canvas shows this RGB at a place."""
    wanted = [int(value) for value in wanted]
    eventually(lambda: drawn(page, *place) == wanted)


def address(page):
    """Return what the browser's address field says now."""
    return page.evaluate("location.href")


def read(page):
    """Return x, y and the RGB of each panel as the page tells them, once all are there."""
    eventually(lambda: page.locator("#position").inner_text())
    eventually(lambda: "…" not in "".join(page.locator("#values td.rgb").all_inner_texts()))
    x, y = (int(part.strip(" xy")) for part in page.locator("#position").inner_text().split(","))
    rgb = [cell.split() for cell in page.locator("#values td.rgb").all_inner_texts()]
    return x, y, [[int(value) for value in each] for each in rgb]


@contextmanager
def two_fingers(page):
    """Give a function that puts two fingers on the screen, moves them or, given none, lifts them.

    As a touch screen does: over the protocol of the browser's own tools.
    """
    tools = page.context.new_cdp_session(page)
    tools.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def put(kind, *places):
        points = [{"x": x, "y": y, "id": place} for place, (x, y) in enumerate(places)]
        tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    try:
        yield put
    finally:
        tools.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
        tools.detach()
