# SPDX-License-Identifier: LGPL-2.1-or-later
"""What streams lose, as the node's API tells it: media that is archived, against the time that passes."""

import http.client
import json
import threading
import time

EVERY_S = 0.5
LEAST_S = 1.0  # less is how finely it is looked at


def losses_of(samples, until):
    """(from, until, seconds) of media that never came, of a stream's (time, seconds archived), each when they had grown. What is
    only late, as on a machine without processors, comes after all and is no loss; what had not come `until` the end is one."""
    if not samples:
        return []
    began, had = samples[0]
    if until > samples[-1][0]:
        samples = [*samples, (until, samples[-1][1])]
    # How far the archive is behind at each sample, and the least that it will ever be from there on.
    behind = [(at - began) - (seconds - had) for at, seconds in samples]
    for i in range(len(behind) - 2, -1, -1):
        behind[i] = min(behind[i], behind[i + 1])
    return [(samples[i][0], samples[i + 1][0], behind[i + 1] - behind[i]) for i in range(len(samples) - 1)
            if behind[i + 1] - behind[i] > LEAST_S]


class Watch:
    """Looks at all streams until stop(). An origin that does not answer is asked again: what was archived meanwhile is
    in its next answer."""

    def __init__(self, node):
        self.node = node
        self.ending = threading.Event()
        self.grown = {}  # by station: [(when its archive had grown, its seconds)]
        self.now_live = set()
        self.looked = 0.0  # when somebody answered last
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def live(self):
        return self.now_live

    def stop(self):
        """(station, from, until, seconds) of all that was lost."""
        self.ending.set()
        self.thread.join()
        return [(station, *loss) for station, samples in self.grown.items() for loss in losses_of(samples, self.looked)]

    def _ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.http_port, timeout=3)
        try:
            connection.request("GET", "/api/v1/streams")
            return json.loads(connection.getresponse().read())["streams"]
        except (OSError, http.client.HTTPException, ValueError):
            return []
        finally:
            connection.close()

    def _look(self):
        while not self.ending.wait(EVERY_S):
            streams, now = self._ask(), time.monotonic()
            if streams:
                self.looked = now
                self.now_live = {one["station"] for one in streams if one["state"] == "live"}
            for one in streams:
                seconds = one["duration_s"]
                if seconds is None:  # an origin that has just started adds it up
                    continue
                samples = self.grown.setdefault(one["station"], [])
                if not samples or seconds > samples[-1][1]:
                    samples.append((now, seconds))
