"""Blind tests: questions with two unnamed pictures each, and the votes on them.

Each test is a journal, `journals/votes/NAME`: its first record holds models and questions, each
other one a vote or that somebody asked for the results. Nothing is ever taken back.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final, Literal, final

from acutance_platform.recipe import refuse
from acutance_platform.registry.preference import Preference, preference
from acutance_platform.search.requests import asker
from acutance_platform.verbs.journals import is_name
from acutance_storage import BlobStore, Journal
from acutance_storage.errors import JournalBusy

Choice = Literal["left", "right", "none"]
CHOICES: Final[tuple[Choice, ...]] = ("left", "right", "none")

_FOLDER: Final = "votes"
_TRIES: Final = 5  # against other servers that write at the same moment


@final
class BlindTest:
    """One test, as its journal tells it.

    Args:
        store: Where its journal lies.
        name: Of the test.
    """

    def __init__(self, store: BlobStore, name: str) -> None:
        self._store, self._name = store, name
        self._lock = threading.RLock()
        self._forget()

    def look(self) -> None:
        """Take in what was written since.

        Raises:
            RecipeErrors: If there is no such test.
            StorageError: If its journal is damaged.
        """
        with self._lock:
            try:
                records = self._journal.read_new()
            except JournalBusy:
                self._forget()
                records = self._journal.read()
            for record in records:
                self._apply(record)
            if not self.about:
                rule = "there is no blind test of this name"
                raise refuse("test", self._name, rule, "See /blind.")

    @property
    def models(self) -> list[dict[str, Any]]:
        """What is compared, each with `address`, `title` and `weights`."""
        return list(self.about["models"])

    @property
    def questions(self) -> list[dict[str, Any]]:
        """Each with `picture`, `crop` (x, y, width, height in HR pixels) and `pair` of models."""
        return list(self.about["questions"])

    @property
    def voters(self) -> list[str]:
        """Who voted, sorted."""
        return sorted({user for user, _ in self.votes})

    def left(self, user: str) -> list[int]:
        """Return the questions that somebody has not answered, in an order of their own."""
        waiting = [n for n in range(len(self.questions)) if (user, n) not in self.votes]
        return sorted(waiting, key=lambda number: self.sign(user, number, "place"))

    def may_vote(self, user: str) -> bool:
        """Say whether somebody has questions left and has not seen the results."""
        return user not in self.seen and bool(self.left(user))

    def sides(self, user: str, number: int) -> tuple[int, int]:
        """Return which model is on the left and which on the right, for this voter."""
        first, second = self.questions[number]["pair"]
        turned = int(self.sign(user, number, "order"), 16) % 2
        return (second, first) if turned else (first, second)

    def sign(self, user: str, number: int, what: str) -> str:
        """Return a hash that nobody without the test's key can tell anything from."""
        text = f"{user}\n{number}\n{what}"
        return hmac.new(bytes.fromhex(self.about["key"]), text.encode(), hashlib.sha256).hexdigest()

    def vote(self, number: int, choice: Choice) -> None:
        """Note what the present user chose; a question that they answered stays as it is.

        Raises:
            RecipeErrors: If there is no such question, or they have seen the results.
            StorageError: If it cannot be written.
        """
        user = asker()
        if not 0 <= number < len(self.questions):
            raise refuse("question", number, "this test has no such question", "Reload the page.")
        if user in self.seen:
            rule = "whoever has seen the results does not vote any more"
            raise refuse("test", self._name, rule, "See them at its page.")
        question, (left, right) = self.questions[number], self.sides(user, number)
        chosen = {"left": left, "right": right, "none": None}[choice]
        weights = [self.models[index]["weights"] for index in (left, right)]
        record = {
            "do": "vote", "user": user, "question": number, "picture": question["picture"],
            "crop": question["crop"], "order": [left, right], "models": weights,
            "choice": choice, "model": chosen,
        }  # fmt: skip
        self._write(record, unless=lambda: (user, number) in self.votes)

    def show(self) -> None:
        """Note that the present user sees the results and votes no more; raises as `vote`."""
        user = asker()
        self._write({"do": "seen", "user": user}, unless=lambda: user in self.seen)

    def results(self) -> list[dict[str, Any]]:
        """Return for each two models what the votes say: over all, and by picture.

        Each has `first` and `second` (models), `all` and `pictures` (name -> `Preference`).
        """
        found = []
        for pair in combinations(range(len(self.models)), 2):
            numbers = [n for n, q in enumerate(self.questions) if tuple(q["pair"]) == pair]
            by_picture: dict[str, list[int]] = {}
            for number in numbers:
                by_picture.setdefault(self.questions[number]["picture"], []).append(number)
            found.append(
                {
                    "first": self.models[pair[0]],
                    "second": self.models[pair[1]],
                    "all": self._counted(pair, numbers),
                    "pictures": {n: self._counted(pair, of) for n, of in by_picture.items()},
                }
            )
        return found

    def _counted(self, pair: Sequence[int], numbers: Sequence[int]) -> Preference:
        asked = set(numbers)
        chosen = [v["model"] for (_, n), v in self.votes.items() if n in asked]
        return preference(chosen.count(pair[0]), chosen.count(pair[1]), chosen.count(None))

    def _write(self, record: dict[str, Any], *, unless: Any) -> None:
        with self._lock:
            for attempt in range(_TRIES):
                try:
                    self.look()
                    if not unless():
                        record = {**record, "time": time.time()}
                        self._journal.append(record)
                        self._apply(record)
                    return
                except JournalBusy:
                    if attempt == _TRIES - 1:
                        raise
                    self._forget()

    def _forget(self) -> None:
        self._journal = Journal(self._store, f"{_FOLDER}/{self._name}")
        self.about: Mapping[str, Any] = {}
        self.votes: dict[tuple[str, int], Mapping[str, Any]] = {}
        self.seen: set[str] = set()

    def _apply(self, record: Mapping[str, Any]) -> None:
        if record["do"] == "test":
            self.about = record
        elif record["do"] == "vote":
            self.votes.setdefault((record["user"], record["question"]), record)
        elif record["do"] == "seen":
            self.seen.add(record["user"])


def blind_tests(store: BlobStore) -> list[str]:
    """Return the names of all blind tests of a store, sorted."""
    folder = f"journals/{_FOLDER}/"
    return sorted({key.removeprefix(folder).partition("/")[0] for key in store.list(folder)})


def make_blind_test(
    store: BlobStore,
    name: str,
    *,
    models: Sequence[Mapping[str, Any]],
    data: str,
    questions: Sequence[Mapping[str, Any]],
) -> None:
    """Write a new blind test, asked for by the present user.

    Args:
        store: Where it goes.
        name: As a sweep's may be.
        models: Two or more, each with `address`, `title` and `weights`.
        data: NAME@VERSION of the pictures.
        questions: See `BlindTest.questions`.

    Raises:
        RecipeErrors: If the name is taken or cannot be one, or there is nothing to ask.
        StorageError: If it cannot be written.
    """
    if not is_name(name):
        rule = "a name has letters, digits, '.', '_' and '-', and begins with a letter or digit"
        raise refuse("name", name, rule, "Choose another.")
    taken = refuse("name", name, "there is a blind test of this name", "Choose another.")
    if name in blind_tests(store):
        raise taken
    if len({model["weights"] or model["address"] for model in models}) < max(2, len(models)):
        raise refuse("models", None, "two different models at least are compared", "Name others.")
    if not questions:
        raise refuse("pictures", None, "no picture is large enough", "Choose smaller crops.")
    journal = Journal(store, f"{_FOLDER}/{name}")
    if journal.read():  # somebody was quicker
        raise taken
    test = {
        "do": "test", "name": name, "models": list(models), "data": data,
        "questions": list(questions), "key": secrets.token_hex(32), "by": asker(),
        "time": time.time(),
    }  # fmt: skip
    try:
        journal.append(test)
    except JournalBusy:  # is quicker at this moment
        raise taken from None
