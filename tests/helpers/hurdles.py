"""A store in front of another one, that is slow, silent or full when a test says so."""

import threading

from acutance_storage.errors import StoreFull, StoreUnreachable


class Hurdle:
    """Passes everything on to `store`, once it is allowed to.

    `gate` holds up what is written while it is clear; `fault` is raised instead of doing anything.
    """

    def __init__(self, store):
        self.store, self.gate, self.fault = store, threading.Event(), None
        self.gate.set()
        self.at_work, self.most_at_work, self.written = 0, 0, []

    def break_down(self):
        self.fault = StoreUnreachable("no answer from the test")

    def fill_up(self):
        self.fault = StoreFull("no space left in the test")

    def __getattr__(self, name):
        told = getattr(self.store, name)
        if not callable(told):
            return told

        def passed(*arguments, **options):
            if self.fault is not None:
                raise self.fault
            if not name.startswith("write"):
                return told(*arguments, **options)
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
            try:
                self.gate.wait()
                if self.fault is not None:
                    raise self.fault
                answer = told(*arguments, **options)
            finally:
                self.at_work -= 1
            self.written.append(arguments[0])
            return answer

        return passed
