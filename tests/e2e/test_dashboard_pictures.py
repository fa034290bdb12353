"""Pictures in a browser: models in step down to the same pixel, swiped, subtracted, and blind."""

import numpy as np
import pytest
from browser import browsing, eventually, grave_faults, serving
from models_beside import TRIALS, home_with_models
from panels_read import address, read, shown, two_fingers

from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.sides import lr_picture
from acutance_platform.verbs.votes import BlindTest
from acutance_storage import open_dataset

PICTURE = "validation/b.png"
PAGE = "/compare?model=nights/t0000&model=nights/t0001&model=bicubic&data=photos&picture=" + PICTURE


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return home_with_models(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def server(home):
    with serving(home) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with browsing() as page:
        yield page


@pytest.fixture(scope="module")
def differs(made):
    """Column and row of the pixel in which both trials differ most."""
    one, other = (pixels.astype(int) for pixels in made.values())
    amount = np.abs(one - other).sum(axis=2)[20:-20, 20:-20]
    y, x = np.unravel_index(amount.argmax(), amount.shape)
    assert amount[y, x] > 5
    return int(x) + 20, int(y) + 20


@pytest.fixture
def page(browser, server, differs):
    """The page with all its pictures made, at 8:1, near the pixel in which both differ most."""
    browser.goto(f"{server.url}{PAGE}&x={differs[0] - 2}&y={differs[1] - 4}&zoom=8")

    def settled():
        titles = browser.locator("figcaption").all_inner_texts()
        return len(titles) == 3 and not any("…" in title for title in titles)

    eventually(settled)
    return browser


@pytest.fixture(scope="module")
def made(home):
    """What `upscale` makes of the picture: trial -> pixels."""
    dataset = open_dataset(home.store, "photos")
    index = [p.name for p in dataset.pictures].index(PICTURE)
    lr = lr_picture(dataset, index, 2, [{"kind": "matlab_bicubic"}])
    return {trial: load_model(f"nights/{trial}", home).upscale(lr) for trial in TRIALS}


def test_the_same_pixel_in_both_down_to_single_ones(page, made, differs):
    assert grave_faults(page) == []
    page.locator("#stage").focus()
    page.keyboard.press("+")
    assert page.locator("#zoom").inner_text() == "16:1"
    for key in ("ArrowRight", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    x, y, rgb = read(page)
    assert (x, y) == differs
    assert rgb[0] != rgb[1]
    for number, pixels in enumerate(made.values()):
        assert rgb[number] == pixels[y, x].tolist()
        shown(page, pixels[y, x], number)  # the same pixel in the middle of each canvas
    box = page.locator("#stage canvas").nth(1).bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.7 * box["height"])
    seen = read(page)
    assert seen[:2] != (x, y)
    for number, pixels in enumerate(made.values()):
        assert seen[2][number] == pixels[seen[1], seen[0]].tolist()
    page.mouse.move(5, 5)
    eventually(lambda: f"x={x}&y={y}&zoom=16" in address(page))
    page.reload()  # the address holds it all
    assert read(page) == (x, y, rgb)
    cells = page.locator("#values tbody tr").first.locator("td.number")
    eventually(lambda: all(text not in ("…", "–") for text in cells.all_inner_texts()))


def test_wheel_and_drag_keep_what_is_under_the_pointer(page):
    page.keyboard.press("0")
    box = page.locator("#stage canvas").first.bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.45 * box["height"])
    for _ in range(5):
        page.mouse.wheel(0, -120)
    at = read(page)[:2]
    page.mouse.wheel(0, -120)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.6 * box["height"], steps=4)
    page.mouse.up()
    assert np.abs(np.subtract(read(page)[:2], at)).max() <= 1
    page.mouse.move(5, 5)


def test_a_pinch_zooms_all_panels_and_holds_what_is_between_the_fingers(page):
    def camera():
        return page.locator("#zoom").inner_text(), *read(page)[:2]

    page.keyboard.press("0")
    page.keyboard.press("+")
    assert page.locator("#zoom").inner_text() == "1:1"
    box = page.locator("#stage canvas").nth(1).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    zoom, *before = camera()
    with two_fingers(page) as put:
        put("touchStart", (x - 20, y), (x + 20, y))
        for apart in (30, 40, 55, 80, 110, 150):
            put("touchMove", (x - apart, y), (x + apart, y))
        put("touchEnd")
        eventually(lambda: page.locator("#zoom").inner_text() == "8:1")
        page.mouse.move(5, 5)
        zoom, *after = camera()
        assert np.abs(np.subtract(after, before)).max() <= 2
        put("touchStart", (x - 60, y), (x + 60, y))
        for moved in (16, 32, 48, 64):
            put("touchMove", (x - 60 + moved, y), (x + 60 + moved, y))
        put("touchEnd")
        page.mouse.move(5, 5)
        zoom, *dragged = camera()
        assert zoom == "8:1"
        assert np.subtract(dragged, after).tolist() == [-8, 0], "64 pixels of the screen"
        put("touchStart", (x - 120, y), (x + 120, y))
        for apart in (100, 70, 50, 30):
            put("touchMove", (x - apart, y), (x + apart, y))
        put("touchEnd")
        eventually(lambda: page.locator("#zoom").inner_text() == "2:1")


def test_an_error_map_shows_known_errors_in_known_colours(page, made, home, differs):
    hr = open_dataset(home.store, "photos")
    index = [picture.name for picture in hr.pictures].index(PICTURE)
    truth = np.asarray(hr.hr(index)).astype(int)
    page.locator("#stage").focus()
    for key in ("+", "+", *["ArrowRight"] * 2, *["ArrowDown"] * 4, "e"):
        page.keyboard.press(key)
    x, y, rgb = read(page)
    assert (x, y) == differs
    for gain in (4, 16, 1):
        page.get_by_label("Gain").select_option(str(gain))
        for number, (trial, pixels) in enumerate(made.items()):
            error = np.abs(pixels[y, x].astype(int) - truth[y, x])
            shown(page, np.clip(gain * error, 0, 255), number)
            caption = page.locator("figcaption").nth(number).inner_text()
            assert caption.startswith(f"{gain} × |nights/{trial} − HR|")
    assert rgb[0] == made["t0000"][y, x].tolist(), "what is read stays the picture's own"
    assert "mode=error" in address(page)
    assert grave_faults(page) == []


def test_swiped_blinked_and_subtracted(page, made, differs):
    one, other = made.values()
    page.locator("#stage").focus()
    for key in ("+", "+", *["ArrowRight"] * 2, *["ArrowDown"] * 4):
        page.keyboard.press(key)
    x, y, _ = read(page)
    assert (x, y) == differs
    page.keyboard.press("w")
    page.get_by_label("Edge").fill("0.9")
    shown(page, one[y, x], 0)
    page.get_by_label("Edge").fill("0.1")
    shown(page, other[y, x], 0)
    page.keyboard.press("b")
    page.get_by_role("button", name="Pause").click()
    for _ in range(3):
        title = page.locator("figcaption").inner_text()
        page.keyboard.press("Escape")
        page.locator("#stage").focus()
        page.keyboard.press("Space")
        eventually(lambda title=title: page.locator("figcaption").inner_text() != title)
    page.keyboard.press("d")
    page.get_by_label("Gain").select_option("16")
    difference = one[y, x].astype(int) - other[y, x]
    shown(page, np.clip(128 + 16 * difference, 0, 255), 0)
    assert "16 ×" in page.locator("figcaption").inner_text()
    assert "mode=difference" in address(page)
    assert grave_faults(page) == []


def test_a_kept_crop_stands_in_the_address(page):
    page.keyboard.press("0")
    for _ in range(4):
        page.keyboard.press("+")
    page.get_by_label("Keep this view as a crop").fill("rings")
    page.get_by_role("button", name="Keep", exact=True).click()
    eventually(lambda: "crop=rings" in address(page))
    zoom = page.locator("#zoom").inner_text()
    page.reload()
    page.keyboard.press("0")
    page.get_by_role("button", name="rings", exact=True).click()
    assert page.locator("#zoom").inner_text() == zoom


def test_pictures_and_models_are_chosen_in_dialogs(page):
    page.get_by_role("button", name="Choose picture").click()
    page.get_by_role("button", name="validation/a.png").click()
    page.get_by_role("heading", name="validation/a.png").wait_for()
    page.get_by_role("button", name="Models …").click()
    page.get_by_label("Add a model").fill("nights/")
    page.locator("#hints option[value='nights/t0001']").wait_for(state="attached")
    page.get_by_label("Add a model").fill("nights/t0009")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Done").click()
    page.get_by_text("nights has no trial 't0009'").wait_for()
    page.get_by_role("button", name="Remove nights/t0009").click()
    eventually(lambda: page.locator("figcaption").count() == 3)
    assert "picture=validation%2Fa.png" in address(page)


def test_ten_votes_with_the_keyboard_and_their_result(browser, server, home):
    page = browser
    page.goto(f"{server.url}/blind")
    page.get_by_text("There is no blind test yet").wait_for()
    page.get_by_label("Model", exact=True).fill("nights/t0000")
    page.get_by_label("Against").fill("bicubic")
    page.get_by_label("Name").fill("eyes")
    page.get_by_label("Crops of each").fill("5")
    page.get_by_label("Side of a crop").select_option("64")
    page.get_by_role("button", name="Make the test").click()
    page.get_by_text("Question 1 of 10").wait_for()
    for number in range(10):
        page.get_by_text(f"Question {number + 1} of 10").wait_for()
        page.locator("[data-choice=left]:enabled").wait_for()
        if number == 3:
            assert grave_faults(page) == []
            assert "t0000" not in page.content()
            page.keyboard.press("h")
            page.locator("figcaption", has_text="HR").wait_for()
            page.reload()
            page.get_by_text("Question 4 of 10").wait_for()
            page.locator("[data-choice=left]:enabled").wait_for()
        page.keyboard.press("0" if number == 9 else "2")
    page.get_by_text("9 decided votes").wait_for()
    test = BlindTest(home.store, "eyes")
    test.look()
    right = [vote["order"][1] for vote in test.votes.values() if vote["choice"] == "right"]
    cells = page.locator("tbody tr").first.locator("td").all_inner_texts()
    assert cells[:3] == [str(right.count(0)), str(right.count(1)), "1"]
    assert grave_faults(page) == []
    page.goto(f"{server.url}/blind")
    assert page.get_by_role("row", name="eyes").inner_text().split("\t")[3:6] == ["10", "1", "10"]


def test_kept_crops_become_a_blind_test_of_two_sides(page, home):
    page.keyboard.press("w")  # of three panels, the two that are swiped
    page.get_by_label("Keep this view as a crop").fill("grain: the sky")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_role("link", name="Blind test of these").click()
    page.get_by_text("grain: the sky").wait_for()
    assert grave_faults(page) == []
    sides = page.locator("[name=model]").evaluate_all("(all) => all.map((one) => one.value)")
    assert sides == ["nights/t0000", "nights/t0001"]
    assert page.get_by_label("Name").input_value() == "validation-b-1"
    page.get_by_role("button", name="Make the test").click()
    page.get_by_text("Question 1 of 1").wait_for()
    test = BlindTest(home.store, "validation-b-1")
    test.look()
    (question,) = test.questions
    assert question["picture"] == PICTURE
    x, y, width, height = question["crop"]
    assert 0 <= x < x + width <= 411
    assert 0 <= y < y + height <= 300
