"""/blind: which of two unnamed pictures is better? Votes, and what they say."""

import itertools
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Final, final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from acutance_platform.dashboard.access import User
from acutance_platform.dashboard.blind_new import NewTest, handed, kept, questions
from acutance_platform.dashboard.panels import MOST, Named, Panel, Panels
from acutance_platform.dashboard.pictures import Number, tile_response
from acutance_platform.dashboard.site import Site
from acutance_platform.dashboard.studio import Studio
from acutance_platform.recipe import refuse
from acutance_platform.search.requests import acting_as
from acutance_platform.verbs.votes import (
    BlindTest,
    Choice,
    blind_tests,
    make_blind_test,
)
from acutance_storage import list_datasets
from acutance_storage.dataset import SHORT

Name = Annotated[str, InPath(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Text = Annotated[str, Query(max_length=300)]
Texts = Annotated[list[str], Query(max_length=40)]
_ROLES: Final = ("left", "right", "hr", "lr")


class Vote(BaseModel):
    """An answer to a question."""

    model_config = ConfigDict(extra="forbid")

    question: int = Field(ge=0)
    choice: Choice


@final
class _Tests:
    """The tests of a store, each read once and then followed."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: dict[str, BlindTest] = {}
        self._lock = threading.Lock()

    def open(self, name: str) -> BlindTest:
        """Return a test as it is now; raises RecipeErrors where there is none."""
        with self._lock:
            known = self._known.get(name) or BlindTest(self._site.home.store, name)
        known.look()
        with self._lock:
            return self._known.setdefault(name, known)


def routes(site: Site, studio: Studio, panels: Panels) -> APIRouter:
    """Return the pages and answers of this area."""
    router, tests = APIRouter(), _Tests(site)
    _pages(router, site, tests)
    _making(router, site, panels)
    _voting(router, site, tests)
    _asking(router, site, tests, studio, panels)
    return router


def _pages(router: APIRouter, site: Site, tests: _Tests) -> None:
    @router.get("/blind", include_in_schema=False)
    def listed(
        request: Request,
        model: Texts = [],  # noqa: B006
        data: Text = "",
        split: Text = "validation",
        picture: Texts = [],  # noqa: B006
        crop: Texts = [],  # noqa: B006
    ) -> HTMLResponse:
        """Show all tests, and how to make one: the address may say of what."""
        user = _user(site, request)
        chosen = handed(picture, crop)
        shown = [tests.open(name) for name in blind_tests(site.home.store)]
        known = [summary for summary in list_datasets(site.home.store) if not summary.problem]
        return site.page(
            request,
            "blind.html.j2",
            tests=sorted(shown, key=lambda test: -float(test.about["time"])),
            datasets=[f"{each.name}@{each.version[:SHORT]}" for each in known],
            me=user,
            most=MOST,
            start={
                "models": [*model[:MOST], *[""] * (2 - len(model))],
                "data": data,
                "split": split,
                "chosen": chosen,
                "name": _suggested(picture[0], blind_tests(site.home.store)) if chosen else "",
            },
        )

    @router.get("/blind/{name}", include_in_schema=False)
    def one(request: Request, name: Name) -> HTMLResponse:
        """Show the next question, or the results to whoever may see them."""
        test, user = tests.open(name), _user(site, request)
        results = None if test.may_vote(user.name) else test.results()
        return site.page(
            request, "blind_test.html.j2", name=name, test=test, results=results, me=user
        )


def _suggested(picture: str, taken: Collection[str]) -> str:
    """Return a name for a test of a picture that no test has yet."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", picture.rpartition(".")[0] or picture).strip("-_")[:60]
    names = (f"{stem or 'test'}-{number}" for number in itertools.count(1))
    return next(name for name in names if name not in taken)


def _making(router: APIRouter, site: Site, panels: Panels) -> None:
    @router.post("/api/blind")
    def make(asked: NewTest, user: Annotated[User, Depends(site.operator)]) -> dict[str, str]:
        """Make a blind test: the same questions for everybody, in an order of their own."""
        named = [panels.named(address) for address in asked.models]
        if any(each.address == "lr" for each in named):
            raise refuse("models", "lr", "LR is no answer", "Name a model, bicubic or hr.")
        dataset = panels.dataset(asked.data)
        with acting_as(user.name):
            make_blind_test(
                site.home.store,
                asked.name,
                models=[kept(each) for each in named],
                data=f"{dataset.name}@{dataset.version}",
                questions=list(questions(asked, dataset)),
            )
        return {"test": asked.name}


def _voting(router: APIRouter, site: Site, tests: _Tests) -> None:
    voter = Depends(site.member)

    @router.post("/api/blind/{name}/votes")
    def vote(name: Name, given: Vote, user: Annotated[User, voter]) -> dict[str, bool]:
        """Note an answer; the first one to a question counts."""
        test = tests.open(name)
        with acting_as(user.name):
            test.vote(given.question, given.choice)
        return {"more": test.may_vote(user.name)}

    @router.post("/api/blind/{name}/seen")
    def see(name: Name, user: Annotated[User, voter]) -> dict[str, bool]:
        """Show the results to somebody, who does not vote any more."""
        with acting_as(user.name):
            tests.open(name).show()
        return {"more": False}


def _asking(router: APIRouter, site: Site, tests: _Tests, studio: Studio, panels: Panels) -> None:
    def sides(test: BlindTest, user: str, number: int) -> dict[str, Panel]:
        """Return what stands left and right in a question, HR and LR."""
        question = test.questions[number]
        named = [Named(**each) for each in test.models]
        view = panels.view_of(named, panels.dataset(test.about["data"]), question["index"])
        left, right = (view.panels[model] for model in test.sides(user, number))
        return {"left": left, "right": right, "hr": view.hr, "lr": view.lr}

    @router.get("/api/blind/{name}/question")
    def question(request: Request, name: Name) -> dict[str, Any]:
        """Return the next question of whoever asks, without saying what is on which side."""
        test, user = tests.open(name), _user(site, request).name
        left = test.left(user) if test.may_vote(user) else []
        told = {"of": len(test.questions), "left": len(left)}
        if not left:
            return {**told, "done": True}
        with _nameless():
            shown, *_ = found = [sides(test, user, number) for number in left[:2]]
            states: dict[str, Any] = {}  # those of the next question are made meanwhile
            for panels_of in found:
                asked = {p.key: p.side for p in panels_of.values() if p.side is not None}
                states |= studio.ask(asked)
        return {**told, "done": False, **_asked(test, user, left[0], shown, states)}

    @router.get(
        "/api/blind/{name}/tiles/{number}/{token}/{level}/{row}/{column}.png",
        response_class=Response,
    )
    def tile(
        request: Request,
        name: Name,
        number: Number,
        token: Annotated[str, InPath(pattern="^[0-9a-f]{64}$")],
        level: Number,
        row: Number,
        column: Number,
    ) -> Response:
        """Return a tile of a question's picture; the token says which, to the server alone."""
        test, user = tests.open(name), _user(site, request).name
        roles = {}
        if number < len(test.questions):
            roles = {test.sign(user, number, role): role for role in _ROLES}
        if token not in roles:
            raise HTTPException(404, "There is no such picture.")
        panel = sides(test, user, number)[roles[token]]
        return tile_response(studio, panel.key, level, row, column, tag=token[:32])


def _asked(
    test: BlindTest,
    user: str,
    number: int,
    shown: Mapping[str, Panel],
    states: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    told = test.questions[number]
    both = [states[shown[role].key]["state"] for role in ("left", "right")]
    state = "ready" if both == ["ready", "ready"] else "failed" if "failed" in both else "making"
    scale = shown["lr"].side.scale if shown["lr"].side is not None else 1
    return {
        "question": number,
        "picture": told["picture"],
        "crop": told["crop"],
        "size": told["size"],
        "scale": scale,
        "state": state,
        "sides": {
            role: {
                "token": test.sign(user, number, role),
                "ready": states[panel.key]["state"] == "ready" and state == "ready",
                "scale": panel.side.scale if panel.side is not None else 1,
            }
            for role, panel in shown.items()
        },
    }


def _user(site: Site, request: Request) -> User:
    user = site.access.user(request)
    if user is None:
        raise HTTPException(401, "Log in first.")
    return user


@contextmanager
def _nameless() -> Iterator[None]:
    """Keep the name of a model that cannot be built from who votes on it."""
    try:
        yield
    except HTTPException:
        raise
    except Exception:
        raise HTTPException(503, "A picture of this question cannot be made.") from None
