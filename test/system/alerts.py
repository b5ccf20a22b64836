"""What people are told, by the real daemon, a mail server and strict receivers of pages:
alerts.py BUILD quick|pages|long|faults. Every wait has a deadline; what was begun is ended by process id."""
import email
import email.policy
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import alerts_servers as servers
from alerts_servers import Mail, Web

build, which = sys.argv[1], sys.argv[2]
failures = 0
smtp, web = servers.start(Mail), servers.start(Web)


def ok(text):
    print("ok  ", text, flush=True)


def bad(text):
    global failures
    failures += 1
    print("FAIL", text, flush=True)


def check(good, text, more=""):
    (ok if good else bad)(text + ("" if good else ": " + str(more)))


def until(seconds, fn):
    end = time.time() + seconds
    while True:
        got = fn()
        if got or time.time() > end:
            return got
        time.sleep(0.05)


class World:
    def __init__(self, rules):
        self.dir = tempfile.mkdtemp(prefix="malerts.", dir=os.environ.get("TMPDIR", "/tmp"))
        os.chmod(self.dir, 0o755)
        for folder in ("run", "state"):
            os.mkdir(self.dir + "/" + folder)
        self.sock = self.dir + "/run/status.sock"
        with open(self.dir + "/key", "w") as f:
            f.write("k" * 32 + "\n")
        self.write(rules)
        self.log = open(self.dir + "/log", "ab")
        self.daemon = None
        self.last = 0

    def write(self, rules):
        with open(self.dir + "/monitord.ini", "w") as f:
            f.write("[monitord]\nsocket = %s\nstate = %s/state\nhelpers = %s\nsmtp = 127.0.0.1:%d\n"
                    "from = m@example.org\nalert = ops\nevery = 100ms\ndown = 1\nup = 1\non-stop = stop\n"
                    % (self.sock, self.dir, build, smtp))
            f.write(rules.replace("DIR", self.dir).replace("WEB", "http://127.0.0.1:%d" % web))

    def start(self, env=None):
        self.daemon = subprocess.Popen([build + "/monitord/monitord", "-c", self.dir + "/monitord.ini"],
                                       stdout=self.log, stderr=self.log, env=env)

    def stop(self, how=signal.SIGTERM):
        if self.daemon is not None:
            self.daemon.send_signal(how)
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        self.daemon = None

    def end(self):
        self.stop()
        self.log.close()
        if failures:
            with open(self.dir + "/log", errors="replace") as f:
                print("".join(f.readlines()[-40:]))
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def ask(self, method, path, body=None):
        class Connection(http.client.HTTPConnection):
            def connect(me):
                me.sock = socket.socket(socket.AF_UNIX)
                me.sock.settimeout(20)
                me.sock.connect(self.sock)
        try:
            c = Connection("localhost")
            c.request(method, path, body=json.dumps(body) if body is not None else None)
            r = c.getresponse()
            text = r.read().decode()
            c.close()
            return r.status, text
        except OSError:
            return 0, ""

    def json(self, path):
        status, text = self.ask("GET", path)
        return json.loads(text) if status == 200 else None

    def events(self, kind=None):
        status, text = self.ask("GET", "/v1/events?since=%d" % self.last)
        lines = [json.loads(x) for x in text.splitlines()] if status == 200 else []
        return [x for x in lines if kind is None or x["kind"] == kind]

    def mark(self):
        all_of_them = self.events()
        self.last = all_of_them[-1]["id"] if all_of_them else self.last

    def await_event(self, kind, seconds, what=None):
        return until(seconds, lambda: [e for e in self.events(kind) if what is None or e["object"] == what])

    def await_up(self, seconds=20):
        return until(seconds, lambda: self.ask("GET", "/v1/status")[0] == 200)

    def ctl(self, *words):
        return subprocess.run([build + "/monitorctl", "-s", self.sock] + list(words),
                              capture_output=True, text=True, timeout=60)

    def touch(self, name):
        open(self.dir + "/" + name, "w").close()

    def remove(self, name):
        os.unlink(self.dir + "/" + name)


def parse(raw):
    """By the strict policy: a defect raises."""
    m = email.message_from_bytes(raw, policy=email.policy.strict)
    for part in m.walk():
        if part.defects:
            raise ValueError(part.defects)
        if not part.is_multipart():
            part.get_content()
    for name, value in m.items():
        str(value)
        if getattr(value, "defects", ()):
            raise ValueError((name, value.defects))
    for line in raw.split(b"\r\n"):
        if len(line) > 998:
            raise ValueError("a line of %d octets" % len(line))
    return m


def text_of(m):
    return m.get_body(("plain",)).get_content()


def ids(mails):
    return [parse(raw)["Message-ID"] for _, _, raw in mails]


# ---- quick ----

def a_chain_is_one_mail():
    print("# a chain of five, the bottom dies: one mail, which names it and the four")
    names = ["web", "cache", "app", "broker", "store"]
    rules = "[contact ops]\nmail = ops@example.org\n[chain five]\npath = " + " -> ".join(names) + "\n"
    for i, name in enumerate(names):
        rules += "[service %s]\nrun = /bin/sleep 1000\nready = exec\nbackoff = 20s..30s\n" % name
        # who stands above notices late, and one after the other: the root is not seen first
        rules += "[check %s-flag]\nof = %s\nfile = DIR/flag\nexpect = size >= 0B\n" % (name, name)
    w = World(rules.replace("\nexpect = size >= 0B", ""))
    w.touch("flag")
    w.start()
    check(w.await_up(), "it came up")
    until(20, lambda: all(s["state"] == "up" for s in (w.json("/v1/status") or {"services": [{"state": ""}]})["services"]))
    Mail.taken.clear()
    w.remove("flag")
    time.sleep(0.5)
    os.kill(w.json("/v1/services/store")["pid"], signal.SIGKILL)
    check(until(15, lambda: Mail.taken), "a mail came")
    time.sleep(3)
    check(len(Mail.taken) == 1, "one mail", ids(Mail.taken))
    m = parse(Mail.taken[0][2])
    text = text_of(m)
    check("store" in m["Subject"], "its subject names the bottom", m["Subject"])
    affected = text[text.index("Affected:"):text.index("Chain:")]
    check(all(re.search(r"\b%s\b" % n, affected) for n in names[:4]), "and it lists the four", text)
    check("web (" in text and "store (the cause)" in text, "the chain is there", text)
    check(m["Auto-Submitted"] == "auto-generated" and m["List-Id"] and m["X-Monitord-Incident"]
          and m["X-Monitord-Severity"] == "critical", "the headers are there", m.items())
    check(m.get_content_type() == "multipart/alternative", "text and HTML")
    html = m.get_body(("html",)).get_content()
    images = [p for p in m.walk() if p.get_content_type() == "image/png"]
    check(len(images) == 1 and images[0].get_content().startswith(b"\x89PNG")
          and "cid:" + images[0]["Content-ID"][1:-1] in html, "with a picture of the chain", m.items())
    check("http://" not in html and "https://" not in html, "which asks for nothing outside")
    w.end()


def pages_follow_an_incident():
    print("# pages: triggered, acknowledged, resolved, also over a restart; a limit is honoured")
    w = World("""heartbeat = WEB/beat every 1s
[contact ops]
mail = ops@example.org
subject = {state} on {host}: {root}
[contact pd]
page = pagerduty WEB/pd
key-file = DIR/key
[contact am]
page = alertmanager WEB
[contact sl]
page = slack WEB/slack/{key}
key-file = DIR/key
[contact nt]
page = ntfy WEB/ntfy
key-file = DIR/key
[contact cu]
page = json WEB/custom
body-file = DIR/body
[contact sm]
sms = 4912345@sms.example.org
[contact cmd]
run = /bin/sh -c "cat > $0" told
severity = warning
[contact all]
members = ops, pd, am, sl, nt, cu, sm, cmd
[check disk]
script = DIR/probe
alert = all
warn = value > 5
[chain one]
path = disk
""".replace("[check disk]\nscript = DIR/probe\nalert = all\nwarn = value > 5\n", "[check disk]\nfile = DIR/disk\nalert = all\n"))
    with open(w.dir + "/body", "w") as f:
        f.write('{"what": "{state} {text}", "more": "{evidence}"}\n')
    w.touch("disk")
    Web.got.clear()
    Web.limit["/pd"] = 1
    w.start()
    check(w.await_up(), "it came up")
    check(until(15, lambda: len(Web.beats) >= 2), "the heart beats")
    os.kill(w.daemon.pid, signal.SIGSTOP)
    time.sleep(1.5)
    before = len(Web.beats)
    time.sleep(3)
    check(len(Web.beats) == before, "a loop that stands still has no heartbeat")
    os.kill(w.daemon.pid, signal.SIGCONT)
    check(until(10, lambda: len(Web.beats) > before), "then it has")
    Mail.taken.clear()
    w.remove("disk")
    paths = ["/pd", "/api/v2/alerts", "/slack/" + "k" * 32, "/ntfy", "/custom"]

    def said(path):
        return [word for _, p, word in Web.got if p == path]
    check(until(20, lambda: all(said(p) and said(p)[-1] != "429" for p in paths)), "all are paged", Web.got)
    times = [t for t, p, _ in Web.got if p == "/pd"]
    check(said("/pd") == ["429", "trigger"] and times[1] - times[0] >= 2.9, "Retry-After is honoured", Web.got)
    check(said("/custom") and said("/custom")[0].startswith("problem disk is down"), "by a template", Web.got)
    sms = until(10, lambda: [m for m in Mail.taken if m[1] == ["4912345@sms.example.org"]])
    check(bool(sms) and parse(sms[0][2]).get_content_type() == "text/plain"
          and len(parse(sms[0][2]).get_content().strip()) <= 160, "a short text")
    mine = until(5, lambda: [m for m in Mail.taken if m[1] == ["ops@example.org"]])
    check(bool(mine) and re.match(r"problem on \S+: disk$", parse(mine[0][2])["Subject"]), "by its own subject")
    told = w.dir + "/state/alerts/told"
    check(until(10, lambda: os.path.exists(told) and os.path.getsize(told) > 0)
          and json.load(open(told))["state"] == "open", "a command is run")
    incident = w.json("/v1/incidents")[-1]["id"]
    r = w.ctl("ack", str(incident), "--why", "on it", "--who", "me")
    check(r.returncode == 0, "it is acknowledged", r.stderr)
    check(until(10, lambda: said("/pd")[-1] == "acknowledge"), "which the pager hears", Web.got)
    i = w.json("/v1/incidents/%d" % incident)
    check((i["state"], i["who"], i["why"]) == ("acked", "me", "on it"), "and the list shows", i)
    check(w.ctl("ack", "999999").returncode == 4, "no such incident: exit code 4")
    print("# ... and the end comes after a kill of everything")
    w.stop(signal.SIGKILL)
    w.touch("disk")
    w.start()
    check(until(40, lambda: said("/pd")[-1] == "resolve"), "resolved", Web.got)
    am = said("/api/v2/alerts")
    check(until(10, lambda: said("/api/v2/alerts")[-1].startswith("resolved"))
          and am[0].split(" ", 1)[1] == said("/api/v2/alerts")[-1].split(" ", 1)[1],
          "under the same labels", am)
    check(not Web.wrong, "no receiver found fault", Web.wrong)
    print("# a silence")
    w.mark()
    until(20, lambda: (w.json("/v1/status") or {"alerts": {"queued": 1}})["alerts"]["queued"] == 0)
    r = w.ctl("silence", "disk", "--for", "3s", "--reason", "a new disk")
    check(r.returncode == 0, "it is silenced", r.stderr)
    check(any(s["name"] == "disk" and s["reason"] == "a new disk" for s in w.json("/v1/status")["silences"]),
          "and shown")
    Mail.taken.clear()
    w.remove("disk")
    time.sleep(2.5)
    check(not [m for m in Mail.taken], "nothing is told", Mail.taken)
    check(w.await_event("silence-over", 10, "disk"), "until it is over")
    check(until(15, lambda: [m for m in Mail.taken if m[1] == ["ops@example.org"]]), "then it is")
    w.end()


def a_real_alertmanager():
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        print("# skipped: there is no prometheus-alertmanager")
        return
    print("# a real Alertmanager")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    w = World("[contact ops]\npage = alertmanager http://127.0.0.1:%d\n[check flag]\nfile = DIR/flag\n" % port)
    w.touch("flag")
    with open(w.dir + "/am.yml", "w") as f:
        f.write("route:\n  receiver: nobody\nreceivers:\n- name: nobody\n")
    am = subprocess.Popen([program, "--config.file=" + w.dir + "/am.yml", "--storage.path=" + w.dir + "/am",
                           "--web.listen-address=127.0.0.1:%d" % port, "--cluster.listen-address="],
                          stdout=w.log, stderr=w.log)

    def alerts():
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            c.request("GET", "/api/v2/alerts")
            return [a for a in json.loads(c.getresponse().read()) if a["status"]["state"] == "active"]
        except (OSError, ValueError):
            return None
    try:
        check(until(20, lambda: alerts() is not None), "it answers")
        w.start()
        check(w.await_up(), "it came up")
        w.remove("flag")
        check(until(20, lambda: len(alerts() or []) == 1), "it has the alert", alerts())
        a = (alerts() or [{"labels": {}, "annotations": {}}])[0]
        check(a["labels"].get("object") == "flag" and "flag is down" in a["annotations"].get("summary", ""),
              "with labels and words", a)
        w.touch("flag")
        check(until(30, lambda: alerts() == []), "which is resolved", alerts())
    finally:
        am.terminate()
        am.wait()
        w.end()


def a_lost_helper_is_one_event():
    print("# a helper is lost: one event, not one a check, and no mail")
    rules = "[contact ops]\nmail = ops@example.org\n"
    for i in range(100):
        rules += "[check c%d]\ntcp = 127.0.0.1:%d\n" % (i, web)
    w = World(rules)
    w.start()
    check(w.await_up(), "it came up")
    until(20, lambda: all(c["state"] == "up" for c in w.json("/v1/checks") or [{"state": ""}]))
    w.mark()
    Mail.taken.clear()
    children = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(w.daemon.pid)],
                              capture_output=True, text=True).stdout
    net = [int(x.split()[0]) for x in children.splitlines() if x.endswith("monitord-probes net")]
    check(len(net) == 1, "it has one", children)
    os.kill(net[0], signal.SIGKILL)
    check(w.await_event("helper-back", 15), "it is back")
    time.sleep(3)
    kinds = [e["kind"] for e in w.events()]
    check(kinds == ["helper-lost", "helper-back"], "two lines for 100 checks", kinds)
    check(not Mail.taken, "and no mail")
    w.end()


def the_manager_is_told():
    print("# sd_notify: READY, STATUS, WATCHDOG")
    w = World("[contact ops]\nmail = ops@example.org\n[check flag]\nfile = DIR/flag\n")
    w.touch("flag")
    path = w.dir + "/notify"
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    s.settimeout(0.2)
    heard = []

    def hear():
        try:
            while True:
                heard.append(s.recv(4096).decode())
        except OSError:
            pass
        return heard
    w.start(dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="600000"))
    check(until(15, lambda: any("READY=1" in x for x in hear())), "ready", heard)
    check(until(5, lambda: sum("WATCHDOG=1" in x for x in hear()) >= 3), "the watchdog is fed", heard)
    check(any("nothing is wrong" in x for x in heard), "and nothing is wrong", heard)
    w.remove("flag")
    check(until(15, lambda: any("1 incident open" in x for x in hear())), "what is wrong is said", heard)
    before = sum("WATCHDOG=1" in x for x in hear())
    os.kill(w.daemon.pid, signal.SIGSTOP)
    time.sleep(1)
    hear()
    mid = sum("WATCHDOG=1" in x for x in heard)
    time.sleep(1)
    check(sum("WATCHDOG=1" in x for x in hear()) == mid, "a stopped loop feeds no watchdog")
    os.kill(w.daemon.pid, signal.SIGCONT)
    del before
    w.end()


# ---- long ----

def five_hundred_fail_at_once():
    print("# 500 services die within a second")
    rules = "[contact ops]\nmail = ops@example.org\n[service store]\nrun = /bin/sleep 1000\nready = exec\n" \
            "backoff = 25s..30s\n[service s]\ninstances = 1..500\nrun = /bin/sleep 1000\nready = exec\n" \
            "backoff = 25s..30s\n"
    for depends in (True, False):
        w = World("starts-at-once = 500\n" + rules + ("depends = store\n" if depends else ""))
        w.start()
        check(w.await_up(), "they came up")
        until(60, lambda: sum(s["state"] == "up" for s in w.json("/v1/services") or []) == 501)
        pids = {s["name"]: s["pid"] for s in w.json("/v1/services")}
        check(len(pids) == 501 and all(pids.values()), "all run")
        Mail.taken.clear()
        began = time.time()
        os.kill(pids["store"], signal.SIGKILL)
        for name, pid in pids.items():
            if name != "store":
                os.kill(pid, signal.SIGKILL)
        took = time.time() - began
        check(took < 1, "within %.2f s" % took)
        # the digest leaves 10 s behind the first
        until(60, lambda: len(Mail.taken) >= 2)
        time.sleep(2)
        mails = [parse(raw) for _, _, raw in Mail.taken]
        texts = [text_of(m) for m in mails]
        check(1 <= len(mails) <= 2, "%s: %d mail(s)" % ("all need one" if depends else "unrelated", len(mails)))
        check(not depends or "store" in mails[0]["Subject"], "the root cause first", mails[0]["Subject"])
        listed = set(re.findall(r"\bs-\d+\b", "\n".join(texts)))
        check(len(listed) == 500, "%d of 500 are listed" % len(listed), texts[-1][:2000])
        w.end()


def an_endpoint_flaps():
    print("# an endpoint flaps")
    w = World("[contact ops]\nmail = ops@example.org\n[check flag]\nfile = DIR/flag\nevery = 200ms\ndown = 1\n")
    w.touch("flag")
    w.start()
    check(w.await_up(), "it came up")
    time.sleep(0.5)
    Mail.taken.clear()
    end, there, times = time.time() + 25, True, 0
    while time.time() < end:
        (w.remove if there else w.touch)("flag")
        there = not there
        times += 1
        time.sleep(0.75)
    check(1 <= len(Mail.taken) <= 3, "%d changes, %d mails" % (times, len(Mail.taken)))
    w.end()


def servers_misbehave():
    modes = ["down"] + ["hang-" + s for s in ("greeting", "ehlo", "mail", "rcpt", "data", "dot")] + \
        ["4xx-" + s for s in ("greeting", "rcpt", "dot")] + ["drop-dot"]
    for mode in modes:
        told_meanwhile(mode)
    for mode in ("5xx-rcpt", "5xx-dot", "refuse-one"):
        refused(mode)


def told_meanwhile(mode):
    """Nothing is lost, nothing counts as sent that was not, and repairs do not wait."""
    print("# mail server:", mode)
    Mail.mode = mode
    Mail.taken.clear()
    Mail.read_only.clear()
    w = World("[contact ops]\nmail = ops@example.org\n[service a]\nrun = /bin/sleep 1000\nready = exec\n"
              "backoff = 100ms..100ms\n")
    if mode == "down":
        with open(w.dir + "/monitord.ini") as f:
            text = f.read()
        with open(w.dir + "/monitord.ini", "w") as f:
            f.write(text.replace("smtp = 127.0.0.1:%d" % smtp, "smtp = 127.0.0.1:1"))
    w.start()
    check(w.await_up(), "it came up")
    until(20, lambda: (w.json("/v1/services/a") or {}).get("state") == "up")
    w.mark()
    began = time.time()
    os.kill(w.json("/v1/services/a")["pid"], signal.SIGKILL)
    check(w.await_event("service-up", 5, "a") and time.time() - began < 3,
          "repaired after %.2f s" % (time.time() - began))
    until(6, lambda: Mail.read_only or len(w.events("incident-close")) > 0 and mode.startswith("hang"))
    time.sleep(1.5)
    a = w.json("/v1/status")["alerts"]
    check(a["sent"] == 0 and a["failed"] == 0 and a["queued"] >= 1 and not Mail.taken,
          "nothing counts as told", a)
    Mail.mode = "ok"
    w.stop(signal.SIGKILL)     # and nothing is lost by a death either
    if mode == "down":
        with open(w.dir + "/monitord.ini", "w") as f:
            f.write(text)
    w.start()
    check(until(40, lambda: (w.json("/v1/status") or {"alerts": {"sent": 0}})["alerts"]["sent"] >= 2),
          "all is told", w.ctl("status", "--json").stdout[-300:])
    order = [i.split(".")[0] for i in ids(Mail.taken)]
    check(order[:1] == ["<open"] and order[-1:] == ["<close"], "in order", order)
    again = set(ids(Mail.read_only))
    check(again <= set(ids(Mail.taken)), "what was read without an answer came again as the same", again)
    w.end()


def refused(mode):
    print("# mail server:", mode)
    Mail.mode = mode
    Mail.taken.clear()
    w = World("[contact ops]\nmail = ops@example.org, bad@example.org\n[check flag]\nfile = DIR/flag\n")
    w.touch("flag")
    w.start()
    check(w.await_up(), "it came up")
    w.remove("flag")
    check(until(20, lambda: (w.json("/v1/status") or {"alerts": {"failed": 0}})["alerts"]["failed"] == 1),
          "it shows as failed", w.json("/v1/status")["alerts"])
    check(w.json("/v1/status")["alerts"]["sent"] == 0, "and not as sent")
    check([m[1] for m in Mail.taken] == ([["ops@example.org"]] if mode == "refuse-one" else []),
          "who was not refused has it, once", [m[1] for m in Mail.taken])
    Mail.mode = "ok"
    w.end()


QUICK = [a_chain_is_one_mail, the_manager_is_told]
PAGES = [pages_follow_an_incident, a_real_alertmanager, a_lost_helper_is_one_event]
LONG = [five_hundred_fail_at_once, an_endpoint_flaps]
FAULTS = [servers_misbehave]
if __name__ == "__main__":
    for test in {"quick": QUICK, "pages": PAGES, "long": LONG, "faults": FAULTS}[which]:
        test()
    print("%d failed" % failures if failures else "all as it should be")
    os._exit(1 if failures else 0)
