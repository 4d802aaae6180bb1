#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""headgate ticket …, from outside: ticket_test.py PATH-OF-HEADGATE. Reads pictures with zbarimg (zbar-tools)."""

import base64
import json
import os
import pty
import re
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../support"))
import tap  # noqa: E402

HEADGATE = os.path.abspath(sys.argv.pop(1))
# C.UTF-8 and not the machine's: what is compared must not depend on where the tests run.
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}


def run(*args, env=None):
    return subprocess.run([HEADGATE, *args], capture_output=True, env=env or ENVIRONMENT, timeout=60)


def run_on_terminal(*args):
    """Standard output is a terminal. Returns exit code, output, errors."""
    master, slave = pty.openpty()
    process = subprocess.Popen([HEADGATE, *args], stdout=slave, stderr=subprocess.PIPE, env=ENVIRONMENT)
    os.close(slave)
    chunks = []
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # EIO: the other side is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(master)
    errors = process.stderr.read()
    process.stderr.close()
    return process.wait(timeout=60), b"".join(chunks), errors


def read_code(picture):
    result = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture],
                            capture_output=True, text=True, timeout=60)
    return result.stdout.strip()


def base32(data):
    return base64.b32encode(data).decode().rstrip("=")


def base64url_bytes(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class TicketTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.keys = os.path.join(cls.folder.name, "keys")
        made = run("ticket", "keygen", "--event", "77", "--out", cls.keys)
        assert made.returncode == 0, made.stderr
        cls.written = made.stdout.decode().split()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def issue(self, *args):
        result = run("ticket", "issue", "--keys", self.keys, "--station", "421", "--format", "json", *args)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, b"")
        return json.loads(result.stdout)

    def show(self, text, *args):
        result = run("ticket", "show", text, *args)
        return result.returncode, result.stdout.decode(), result.stderr.decode()


class Keygen(TicketTest):
    def test_files(self):
        node = ["node/" + name for name in ("event.json", "issuer-1.pub", "master-main-1.key")]
        names = ["event.json", "fleet-1.key", "issuer-1.key", "issuer-1.pub", "master-main-1.key"] + node
        self.assertEqual(sorted(os.path.relpath(os.path.join(folder, name), self.keys)
                                for folder, _, files in os.walk(self.keys) for name in files), names)
        self.assertEqual(sorted(self.written), [os.path.join(self.keys, name) for name in names])
        for name in names:
            mode = stat.S_IMODE(os.stat(os.path.join(self.keys, name)).st_mode)
            self.assertEqual(mode & 0o077 == 0, name.endswith(".key"), name)
        with open(os.path.join(self.keys, "event.json"), encoding="ascii") as file:
            self.assertEqual(json.load(file), {"format": "headgate-event-1", "event": 77, "kid": 1, "fleet": 1,
                                               "region": "main"})

    def test_does_not_overwrite(self):
        def contents():
            found = {}
            for folder, _, files in os.walk(self.keys):
                for name in files:
                    with open(os.path.join(folder, name), "rb") as file:
                        found[folder, name] = file.read()
            return found
        before = contents()
        for args in (["--event", "77"], ["--event", "78"], ["--event", "78", "--kid", "2"],
                     ["--event", "77", "--kid", "2", "--region", "south"]):
            result = run("ticket", "keygen", "--out", self.keys, *args)
            self.assertEqual(result.returncode, 2, args)
            self.assertIn(self.keys.encode(), result.stderr)
        self.assertEqual(contents(), before)

    def test_spare_key_and_region(self):
        keys = self.path("spare")
        self.assertEqual(run("ticket", "keygen", "--event", "5", "--region", "north", "--out", keys).returncode, 0)
        self.assertEqual(run("ticket", "keygen", "--event", "5", "--region", "north", "--kid", "9", "--out",
                             keys).returncode, 0)
        tickets = {}
        for kid in (1, 9):
            result = run("ticket", "issue", "--keys", keys, "--station", "1", "--kid", str(kid), "--format", "json")
            tickets[kid] = json.loads(result.stdout)
            self.assertEqual(tickets[kid]["kid"], kid)
            self.assertEqual(self.show(tickets[kid]["qr_text"], "--keys", keys)[0], 0)

    def test_usage(self):
        for args in ([], ["--event", "77"], ["--out", "x"], ["--event", "-1", "--out", "x"],
                     ["--event", "4294967296", "--out", "x"], ["--event", "1", "--kid", "256", "--out", "x"],
                     ["--event", "1", "--region", "No/Such", "--out", self.path("never")],
                     ["--event", "1", "--out", "x", "more"], ["--colour"]):
            result = run("ticket", "keygen", *args)
            self.assertEqual(result.returncode, 2, args)
            self.assertTrue(result.stderr.startswith(b"headgate ticket keygen: "), result.stderr)
        self.assertFalse(os.path.exists(self.path("never")))


class Issue(TicketTest):
    def test_json(self):
        before = int(time.time())
        ticket = self.issue("--name", "School № 5", "--max-kbps", "2000")
        after = int(time.time())
        wire = base64url_bytes(ticket["ticket"])
        self.assertEqual(len(wire), 120)
        self.assertEqual(wire[2:18].hex(), ticket["tid"])
        self.assertEqual(int.from_bytes(wire[22:26], "big"), 421)
        self.assertEqual(int.from_bytes(wire[34:36], "big"), 0x0012)
        self.assertEqual(int.from_bytes(wire[36:38], "big"), 2000)
        self.assertEqual((ticket["event"], ticket["station"], ticket["name"]), (77, 421, "School № 5"))
        self.assertTrue(before <= ticket["not_before"] <= after)
        self.assertEqual(ticket["expires"], ticket["not_before"] + 24 * 3600)
        self.assertFalse(ticket["sealed"])
        self.assertTrue(ticket["qr_text"].startswith("HTTPS://127.0.0.1/#LT1."))

        general, librtmp = ticket["publish"]
        url = urlsplit(general["url"])
        self.assertEqual(general["protocol"], "rtmp")
        self.assertNotIn("client", general)
        self.assertEqual((url.scheme, url.hostname, url.port, url.query), ("rtmp", "127.0.0.1", 1935, ""))
        self.assertEqual(url.path, "/lt/" + ticket["ticket"])
        self.assertEqual(url.username, base32(wire[2:18]))
        self.assertEqual(len(url.password), 26)
        self.assertEqual((general["server"], general["key"], general["user"], general["password"]),
                         ("rtmp://127.0.0.1:1935/lt", ticket["ticket"], url.username, url.password))
        self.assertEqual(librtmp["client"], "librtmp")
        self.assertEqual(librtmp["url"], f"rtmp://127.0.0.1:1935/lt/{ticket['ticket']} pubUser={url.username} "
                                         f"pubPasswd={url.password} live=1")

        # The QR code's secret is the password.
        blob = base64.b32decode(ticket["qr_text"].split("LT1.")[1] + "=" * (-len(ticket["qr_text"].split("LT1.")[1]) % 8))
        self.assertEqual(base32(blob[20 + 102:20 + 102 + 16]), url.password)

    def test_every_ticket_is_another(self):
        self.assertNotEqual(self.issue()["tid"], self.issue()["tid"])

    def test_endpoints_in_order(self):
        ticket = self.issue("--endpoint", "rtmp://a.example.org", "--endpoint", "srt://b.example.org:9000",
                            "--endpoint", "rtmp://[2001:db8::1]:1936/live/", "--seal")
        self.assertTrue(ticket["sealed"])
        urls = [entry["url"] for entry in ticket["publish"] if "client" not in entry]
        self.assertEqual(len(urls), 3)
        self.assertIn("@a.example.org:1935/lt/", urls[0])
        self.assertTrue(urls[1].startswith("srt://b.example.org:9000?"))
        self.assertIn("@[2001:db8::1]:1936/live/", urls[2])
        self.assertTrue(ticket["qr_text"].startswith("HTTPS://A.EXAMPLE.ORG/#LT1."))
        code, words, _ = self.show(ticket["qr_text"], "--keys", self.keys)
        self.assertEqual(code, 0)
        self.assertEqual(re.findall(r"Endpoint +(\S+)", words),
                         ["rtmp://a.example.org:1935", "srt://b.example.org:9000", "rtmp://[2001:db8::1]:1936"])

    def test_rtmps_urls(self):
        ticket = self.issue("--endpoint", "rtmps://in.example.org", "--endpoint", "rtmps://[::1]:8443/live")
        entry, challenge, other, _ = ticket["publish"]
        wire = base64.urlsafe_b64decode(ticket["ticket"])
        self.assertEqual(int.from_bytes(wire[34:36], "big") & 3, 3, "the secret may be sent over TLS")
        key, secret = entry["key"].split(".")
        self.assertEqual(key, ticket["ticket"])
        self.assertEqual(base32(base64.urlsafe_b64decode(secret + "==")), challenge["password"])
        self.assertEqual((entry["protocol"], entry["server"], entry["url"]),
                         ("rtmps", "rtmps://in.example.org:443/lt", f"rtmps://in.example.org:443/lt/{entry['key']}"))
        self.assertNotIn("client", entry)
        self.assertNotIn("password", entry)
        self.assertEqual((challenge["client"], challenge["key"], challenge["server"]),
                         ("challenge", key, "rtmps://in.example.org:443/auth"))
        self.assertEqual(challenge["url"], f"rtmps://{challenge['user']}:{challenge['password']}@in.example.org:443/auth/{key}")
        self.assertEqual(other["server"], "rtmps://[::1]:8443/live")
        code, words, _ = self.show(ticket["qr_text"], "--keys", self.keys)
        self.assertEqual(code, 0)
        self.assertIn("rtmps://in.example.org:443", words)
        self.assertIn("secret as stream key over TLS", words)
        plain = base64.urlsafe_b64decode(self.issue()["ticket"])
        self.assertEqual(int.from_bytes(plain[34:36], "big") & 3, 2)
        text = run("ticket", "issue", "--keys", self.keys, "--station", "1", "--endpoint",
                   "rtmps://in.example.org").stdout.decode()
        self.assertRegex(text, r"Stream key  [\w-]{160}\.[\w-]{22}\n\n")
        self.assertIn("TLS with user and password", text)

    def test_srt_url(self):
        ticket = self.issue("--endpoint", "srt://127.0.0.1:9000")
        entry, gstreamer = ticket["publish"]
        stream_id = f"#!::m=publish,r=421,u={ticket['ticket']}"
        self.assertEqual((entry["protocol"], entry["streamid"]), ("srt", stream_id))
        self.assertNotIn("client", entry)
        # FFmpeg and OBS do not decode what stands in the URL.
        self.assertEqual(entry["url"], f"srt://127.0.0.1:9000?streamid={stream_id}&passphrase={entry['passphrase']}"
                                       "&pbkeylen=16")
        self.assertEqual(gstreamer["client"], "gstreamer")
        url = urlsplit(gstreamer["url"])
        self.assertEqual((url.scheme, url.netloc, url.fragment), ("srt", "127.0.0.1:9000", ""))
        self.assertEqual(parse_qs(url.query, strict_parsing=True),
                         {"streamid": [stream_id], "passphrase": [entry["passphrase"]], "pbkeylen": ["16"]})
        self.assertRegex(entry["passphrase"], r"^[A-Za-z0-9_-]{32}$")

    def test_times(self):
        start = 1789365600  # 2026-09-14T06:00:00Z
        for text in ("2026-09-14T06:00:00Z", "2026-09-14T08:00:00+02:00", "1789365600"):
            ticket = self.issue("--from", text)
            self.assertEqual((ticket["not_before"], ticket["expires"]), (start, start + 86400), text)
        ticket = self.issue("--from", "2026-09-14T06:00:00Z", "--until", "2026-09-14T06:00:01Z")
        self.assertEqual(ticket["expires"], start + 1)
        now = time.time()
        ticket = self.issue("--from", "-15m", "--until", "+6h")
        self.assertAlmostEqual(ticket["not_before"], now - 900, delta=30)
        self.assertEqual(ticket["expires"] - ticket["not_before"], 6 * 3600 + 900)
        ticket = self.issue("--from", "now", "--until", "+2d")
        self.assertAlmostEqual(ticket["expires"], now + 2 * 86400, delta=30)

    def test_numbers_are_decimal(self):
        result = run("ticket", "issue", "--keys", self.keys, "--station", "0421", "--format", "json")
        self.assertEqual(json.loads(result.stdout)["station"], 421)

    def test_name_in_any_locale(self):
        result = run("ticket", "issue", "--keys", self.keys, "--station", "1", "--name", "Школа", "--format", "json",
                     env={**os.environ, "LC_ALL": "C"})
        self.assertEqual(json.loads(result.stdout)["name"], "Школа")

    def test_text(self):
        result = run("ticket", "issue", "--keys", self.keys, "--station", "421", "--name", "School", "--until", "+1h",
                     "--host", "t.vote.example", "--endpoint", "rtmp://127.0.0.1:1935/lt", "--endpoint",
                     "srt://127.0.0.1:9000")
        self.assertEqual(result.returncode, 0, result.stderr)
        text = result.stdout.decode()
        self.assertNotIn("\x1b", text)
        for part in ("Station 421  School", "Event 77", "HTTPS://T.VOTE.EXAMPLE/#LT1.", "rtmp://127.0.0.1:1935/lt\n",
                     "Stream key", "-f flv \"rtmp://", "rtmp2sink location=\"rtmp://", "rtmpsink location=\"rtmp://",
                     "srt://127.0.0.1:9000?streamid=%23%21%3A%3Am%3Dpublish"):
            self.assertIn(part, text)
        self.assertGreater(text.count("\u2580") + text.count("\u2584"), 500)

    def test_text_on_a_terminal(self):
        code, output, errors = run_on_terminal("ticket", "issue", "--keys", self.keys, "--station", "421")
        self.assertEqual((code, errors), (0, b""))
        self.assertIn(b"\x1b[30;107m", output)
        code, output, errors = run_on_terminal("ticket", "issue", "--keys", self.keys, "--station", "421", "--format",
                                               "png")
        self.assertEqual((code, output), (2, b""))
        self.assertIn(b"--output", errors)

    def test_png_is_read_back(self):
        picture = self.path("code.png")
        for extra in ([], ["--seal"]):
            result = run("ticket", "issue", "--keys", self.keys, "--station", "421", "--name", "Школа", "--format", "png",
                         "--output", picture, *extra)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"", b""))
            self.assertEqual(stat.S_IMODE(os.stat(picture).st_mode), 0o600)
            code, words, errors = self.show(read_code(picture), "--keys", self.keys)
            self.assertEqual(code, 0, errors)
            self.assertIn("station 421, Школа of event 77", words)
            self.assertRegex(words, r"Signature +good")

    def test_svg_is_read_back(self):
        result = run("ticket", "issue", "--keys", self.keys, "--station", "421", "--format", "svg", "--seal")
        svg = result.stdout.decode()
        side = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])
        scale = 4
        pixels = bytearray(b"\xff" * (side * scale) ** 2)
        for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", svg):
            for row in range(int(y) * scale, int(y) * scale + scale):
                start = row * side * scale + int(x) * scale
                pixels[start:start + int(length) * scale] = bytes(int(length) * scale)
        picture = self.path("svg.pgm")
        with open(picture, "wb") as file:
            file.write(b"P5 %d %d 255\n" % (side * scale, side * scale) + pixels)
        self.assertEqual(self.show(read_code(picture), "--keys", self.keys)[0], 0)

    def test_usage(self):
        for args, part in (
                (["--station", "421"], "--keys is missing"),
                (["--keys", self.keys], "--station is missing"),
                (["--keys", self.keys, "--station", "x"], "is not a number from 0 to 4294967295"),
                (["--keys", self.keys, "--station", "4294967296"], "is not a number from 0 to 4294967295"),
                (["--keys", self.keys, "--station", "1", "--max-kbps", "65536"], "is not a number from 0 to 65535"),
                (["--keys", self.keys, "--station", "1", "--kid", "2"], "issuer-2.key is missing"),
                (["--keys", self.keys, "--station", "1", "--format", "pdf"], "--format"),
                (["--keys", self.keys, "--station", "1", "--from", "yesterday"], "--from: 'yesterday' is not a time"),
                (["--keys", self.keys, "--station", "1", "--from", "2026-09-14T06:00:00"], "its zone"),
                (["--keys", self.keys, "--station", "1", "--until", "+6x"], "--until"),
                (["--keys", self.keys, "--station", "1", "--until", "-1h"], "before it starts"),
                (["--keys", self.keys, "--station", "1", "--from", "5", "--until", "5"], "before it starts"),
                (["--keys", self.keys, "--station", "1", "--until", "99999999999"], "2106"),
                (["--keys", self.keys, "--station", "1", "--name", "x" * 61], "61 bytes"),
                (["--keys", self.keys, "--station", "1", "--name", "a\nb"], "control characters"),
                (["--keys", self.keys, "--station", "1", "--host", "a b"], "--host"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "127.0.0.1"], "not a URL"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "http://a"], "only rtmp://, rtmps:// and srt://"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "srt://a"], "port"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "srt://a:9000/x"], "no path"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "rtmp://a:0"], "port"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "rtmp://a:65536"], "endpoint"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "rtmp:///lt"], "host"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "rtmp://u:p@a/lt"], "come from the ticket"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "rtmp://a/lt?x=1"], "come from the ticket"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "rtmp://a/b/c"], "one name"),
                (["--keys", self.keys, "--station", "1", "--endpoint", "rtmps://a/auth"], "user and password"),
                (["--keys", self.keys, "--station", "1", "--name", "x" * 60, "--endpoint", "rtmp://" + "h" * 24],
                 "231 bytes"),
                (["--keys", self.path("none"), "--station", "1"], "none/event.json is missing"),
                (["--keys", self.keys, "--station", "1", "--colour"], "--colour"),
                (["--keys", self.keys, "--station", "1", "more"], "unexpected argument 'more'")):
            result = run("ticket", "issue", *args)
            self.assertEqual(result.returncode, 2, args)
            self.assertIn(part, result.stderr.decode(), args)
            self.assertTrue(result.stderr.startswith(b"headgate ticket issue: "), result.stderr)
            self.assertEqual(result.stdout, b"", args)

    def test_output_that_cannot_be_written(self):
        result = run("ticket", "issue", "--keys", self.keys, "--station", "1", "--output", self.path("no/such/file"))
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"no/such/file", result.stderr)


class Show(TicketTest):
    def test_words(self):
        ticket = self.issue("--name", "School", "--from", "+1h", "--until", "+26h", "--max-kbps", "1500")
        for text in (ticket["qr_text"], ticket["qr_text"].lower(), " ".join(ticket["qr_text"]), ticket["ticket"],
                     f"  {ticket['ticket']}\n", ticket["qr_text"].split("#")[1]):
            for keys in ([], ["--keys", self.keys]):
                code, words, errors = self.show(text, *keys)
                self.assertEqual((code, errors), (0, ""), text)
                self.assertIn("station 421", words)
                self.assertIn("event 77", words)
                self.assertIn("(starts in ", words)
                self.assertIn("1500 kbit/s", words)
                self.assertIn(ticket["tid"], words)
                self.assertRegex(words, r"Signature +(good|not checked)")
                self.assertEqual("Signature    good" in words, bool(keys))

    def test_sealed(self):
        ticket = self.issue("--seal")
        code, words, errors = self.show(ticket["qr_text"])
        self.assertEqual((code, words), (2, ""))
        self.assertIn("fleet key 1", errors)
        code, words, _ = self.show(ticket["qr_text"], "--keys", self.keys)
        self.assertEqual(code, 0)
        self.assertIn("sealed with fleet key 1", words)

    def test_over(self):
        ticket = self.issue("--from", "-3d", "--until", "-1d")
        for keys in ([], ["--keys", self.keys]):
            for text in (ticket["ticket"], ticket["qr_text"]):
                code, words, errors = self.show(text, *keys)
                self.assertEqual(code, 1)
                self.assertIn("ago)", words)
                self.assertIn("EXPIRED", errors)

    def test_altered(self):
        ticket = self.issue()
        wire = bytearray(base64url_bytes(ticket["ticket"]))
        wire[25] ^= 1  # another station
        text = base64.urlsafe_b64encode(wire).decode().rstrip("=")
        code, _, errors = self.show(text, "--keys", self.keys)
        self.assertEqual(code, 1)
        self.assertIn("BAD-SIGNATURE", errors)
        for place in ticket["publish"]:
            code, words, errors = self.show(place["url"])
            self.assertEqual((code, words), (1, ""))
            self.assertIn("give its stream key alone", errors)
        code, words, errors = self.show(ticket["qr_text"][:-4] + "AAAA", "--keys", self.keys)
        self.assertEqual((code, words), (1, ""))
        self.assertIn("MALFORMED", errors)
        for text in ("", "x", "LT1.", "LT1.AAAA", ticket["ticket"][:-1], ticket["ticket"] + "=", "https://a.b/c"):
            code, words, errors = self.show(text)
            self.assertEqual((code, words), (1, ""), text)
            self.assertIn("MALFORMED", errors)

    def test_of_another_event_or_issuer(self):
        ticket = self.issue()
        for name, event, word in (("same-event", "77", "BAD-SIGNATURE"), ("other-event", "78", "FOREIGN-EVENT")):
            keys = self.path(name)
            self.assertEqual(run("ticket", "keygen", "--event", event, "--out", keys).returncode, 0)
            code, words, errors = self.show(ticket["qr_text"], "--keys", keys)
            self.assertEqual(code, 1)
            self.assertIn(word, errors)
            self.assertNotIn("good", words)

    def test_of_another_region(self):
        """The issuer is right, the master key is not: a node would refuse the password."""
        ticket = self.issue()
        keys, other = self.path("region"), self.path("region-other")
        for folder in (keys, other):
            self.assertEqual(run("ticket", "keygen", "--event", "77", "--out", folder).returncode, 0)
        with open(os.path.join(self.keys, "issuer-1.pub"), "rb") as source:
            with open(os.path.join(keys, "issuer-1.pub"), "wb") as target:
                target.write(source.read())
        code, _, errors = self.show(ticket["qr_text"], "--keys", keys)
        self.assertEqual(code, 1)
        self.assertIn("FOREIGN-REGION", errors)

    def test_usage(self):
        for args in ([], ["a", "b"], ["--colour", "a"], ["a", "--keys", self.path("none")]):
            result = run("ticket", "show", *args)
            self.assertEqual(result.returncode, 2, args)
            self.assertTrue(result.stderr.startswith(b"headgate ticket show: "), result.stderr)


class Help(unittest.TestCase):
    def test_help(self):
        for args in (["--help"], ["ticket", "--help"], ["ticket", "keygen", "--help"], ["ticket", "issue", "--help"],
                     ["ticket", "show", "--help"]):
            result = run(*args)
            self.assertEqual((result.returncode, result.stderr), (0, b""), args)
            self.assertIn(("headgate " + " ".join(args[:-1])).strip().encode(), result.stdout)
            for line in result.stdout.decode().splitlines():
                self.assertLessEqual(len(line), 120, line)

    def test_version(self):
        result = run("--version")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, rb"^headgate \d+\.\d+\.\d+\n$")

    def test_wrong_commands(self):
        for args in ([], ["nothing"], ["ticket"], ["ticket", "nothing"]):
            result = run(*args)
            self.assertEqual((result.returncode, result.stdout), (2, b""), args)
            self.assertIn(b"headgate", result.stderr)


if __name__ == "__main__":
    tap.run_unittest()
