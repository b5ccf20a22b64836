"""Servers for the tests of alerts/: alerts_server.py FOLDER [CERT KEY]

Prints "SMTP HTTP BLACK" ports on 127.0.0.1: a mail server, a webhook, and one that accepts
and never says a word. With CERT and KEY the mail server takes nothing before STARTTLS and a
login (user "monitord", password "secret"). Ends when standard input does, or after 120 s.

Mails and posts are appended to FOLDER/mails and FOLDER/posts, one JSON object a line.
The local part of a recipient says what it is answered: c550, c451 at RCPT, d451 and d550 after
the message, drop: no answer to the message; later-N: 451 to the first N tries. A path /NNN of
the webhook is answered with that status, /hang never.
"""
import base64
import http.server
import json
import os
import socketserver
import ssl
import sys
import threading
import time

folder = sys.argv[1]
tls = None
if len(sys.argv) > 3:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2], sys.argv[3])
lock = threading.Lock()
tries = {}


def note(name, what):
    with lock, open(os.path.join(folder, name), "a") as f:
        f.write(json.dumps(what) + "\n")


class Smtp(socketserver.BaseRequestHandler):
    def say(self, text):
        self.request.sendall(text.encode() + b"\r\n")

    def line(self):
        return self.file.readline().decode(errors="replace").rstrip("\r\n")

    def handle(self):
        self.file = self.request.makefile("rb")
        self.secure = self.login = False
        self.rcpt = []
        self.say("220 test ESMTP")
        while True:
            line = self.line()
            verb = line.split(" ")[0].upper().split(":")[0]
            if not verb or verb == "QUIT":
                if verb:
                    self.say("221 bye")
                return
            if not self.verb(verb, line):
                return

    def verb(self, verb, line):
        if verb == "EHLO":
            offers = ["test"]
            if tls and not self.secure:
                offers.append("STARTTLS")
            if tls and self.secure:
                offers.append("AUTH PLAIN")
            for i, offer in enumerate(offers):
                self.say("250" + ("-" if i + 1 < len(offers) else " ") + offer)
        elif verb == "STARTTLS" and tls:
            self.say("220 go ahead")
            try:
                self.request = tls.wrap_socket(self.request, server_side=True)
            except OSError:
                return False
            self.file = self.request.makefile("rb")
            self.secure = True
        elif verb == "AUTH":
            words = line.split(" ")
            if len(words) < 3:
                self.say("334 ")
                words.append(self.line())
            self.login = base64.b64decode(words[2]) == b"\0monitord\0secret"
            self.say("235 welcome" if self.login else "535 5.7.8 no")
        elif tls and not self.login:
            self.say("530 5.7.0 log in first")
        elif verb == "MAIL":
            self.sender, self.rcpt = line, []
            self.say("250 ok")
        elif verb == "RCPT":
            self.say(self.recipient(line[line.index("<") + 1:line.index(">")]))
        elif verb == "DATA":
            return self.data()
        else:
            self.say("250 ok")
        return True

    def recipient(self, address):
        name = address.split("@")[0]
        if name in ("c550", "c451"):
            return name[1:] + " not now"
        if name.startswith("later-"):
            with lock:
                tries[name] = tries.get(name, 0) + 1
                if tries[name] <= int(name[6:]):
                    return "451 later"
        self.rcpt.append(address)
        return "250 ok"

    def data(self):
        if not self.rcpt:
            self.say("503 nobody")
            return True
        self.say("354 go on")
        lines = []
        while True:
            raw = self.file.readline()
            if not raw:
                return False
            if raw == b".\r\n":
                break
            lines.append(raw[1:] if raw.startswith(b".") else raw)
        names = [r.split("@")[0] for r in self.rcpt]
        if "drop" in names:
            return False
        for code in ("d451", "d550"):
            if code in names:
                self.say(code[1:] + " not this")
                return True
        note("mails", {"to": self.rcpt, "sender": self.sender, "tls": self.secure,
                       "login": self.login, "text": b"".join(lines).decode(errors="replace")})
        self.say("250 taken")
        return True


class Web(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path == "/hang":
            time.sleep(100)
        note("posts", {"path": self.path, "body": body, "type": self.headers.get("Content-Type")})
        status = int(self.path[1:]) if self.path[1:].isdigit() else 200
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"as asked\r\n")

    def log_message(self, *args):
        pass


class Black(socketserver.BaseRequestHandler):
    def handle(self):
        time.sleep(100)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def handle_error(self, request, client_address):
        pass


ports = []
for handler in (Smtp, Web, Black):
    server = Server(("127.0.0.1", 0), handler)
    ports.append(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(*ports, flush=True)
threading.Timer(120, lambda: os._exit(1)).start()
sys.stdin.read()
os._exit(0)
