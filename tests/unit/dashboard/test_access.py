"""Who is let in: proxies and their headers, tokens that change, names, what an open page may do."""

import json

import pytest
from attacking import SECRET, TOKENS, browser_heads, is_plain, send
from browser import serving

from acutance_platform.dashboard import Access
from acutance_platform.dashboard import access as access_module
from acutance_platform.dashboard.access import COOKIE, kept_access
from acutance_platform.dashboard.serving import chosen_access
from acutance_platform.recipe import RecipeErrors
from acutance_platform.verbs.home import Home
from acutance_storage import open_store


@pytest.fixture
def home(tmp_path):
    return Home(open_store(tmp_path / "store"), tmp_path / "local")


def test_a_proxy_names_the_user_and_nobody_else_does(home):
    proxied = {"proxy_header": "x-forwarded-user", "operators": frozenset({"ada"})}
    with serving(home, Access(proxies=frozenset({"127.0.0.1"}), **proxied)) as server:
        assert "ada" in send(server, "GET", "/models", {"X-Forwarded-User": "ada"}).text
        for heads in ({}, {"X-Forwarded-User": " "}, {"X-Forwarded-User": "\xad"}):
            answer = send(server, "GET", "/models", heads)
            assert (answer.code, is_plain(answer)) == (401, True)
        guest = send(server, "POST", "/api/ledger/verify", {"X-Forwarded-User": "eve"}, "{}")
        assert guest.code == 403
    # From an address that is not the proxy's.
    with serving(home, Access(proxies=frozenset({"192.0.2.1"}), **proxied)) as server:
        answer = send(server, "GET", "/api/openapi.json", {"X-Forwarded-User": "ada"})
        assert answer.code == 401


def test_of_two_names_neither_is_believed(home):
    access = Access(proxy_header="x-user", proxies=frozenset({"127.0.0.1"}))
    heads = [(b"x-user", b"ada"), (b"x-user", b"eve")]
    scope = {"type": "http", "headers": heads, "client": ("127.0.0.1", 1)}
    assert access.user(access_module.HTTPConnection(scope)) is None
    scope = {**scope, "headers": heads[:1]}
    assert access.user(access_module.HTTPConnection(scope)).name == "ada"


def test_an_open_dashboard_is_for_this_machine_alone(home):
    with serving(home) as server:
        assert send(server, "GET", "/models").code == 200
        for host in (
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "",
            "[::1",
        ):
            answer = send(server, "GET", "/api/openapi.json", {"Host": host})
            assert (answer.code, is_plain(answer)) == (400, True), host
        answer = send(server, "GET", "/models", {"X-Forwarded-For": "203.0.113.9"})
        assert (answer.code, "--tokens" in answer.text) == (403, True)
        # Here no script shows a token either: what a page sends along is needed.
        heads = {"Authorization": "Bearer anything", "Content-Type": "application/json"}
        assert send(server, "POST", "/api/ledger/verify", heads, "{}").code == 403


def test_a_login_ends_with_its_token_and_after_a_week(home, monkeypatch):
    access = Access(tokens=TOKENS, secret=SECRET)
    cookie = {"Cookie": f"{COOKIE}={access.cookie('Ada', 'operator')}"}
    with serving(home, access) as server:
        assert "Ada (token)" in send(server, "GET", "/models", cookie).text
    with serving(home, Access(tokens={**TOKENS, "operator": "n" * 20}, secret=SECRET)) as server:
        assert send(server, "GET", "/api/openapi.json", cookie).code == 401
    monkeypatch.setattr(access_module, "LASTS", -1)
    late = {"Cookie": f"{COOKIE}={access.cookie('Ada', 'operator')}"}
    with serving(home, access) as server:
        assert send(server, "GET", "/api/openapi.json", late).code == 401


def test_after_a_login_one_is_where_one_wanted_to_be(home):
    with serving(home, Access(tokens=TOKENS, secret=SECRET)) as server:
        turned = send(server, "GET", "/models/promote?model=a%2Fb&name=sr")
        page = send(server, "GET", turned.heads["location"])
        assert 'name="to" value="/models/promote?model=a%2Fb&amp;name=sr"' in page.text
        body = f"token={TOKENS['viewer']}&name=A%E2%80%AEda%0A&to=/models/promote%3Fname%3Dsr"
        answer = send(server, "POST", "/login", {}, body)
        assert answer.heads["location"] == "/models/promote?name=sr"
        cookie = {"Cookie": answer.heads["set-cookie"].split(";")[0]}
        assert "A da (token)" in send(server, "GET", "/models", cookie).text


def test_behind_https_the_cookie_stays_there(home):
    with serving(home, Access(tokens=TOKENS, secret=SECRET)) as server:
        heads = {"X-Forwarded-Proto": "https"}
        answer = send(server, "POST", "/login", heads, f"token={TOKENS['viewer']}")
        assert "secure" in answer.heads["set-cookie"].lower()


def test_no_secret_is_in_a_page_or_in_what_the_server_prints(home, capfd):
    access = Access(tokens=TOKENS, secret=SECRET)
    with serving(home, access) as server:
        heads = browser_heads(server, access)
        script = {"Authorization": f"Bearer {TOKENS['operator']}"}
        seen = [send(server, "POST", "/login", {}, f"token={TOKENS['operator'][:-1]}").text]
        for path in ("/models", "/data", "/models/promote", "/api/openapi.json", "/nowhere"):
            seen += [send(server, "GET", path, each).text for each in (heads, script)]
        for path in (f"/models/{TOKENS['operator']}", f"/login?to=/{TOKENS['operator']}"):
            send(server, "GET", path)
    printed = capfd.readouterr()
    assert repr(access).count("secret") == repr(access).count("token") == 0
    for text in (*seen, printed.out, printed.err):
        for secret in (*TOKENS.values(), SECRET.decode(), SECRET.hex()):
            assert secret not in text


def test_tokens_are_made_once_for_their_user_alone(tmp_path, monkeypatch):
    for role in ("VIEWER", "OPERATOR"):
        monkeypatch.delenv(f"ACUTANCE_DASHBOARD_{role}_TOKEN", raising=False)
    first, path = kept_access(tmp_path), tmp_path / "access.json"
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    assert kept_access(tmp_path).tokens == first.tokens
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in tmp_path.iterdir()] == ["access.json"]
    path.write_text(json.dumps({"viewer": 1}))
    with pytest.raises(RecipeErrors, match="cannot be read"):
        kept_access(tmp_path)


def test_of_two_that_make_tokens_at_once_both_have_the_same(tmp_path, monkeypatch):
    other = {"viewer": "v" * 20, "operator": "o" * 20, "secret": "00" * 32}
    link = access_module.os.link

    def quicker(source, target):
        target.write_text(json.dumps(other))
        return link(source, target)

    monkeypatch.setattr(access_module.os, "link", quicker)
    assert kept_access(tmp_path).tokens["viewer"] == "v" * 20


def test_a_token_in_the_environment_asks_for_it_on_this_machine_too(home, monkeypatch):
    for role in ("VIEWER", "OPERATOR"):
        monkeypatch.delenv(f"ACUTANCE_DASHBOARD_{role}_TOKEN", raising=False)
    assert chosen_access(home, "127.0.0.1").open
    # The secret is kept, so that an open page can go on after a new start.
    assert chosen_access(home, "::1").secret == chosen_access(home, "localhost").secret
    assert not chosen_access(home, "0.0.0.0").open
    monkeypatch.setenv("ACUTANCE_DASHBOARD_OPERATOR_TOKEN", "o" * 20)
    assert chosen_access(home, "127.0.0.1").tokens["operator"] == "o" * 20
    monkeypatch.setenv("ACUTANCE_DASHBOARD_OPERATOR_TOKEN", "short")
    with pytest.raises(RecipeErrors, match="16 characters"):
        chosen_access(home, "127.0.0.1")
