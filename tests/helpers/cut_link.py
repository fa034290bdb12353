"""A cluster whose second node is in a network of its own, and the link between them that is cut.

Runs as `unshare --net python cut_link.py begin FOLDER PICTURES`, so that everything listens inside
that network alone; prints one JSON document of what was measured, and fails where something is not
as on a cluster that nobody disturbed.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

from chaos_round import Round
from chaos_times import moved
from cluster_chaos import STORE, Chaos, SlowPlace, add_pictures, cluster, nodes
from tiny_trainings import Place

HERE, OTHER = "10.199.0.1", "10.199.0.3"
LINK = "cut-link"
AWAY = 25.0
"""Seconds for which the link stays cut: the head gives a silent host up after about 6."""


class ParcelPlace(SlowPlace):
    """A cluster with its head and first node here, and its second node behind a link."""

    head_host = HERE
    nodes: ClassVar = {"node-1": "10.199.0.2", "node-2": OTHER}

    @property
    def neighbour(self):
        """Process that keeps the other network."""
        return int((self.folder / "neighbour").read_text())

    def entrance(self, name):
        return _inside(self.neighbour) if name == "node-2" else []

    def own(self, name):
        return {**super().own(name), **self._reached()}

    def user(self):
        return {**super().user(), **self._reached()}

    def _reached(self):
        """Return the store's address that is good on all hosts; driver and nodes have to agree."""
        return {"AWS_ENDPOINT_URL_S3": f"http://{HERE}:{self.port('swift')}"}


def _inside(pid):
    return ["nsenter", "--target", str(pid), "--net"]


def _ip(*words, inside=()):
    subprocess.run([*inside, "ip", *words], check=True, capture_output=True, text=True)


def lay_link(place):
    """Make the other network and the link to it; return the process that keeps it."""
    keeper = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    (place.folder / "neighbour").write_text(str(keeper.pid))
    mine = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{keeper.pid}/ns/net") == mine:
        time.sleep(0.01)
    there = _inside(keeper.pid)
    _ip("link", "set", "lo", "up")
    _ip("link", "add", LINK, "type", "veth", "peer", "name", LINK, "netns", str(keeper.pid))
    for host in (HERE, place.nodes["node-1"]):
        _ip("address", "add", f"{host}/24", "dev", LINK)
    _ip("address", "add", f"{OTHER}/24", "dev", LINK, inside=there)
    _ip("link", "set", LINK, "up")
    for device in ("lo", LINK):
        _ip("link", "set", device, "up", inside=there)
    return keeper


def pass_on(port):
    """Let the other node reach a server that listens on this network's 127.0.0.1 alone."""

    async def copy(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader, writer):
        try:
            there = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))
        except OSError:
            writer.close()  # a link that is cut, a server that is away

    async def run():
        server = await asyncio.start_server(serve, HERE, port)
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()


class Link(Round):
    """A sweep during which the link is cut and mended."""

    def begun_on(self, host):
        """Return the trials whose newest leg is on a host's living or dead nodes."""
        hosts = {node: where for node, (where, _) in nodes.known(self.chaos.place).items()}
        newest = {r["trial"]: r["node"] for r in self.look() if r["do"] == "begin"}
        ended = {record["trial"] for record in self.records if record["do"] == "end"}
        found = [name for name, node in newest.items() if hosts.get(node[:8]) == host]
        return [name for name in found if name not in ended]

    def cut(self):
        """Cut the link while a trial trains behind it, and mend it later; return what was seen."""
        self.until(lambda: self.begun_on(OTHER) and self.count("report") >= 2)
        trials, place = self.begun_on(OTHER), self.chaos.place
        there = _inside(place.neighbour)
        _ip("link", "set", LINK, "down", inside=there)
        cut = time.time()
        self.until(lambda: "node-2" not in nodes.living(place))
        noticed = time.time() - cut
        begun = [r["time"] for r in self.records if r["do"] == "begin" and r["trial"] in trials]
        time.sleep(max(0.0, AWAY - noticed))
        _ip("link", "set", LINK, "up", inside=there)
        mended = time.time()
        self.until(lambda: "node-2" in nodes.living(place) or self.over)
        back = time.time() - mended
        # It trains on until its next report, which nobody takes.
        self.deaths += 2 * len(trials)
        assert begun
        return {"noticed": round(noticed, 1), "node_back": round(back, 1), "trials": len(trials)}


def main(folder, pictures):
    place = ParcelPlace(folder / "cluster")
    keeper = lay_link(place)
    chaos = Chaos(folder / "cluster", place=place)
    os.environ |= {**place.storage(), "ACUTANCE_STORE": STORE}
    try:
        chaos.up()
        pass_on(place.port("swift"))  # not before: the server looks whether its port is free
        add_pictures(chaos, pictures)
        sweep = Link(chaos, folder, "cut", trials=12, seed=7)
        chaos.drive(sweep.file, "cut")
        seen = sweep.cut()
        sweep.end()
        cost = sweep.judge(Place(folder / "calm", pictures))
        print(json.dumps({**seen, **cost, "moved": moved(sweep.records)[0]}))
    finally:
        chaos.down(wipe=True)
        keeper.kill()


def begin(folder, pictures):
    """Go on as `run`: Ray reads the cluster's token once, from the environment that it began in."""
    place = ParcelPlace(folder / "cluster")
    assert place.settings
    command = [sys.executable, __file__, "run", str(folder), str(pictures)]
    os.execve(command[0], command, {**os.environ, **place.ray()})


if __name__ == "__main__":
    word, *paths = sys.argv[1:]
    if word == "up":
        here = ParcelPlace(Path(paths[0]))
        cluster.start(here, cluster.Background(here.folder))
    else:
        {"begin": begin, "run": main}[word](*map(Path, paths))
