# SPDX-License-Identifier: GPL-2.0-only
"""instance.py - a daemon of the bench's own: store, socket, bpffs and network namespace that nobody else uses"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

from check_peers import socket_in

METRICS_PORT = 9812


class Connection(http.client.HTTPConnection):
    """HTTP over the control socket, kept alive from one request to the next."""

    def __init__(self, path):
        super().__init__("allowgate", timeout=600)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method, path, body=None, headers=None):
        """The answer's document; anything but success is an error."""
        data = json.dumps(body) if body is not None and not isinstance(body, (str, bytes)) else body
        self.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        response = self.getresponse()
        text = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {text[:200]!r}")
        return json.loads(text) if text else None


class Instance:
    def __init__(self, binaries, accounts):
        self.binaries = binaries
        self.name = f"ag-bench-control-{os.getpid()}"
        self.directory = tempfile.mkdtemp(prefix=f"{self.name}-")
        self.bpffs, self.store, self.socket = (
            os.path.join(self.directory, name) for name in ("bpf", "policy.db", "control.sock"))
        self.pins = os.path.join(self.bpffs, "allowgate")
        self.limits = ["--max-accounts", str(accounts), "--max-services", str(accounts), "--max-entries", "1000000",
                       "--max-body", "512M", "--request-timeout", "600", "--verify-interval", "86400"]
        self.daemon = None

    def __enter__(self):
        os.mkdir(self.bpffs)
        subprocess.run(["mount", "-t", "bpf", "bpf", self.bpffs], check=True)
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True)
        return self

    def __exit__(self, *_):
        self.stop()
        self.uninstall()
        subprocess.run(["ip", "netns", "delete", self.name], check=False)
        subprocess.run(["umount", self.bpffs], check=False)
        shutil.rmtree(self.directory)

    def start(self):
        """Seconds from exec to ready, which the daemon says (sd_notify) once the store is in force."""
        address = os.path.join(self.directory, "notify")
        if os.path.exists(address):
            os.unlink(address)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(address)
            notify.settimeout(600)
            log = open(os.path.join(self.directory, "daemon.log"), "ab")
            started = time.monotonic()
            self.daemon = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.name}", "--", os.path.join(self.binaries, "allowgated"),
                 "--config", "/dev/null", "--store", self.store, "--socket", self.socket, "--pin-dir", self.pins,
                 "--socket-group", "root", "--metrics", f"127.0.0.1:{METRICS_PORT}", *self.limits],
                stdout=log, stderr=log, env={**os.environ, "NOTIFY_SOCKET": address})
            log.close()
            while b"READY=1" not in notify.recv(4096):
                pass
            took = time.monotonic() - started
        state = self.connection().ask("GET", "/v1/status")
        if state["state"] != "ok" or state["drift"] != 0:
            raise RuntimeError(f"the daemon is {state['state']}: {state['reason']}, drift {state['drift']}")
        return took

    def stop(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(120)
            self.daemon = None

    def uninstall(self):
        subprocess.run([os.path.join(self.binaries, "allowgated"), "--uninstall", "--pin-dir", self.pins],
                       check=True, capture_output=True)

    def discard_store(self):
        for suffix in ("", "-wal", "-shm", ".lock"):
            if os.path.exists(self.store + suffix):
                os.unlink(self.store + suffix)

    def connection(self):
        return Connection(self.socket)

    def become_admin(self, accounts):
        """Root speaks for ada, who is admin of these accounts."""
        link = self.connection()
        link.ask("POST", "/v1/users", {"name": "ops", "uid": 0, "operator": True, "delegate": True})
        link.ask("POST", "/v1/users", {"name": "ada"})
        for account in accounts:
            link.ask("PUT", f"/v1/accounts/{account}/roles/ada", {"role": "admin"})

    def memory(self):
        """Of the daemon, in bytes: resident now, of that its own (not files'), and the most it was."""
        wanted = {"VmRSS": "rss", "RssAnon": "rss_anon", "VmHWM": "rss_peak"}
        with open(f"/proc/{self.daemon.pid}/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return {name: int(lines[key].split()[0]) * 1024 for key, name in wanted.items()}

    def forget_peak(self):
        with open(f"/proc/{self.daemon.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def metrics(self):
        return self.scrape()[3]

    def scrape(self):
        """(seconds, bytes, series, text)"""
        started = time.monotonic()
        with socket_in(self.name, socket.AF_INET, socket.SOCK_STREAM) as link:
            link.settimeout(120)
            link.connect(("127.0.0.1", METRICS_PORT))
            link.sendall(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            parts = []
            while part := link.recv(1 << 20):
                parts.append(part)
        took = time.monotonic() - started
        text = b"".join(parts)
        return took, len(text), sum(not line.startswith(b"#") for line in text.splitlines()), text.decode()
