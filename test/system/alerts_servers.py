"""Mail server and strict receivers of pages for test/system/alerts.py, in threads.

The mail server behaves as `Mail.mode` says:
  ok                        take it
  hang-X, 4xx-X, 5xx-X      at X: greeting ehlo mail rcpt data dot: say nothing, 451, 550
  drop-dot                  the message is read, then the connection is closed without a word
  refuse-one                550 to recipients whose name begins with "bad"
What it took is in `Mail.taken`: (time, recipients, bytes). A message that was read but not
answered is in `Mail.read_only`.

Receivers check what the real services check, and answer 400 with the reason if it is not so.
"""
import datetime
import http.server
import json
import re
import socketserver
import threading
import time


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 256  # a hundred checks come at once
    allow_reuse_address = daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class Mail(socketserver.StreamRequestHandler):
    mode = "ok"
    taken = []
    read_only = []
    connections = 0

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def step(self, name, good):
        """False: the dialogue is over."""
        mode = Mail.mode
        if mode == "hang-" + name:
            time.sleep(100)
            return False
        if mode in ("4xx-" + name, "5xx-" + name):
            self.say("451 not now" if mode[0] == "4" else "550 never")
            return None
        if good:
            self.say(good)
        return True

    def handle(self):
        Mail.connections += 1
        if not self.step("greeting", "220 test ESMTP"):
            return
        rcpt, sender = [], None
        while True:
            line = self.rfile.readline()
            if not line:
                return
            verb = line.decode(errors="replace").strip()
            word = verb[:4].upper()
            if word == "EHLO":
                if self.step("ehlo", "250 test") is False:
                    return
            elif word == "MAIL":
                sender, rcpt = verb, []
                if self.step("mail", "250 ok") is False:
                    return
            elif word == "RCPT":
                address = verb[verb.index("<") + 1:verb.index(">")]
                if Mail.mode == "refuse-one" and address.startswith("bad"):
                    self.say("550 5.1.1 nobody of that name")
                    continue
                took = self.step("rcpt", "250 ok")
                if took is False:
                    return
                if took:
                    rcpt.append(address)
            elif word == "DATA":
                took = self.step("data", None)
                if took is False:
                    return
                if took is None:
                    continue
                if not rcpt:
                    self.say("503 nobody")
                    continue
                self.say("354 go on")
                if not self.message(rcpt):
                    return
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def message(self, rcpt):
        lines = []
        while True:
            raw = self.rfile.readline()
            if not raw:
                return False
            if raw == b".\r\n":
                break
            lines.append(raw[1:] if raw.startswith(b".") else raw)
        what = (time.time(), rcpt, b"".join(lines))
        if Mail.mode == "drop-dot":
            Mail.read_only.append(what)
            return False
        took = self.step("dot", None)
        if took:
            Mail.taken.append(what)
            self.say("250 taken")
        else:
            Mail.read_only.append(what)
        return took is not False


def rfc3339(text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text):
        raise ValueError("no RFC 3339 time: " + text)
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def pagerduty(body, headers):
    """https://developer.pagerduty.com/docs: Events API v2"""
    event = json.loads(body)
    need = {"routing_key", "event_action", "dedup_key"}
    if set(event) - {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url",
                     "links", "images"} or need - set(event):
        raise ValueError("keys " + ",".join(event))
    if event["event_action"] not in ("trigger", "acknowledge", "resolve"):
        raise ValueError("event_action")
    if len(event["dedup_key"]) > 255 or event["routing_key"] != "k" * 32:
        raise ValueError("dedup_key or routing_key")
    if event["event_action"] == "trigger":
        p = event["payload"]
        if not 0 < len(p["summary"]) <= 1024 or not p["source"]:
            raise ValueError("payload")
        if p["severity"] not in ("critical", "warning", "error", "info"):
            raise ValueError("severity")
        rfc3339(p["timestamp"])
    return event["event_action"]


def alertmanager(body, headers):
    alerts = json.loads(body)
    words = []
    for a in alerts:
        for key in list(a["labels"]):
            if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", key) or a["labels"][key] == "":
                raise ValueError("label " + key)
        start, end = rfc3339(a["startsAt"]), rfc3339(a["endsAt"])
        if end < start:
            raise ValueError("endsAt before startsAt")
        now = datetime.datetime.now(datetime.timezone.utc)
        words.append(("firing " if end > now else "resolved ") + json.dumps(a["labels"], sort_keys=True))
    return ";".join(words)


def slack(body, headers):
    j = json.loads(body)
    if not isinstance(j.get("text"), str) or not j["text"]:
        raise ValueError("no_text")
    return j["text"]


def ntfy(body, headers):
    if headers.get("Authorization") != "Bearer " + "k" * 32:
        raise ValueError("unauthorized")
    if not headers.get("Title") or headers.get("Priority") not in ("1", "2", "3", "4", "5"):
        raise ValueError("headers")
    return headers["Title"] + ": " + body


def custom(body, headers):
    return json.loads(body)["what"]


class Web(http.server.BaseHTTPRequestHandler):
    got = []     # (time, path, word)
    wrong = []   # reasons
    limit = {}   # path: how often 429 is still answered
    beats = []
    receivers = {"/pd": pagerduty, "/api/v2/alerts": alertmanager, "/slack/" + "k" * 32: slack,
                 "/ntfy": ntfy, "/custom": custom}

    def do_GET(self):
        if self.path == "/beat":
            Web.beats.append(time.time())
        self.answer(200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if Web.limit.get(self.path, 0) > 0:
            Web.limit[self.path] -= 1
            Web.got.append((time.time(), self.path, "429"))
            self.send_response(429)
            self.send_header("Retry-After", "3")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        try:
            word = Web.receivers[self.path](body, self.headers)
        except (ValueError, KeyError, TypeError) as why:
            Web.wrong.append(self.path + ": " + repr(why) + " in " + body)
            self.answer(400)
            return
        Web.got.append((time.time(), self.path, word))
        self.answer(202 if self.path == "/pd" else 200)

    def answer(self, code):
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def start(handler):
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]
