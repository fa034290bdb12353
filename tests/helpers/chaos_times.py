"""How long a sweep needed after deaths, as its journal tells it."""


def drivers_back(records):
    """Return the seconds from each session's start to its first leg."""
    found, started = [], None
    for record in records:
        if record["do"] == "start":
            started = record["time"]
        elif record["do"] == "begin" and started is not None:
            found.append(round(record["time"] - started, 1))
            started = None
    return found


def moved(records):
    """Return the seconds from each loss of a node, once noticed, to its trial's next leg.

    A worker is missed at once; that its node died may be known (`pardon`) only after the trial
    runs again.

    Returns:
        Those of trials whose driver lived through it, and of those whose driver died as well.
    """
    lost, newest = [], {}
    for index, record in enumerate(records):
        if record["do"] == "failure":
            newest[record["trial"]] = index
        if record["do"] == "pardon" or (record["do"] == "failure" and record.get("lost")):
            lost.append(newest[record["trial"]])
    alone, orphaned = [], []
    for index in dict.fromkeys(lost):
        seconds, driven = _next_leg(records[index:])
        (alone if driven else orphaned).append(seconds)
    return alone, orphaned


def _next_leg(records):
    failed, driven = records[0], True
    for record in records:
        driven = driven and record["do"] != "start"
        if record["do"] == "begin" and record["trial"] == failed["trial"]:
            return round(record["time"] - failed["time"], 1), driven
    raise AssertionError(f"{failed['trial']} was lost and never begun again")
