# SPDX-License-Identifier: LGPL-2.1-or-later
"""nginx with its RTMP module as a relay: it takes a stream on loopback and pushes it on. Its push can neither answer a
challenge nor speak TLS, so it goes through a TLS tunnel, as stunnel is one, with the secret in the key."""
import contextlib
import shutil
import socket
import ssl
import subprocess
import threading

from waiting import wait_until

CONFIG = """
load_module modules/ngx_rtmp_module.so;
daemon off;
master_process off;
error_log stderr warn;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
rtmp {{
  server {{
    listen 127.0.0.1:{port};
    application relay {{ live on; wait_key on; push {target}; }}
  }}
}}
"""


class Tunnel:
    """Carries TCP connections into TLS to HOST:PORT."""

    def __init__(self, target):
        self.target = target
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.listening.close()

    def _accept(self):
        host, port = self.target.rsplit(":", 1)
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self.listening.accept()
                secure = self.context.wrap_socket(socket.create_connection((host, int(port))))
                for pair in ((plain, secure), (secure, plain)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    @staticmethod
    def _carry(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


class Relay:
    """nginx that pushes what is published to `url` on to `target`, "rtmp://HOST:PORT/APP/KEY"."""

    def __init__(self, folder, target, env):
        # nginx wants to be told its port: one that was free a moment ago.
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.url = f"rtmp://127.0.0.1:{port}/relay/stream"
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=folder, port=port, target=target), encoding="utf-8")
        program = shutil.which("nginx", path=f"{env['PATH']}:/usr/sbin")
        assert program, "there is no nginx (package nginx, and libnginx-mod-rtmp)"
        self.log = open(folder / "nginx.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen([program, "-p", "/usr/share/nginx", "-c", str(config), "-e", "stderr"], env=env,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            wait_until("nginx listens", lambda: self._listens(port), 20)
        except BaseException:
            self.stop()
            raise

    def _listens(self, port):
        assert self.process.poll() is None, f"nginx ended with {self.process.returncode}: {self.told()}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
        return False

    def told(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        self.process.kill()
        self.process.wait()
