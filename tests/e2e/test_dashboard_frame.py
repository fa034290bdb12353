"""The dashboard's frame in a browser: login, what strangers get, a server that goes and returns."""

import urllib.error
import urllib.request

import pytest
from browser import browsing, grave_faults, serving

from acutance_platform.dashboard import Access
from acutance_platform.verbs.home import Home
from acutance_storage import open_store

TOKENS = {"viewer": "v" * 20, "operator": "o" * 20}


@pytest.fixture
def home(tmp_path):
    return Home(open_store(tmp_path / "store"), tmp_path / "local")


def test_a_stranger_logs_in_with_a_token_and_out(home):
    with serving(home, Access(tokens=TOKENS)) as server, browsing(width=390) as page:
        page.goto(f"{server.url}/nowhere")
        assert "/login?to=/nowhere" in page.url
        assert grave_faults(page) == []
        page.get_by_label("Token").fill("a wrong token, quite long")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("alert").wait_for()
        page.get_by_label("Token").fill(TOKENS["viewer"])
        page.get_by_label("Your name").fill("Ada")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Not found").wait_for()
        assert "Ada" in page.locator(".user").inner_text()
        assert grave_faults(page) == []
        page.get_by_role("button", name="Log out").click()
        page.get_by_label("Token").wait_for()
        # The two pages that were refused, as the browser reports them.
        page.complaints[:] = [said for said in page.complaints if " 401 " not in said]
        page.complaints[:] = [said for said in page.complaints if " 404 " not in said]


def test_other_hosts_names_and_large_bodies_are_turned_away(home):
    with serving(home) as server:
        for heads, data, code in (
            ({"Host": "elsewhere.example"}, None, 400),
            ({}, b"x" * 70_000, 413),
        ):
            request = urllib.request.Request(f"{server.url}/api/alive", data, heads)
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request, timeout=60)
            assert caught.value.code == code
            caught.value.close()
