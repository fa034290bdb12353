"""A process that maps a dataset and touches every page: `map_dataset.py STORE SMALL LARGE`.

Says "ready" when everything but the large dataset is there, begins when it is told to, says "done"
with the sum of all pixels, and stays until its input ends.
"""

import sys

from acutance_storage import open_dataset, open_store


def touch(store, name):
    dataset = open_dataset(store, name)
    return dataset, sum(int(dataset.hr(index).sum()) for index in range(len(dataset)))


def main():
    store = open_store(sys.argv[1])
    touch(store, sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    _held, total = touch(store, sys.argv[3])
    print("done", total, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
