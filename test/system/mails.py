"""Pictures of mails: see mails.sh. Every mail is read by the strict parser first."""
import base64
import os
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
import alerts
from alerts import Mail, World, build, parse, until
from browser import Browser

folder, kinds = sys.argv[2], sys.argv[3:]
WIDTH = 720
demo, puppet = build + "/monitord-demo", build + "/test/system/puppet"
OPS = "[contact ops]\nmail = ops@example.org\n"
browser = Browser()


def draw(name, raw):
    """NAME.png: as a mail program shows it; NAME.txt: as one without HTML does."""
    m = parse(raw)
    text = m.get_body(("plain",)).get_content()
    with open("%s/%s.txt" % (folder, name), "w") as f:
        f.write("From: %s\nTo: %s\nSubject: %s\n\n%s" % (m["From"], m["To"], m["Subject"], text))
    html = m.get_body(("html",))
    print("%-24s %s" % (name, m["Subject"]), flush=True)
    if html is None:
        return
    html = html.get_content()
    for part in m.walk():
        if part.get_content_type() == "image/png":
            html = html.replace("cid:" + part["Content-ID"][1:-1],
                                "data:image/png;base64," + base64.b64encode(part.get_content()).decode())
    path = "%s/%s.html" % (folder, name)
    with open(path, "w") as f:
        f.write(html)
    browser.size(WIDTH, 400)
    browser.open("file://" + path)
    browser.size(WIDTH, int(browser.js("document.documentElement.scrollHeight")))
    browser.picture("%s/%s.png" % (folder, name))
    os.unlink(path)


def mails(count, seconds):
    """So many, by arrival."""
    until(seconds, lambda: len(Mail.taken) >= count)
    if len(Mail.taken) < count:
        print("only %d of %d mails came" % (len(Mail.taken), count))
    return [raw for _, _, raw in Mail.taken]


class Here(World):
    """With the usual socket, so that the commands in the mail are the usual ones."""

    def write(self, rules):
        for name in os.listdir("/run/monitord"):
            os.unlink("/run/monitord/" + name) if not os.path.isdir("/run/monitord/" + name) else \
                shutil.rmtree("/run/monitord/" + name)
        self.sock = "/run/monitord/status.sock"
        super().write(rules)
        path = self.dir + "/monitord.ini"
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace("every = 100ms\ndown = 1\nup = 1", "every = 250ms"))


def begin(rules, services):
    w = Here(OPS + rules)
    w.start()
    w.await_up()
    up = until(30, lambda: all((w.json("/v1/services/" + s) or {}).get("state") == "up" for s in services))
    if not up:
        print("not up", w.ctl("status").stdout)
    time.sleep(3)  # a few measurements
    Mail.taken.clear()
    return w


def kill(w, name):
    os.kill(w.json("/v1/services/" + name)["pid"], signal.SIGKILL)


PORTS = [24000 + os.getpid() % 1000 * 8 + i for i in range(8)]
VARNISH, APACHE, TOMCAT = PORTS[:3]
TILE = """[service varnish]
run = %s front %d DIR/active apache=%d tomcat=%d
[service apache]
run = %s backend apache %d
backoff = APACHE_BACKOFF
drain = tile
[service tomcat]
run = %s backend tomcat %d
[check tiles]
of = varnish
http = http://127.0.0.1:%d/
[check apache-http]
of = apache
http = http://127.0.0.1:%d/health
[check tomcat-http]
of = tomcat
http = http://127.0.0.1:%d/health
[route tile]
switch = DIR/active
backend = apache check apache-http
backend = tomcat check tomcat-http
verify = tiles within 3s
return = after 3s
[chain tile]
path = varnish -> apache -> tomcat
""" % (demo, VARNISH, APACHE, TOMCAT, demo, APACHE, demo, TOMCAT, VARNISH, APACHE, TOMCAT)


def tile(backoff="100ms..30s", more=""):
    return begin(TILE.replace("APACHE_BACKOFF", backoff) + more, ["varnish", "apache", "tomcat"])


def failover():
    w = tile("6s..30s")
    kill(w, "apache")
    for name, raw in zip(("failover", "failover-over"), mails(2, 60)):
        draw(name, raw)
    w.end()


def restart():
    w = tile()
    kill(w, "tomcat")
    for name, raw in zip(("restart", "restart-over"), mails(2, 60)):
        draw(name, raw)
    w.end()


def leak():
    w = tile(more="[rule tomcat-leak]\nwhen = tomcat.memory > 60M for 1s\ndo = restart tomcat\n")
    os.system("curl -s http://127.0.0.1:%d/leak >/dev/null" % TOMCAT)
    for name, raw in zip(("leak", "leak-over"), mails(2, 60)):
        draw(name, raw)
    w.end()


def chain():
    names = ["web", "cache", "app", "broker", "store"]
    rules = "[chain shop]\npath = " + " -> ".join(names) + "\n"
    for name in names:
        rules += "[service %s]\nrun = /bin/sleep 1000\nready = exec\nbackoff = 20s..30s\n" % name
        rules += "[check %s-answers]\nof = %s\nfile = DIR/flag\n" % (name, name)
    w = Here(OPS + rules)
    w.touch("flag")
    w.start()
    until(20, lambda: all(c["state"] == "up" for c in w.json("/v1/checks") or [{"state": ""}]))
    time.sleep(2)
    Mail.taken.clear()
    w.remove("flag")
    kill(w, "store")
    draw("chain", mails(1, 20)[0])
    w.end()


def flap():
    w = Here(OPS + "[check disk]\nfile = DIR/flag\n")
    w.touch("flag")
    w.start()
    w.await_up()
    time.sleep(2)
    Mail.taken.clear()
    end, there = time.time() + 25, True
    while time.time() < end and len(Mail.taken) < 2:
        (w.remove if there else w.touch)("flag")
        there = not there
        time.sleep(1.5)
    for i, raw in enumerate(mails(2, 10)):
        draw("flap-%d" % (i + 1), raw)
    w.end()


def waits(name, first, words):
    w = Here(first + OPS.replace("ops@example.org", "ops@example.org\nrate = 100 in 1s") + "[contact boss]\nmail = boss@example.org\n[check disk]\nfile = DIR/flag\nseverity = warning\n" + words)
    w.touch("flag")
    w.start()
    w.await_up()
    time.sleep(2)
    Mail.taken.clear()
    w.remove("flag")
    for i, raw in enumerate(mails(2, 90)[:2]):
        draw("%s-%d" % (name, i + 1), raw)
    w.ctl("ack", str(w.json("/v1/incidents")[-1]["id"]), "--why", "a new disk is on its way", "--who", "ann")
    w.touch("flag")
    for i, raw in enumerate(mails(3, 60)[2:]):
        draw("%s-over-%d" % (name, i + 1), raw)
    w.end()


def remind():
    waits("remind", "remind = 1m\n", "")


def escalate():
    waits("escalate", "", "alert = ops, boss after 1m\n")


def digest():
    rules = "[service store]\nrun = /bin/sleep 1000\nready = exec\nbackoff = 25s..30s\n[service s]\n" \
            "instances = 1..500\nrun = /bin/sleep 1000\nready = exec\nbackoff = 25s..30s\n"
    w = Here("starts-at-once = 500\n" + OPS + rules)
    w.start()
    w.await_up()
    until(60, lambda: sum(s["state"] == "up" for s in w.json("/v1/services") or []) == 501)
    pids = {s["name"]: s["pid"] for s in w.json("/v1/services")}
    Mail.taken.clear()
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    for name, raw in zip(("digest-first", "digest"), mails(2, 40)):
        draw(name, raw)
    w.end()


def test():
    w = Here(OPS)
    w.start()
    w.await_up()
    Mail.taken.clear()
    w.ctl("test", "ops")
    draw("test", mails(1, 10)[0])
    w.end()


ALL = [failover, restart, leak, chain, flap, remind, escalate, digest, test]
for kind in ALL:
    if not kinds or kind.__name__ in kinds:
        kind()
browser.end()
os._exit(alerts.failures)
