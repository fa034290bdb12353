"""Which trials a killed node moved, as the journal tells it."""

from course import Course, Move, moves


def begin(trial, node, time):
    return {"do": "begin", "trial": trial, "node": node, "time": time}


def report(trial, step, time):
    return {"do": "report", "trial": trial, "step": step, "metrics": {}, "time": time}


def value(trial, time):
    return {"do": "value", "trial": trial, "rung": 20, "values": [1.0], "time": time}


def ask(trial):
    return {"do": "ask", "trial": trial, "recipe": {}, "rungs": [40, 80], "time": 0.5}


ONE, TWO, NEW = "aaaaaaaa1111", "bbbbbbbb2222", "cccccccc3333"
JOURNAL = [
    {"do": "start", "driver": "d", "host": "h", "time": 0.0},
    ask("t0000"),
    ask("t0001"),
    ask("t0002"),
    begin("t0000", ONE, 1.0),
    begin("t0001", TWO, 1.5),
    report("t0000", 10, 3.0),
    report("t0001", 10, 3.5),
    value("t0001", 4.0),
    begin("t0002", TWO, 5.0),
    # killed at 6: node ONE
    {"do": "failure", "trial": "t0000", "error": "lost", "step": 10, "time": 8.0},
    report("t0002", 10, 8.5),
    begin("t0000", TWO, 11.0),
]


def after(records):
    course = Course()
    for record in records:
        course.feed(record)
    return course


def test_a_trial_that_ran_on_the_killed_node_moved_to_where_it_begins_again():
    assert moves(JOURNAL, "aaaaaaaa", 6.0) == [Move("t0000", 10, "aaaaaaaa", "bbbbbbbb", 11.0)]


def test_a_trial_that_never_began_again_is_told_as_such():
    assert moves(JOURNAL[:-1], "aaaaaaaa", 6.0) == [Move("t0000", 10, "aaaaaaaa", "", 0.0)]
    assert moves(JOURNAL[:10], "aaaaaaaa", 6.0) == [Move("t0000", 10, "aaaaaaaa", "", 0.0)]


def test_a_trial_that_had_reached_its_rung_did_not_move():
    again = [*JOURNAL[:9], begin("t0001", NEW, 9.0)]
    assert moves(again, "bbbbbbbb", 4.5) == []


def test_a_node_is_killed_only_in_the_middle_and_where_a_trial_is_under_way():
    nodes = {"aaaaaaaa", "bbbbbbbb"}
    assert after(JOURNAL[:8]).victim(1, nodes) is None  # no rung was reached
    assert after(JOURNAL[:10]).victim(1, nodes) == "aaaaaaaa"
    assert after(JOURNAL[:10]).victim(1, {"bbbbbbbb"}) is None  # t0002 has not reported there
    assert after(JOURNAL[:12]).victim(1, nodes) == "bbbbbbbb"
    assert after(JOURNAL[:12]).victim(2, nodes) is None


def test_a_node_where_a_trial_is_about_to_reach_its_rung_is_let_alone():
    late = after([*JOURNAL[:10], report("t0000", 20, 5.5), report("t0000", 30, 5.8)])
    assert late.victim(1, {"aaaaaaaa"}) is None
    early = after([*JOURNAL[:10], report("t0000", 20, 5.5)])
    assert early.victim(1, {"aaaaaaaa"}) == "aaaaaaaa"


def test_nodes_are_told_in_order_and_a_new_session_runs_nothing():
    course = after([*JOURNAL, begin("t0000", TWO, 12.0)])
    assert course.nodes["t0000"] == ["aaaaaaaa", "bbbbbbbb"]
    assert course.running == {"t0000": "bbbbbbbb", "t0002": "bbbbbbbb"}
    course.feed({"do": "start", "driver": "e", "host": "h", "time": 20.0})
    assert course.running == {}
