#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A daemon that only answers as told: for tests of the command line.

fake_daemon.py SOCKET DIRECTORY

Request N is left in DIRECTORY/request.N: a line with method and target, the headers (names in lower case, sorted), an
empty line, the body. Its answer is DIRECTORY/answer.N, or that of the nearest number below: a JSON object with "status",
"type" and "body" (text, or JSON to be encoded), and for faults "hang_up" (no answer at all), "cut" (promises more than it
sends) and "raw" (this instead of HTTP). "close" ends the connection, so that the next one is served. N starts again at 1
when the request files are removed. While DIRECTORY/stall is there, no body is read. Where DIRECTORY/paths is, a JSON
object, it has the answers by path, and no requests are left.
"""
import http.server
import json
import os
import socketserver
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def note(self):
        while os.path.exists(os.path.join(self.server.directory, "stall")):
            time.sleep(0.05)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        number = 1
        while os.path.exists(self.place("request", number)):
            number += 1
        lines = sorted(f"{name.lower()}: {value}" for name, value in self.headers.items())
        with open(self.place("request", number), "wb") as out:
            out.write("\n".join([f"{self.command} {self.path}", *lines, "", ""]).encode("utf-8"))
            out.write(body)
        return number

    def place(self, kind, number):
        return os.path.join(self.server.directory, f"{kind}.{number}")

    def answer(self, number):
        while number > 1 and not os.path.exists(self.place("answer", number)):
            number -= 1
        with open(self.place("answer", number), encoding="utf-8") as file:
            return json.load(file)

    def by_path(self):
        try:
            with open(os.path.join(self.server.directory, "paths"), encoding="utf-8") as file:
                return json.load(file).get(self.path.split("?")[0], {"status": 404})
        except FileNotFoundError:
            return None

    def serve(self):
        answer = self.by_path() or self.answer(self.note())
        if "raw" in answer:
            self.wfile.write(answer["raw"].encode())
            self.close_connection = True
            return
        if answer.get("hang_up"):
            self.close_connection = True
            return
        body = answer.get("body", "")
        data = (body if isinstance(body, str) else json.dumps(body)).encode("utf-8")
        self.send_response(answer.get("status", 200))
        self.send_header("Content-Type", answer.get("type", "application/json"))
        self.send_header("Content-Length", str(len(data) + (10 if answer.get("cut") else 0)))
        if answer.get("close"):
            self.send_header("Connection", "close")
        self.end_headers()
        if data:
            self.wfile.write(data)
        self.close_connection = self.close_connection or bool(answer.get("cut"))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve


class Server(socketserver.UnixStreamServer):
    def __init__(self, path, directory):
        self.directory = directory
        super().__init__(path, Handler)

    def get_request(self):
        request, _ = super().get_request()
        return request, ("unix", 0)


if __name__ == "__main__":
    with Server(sys.argv[1], sys.argv[2]) as server:
        server.serve_forever()
