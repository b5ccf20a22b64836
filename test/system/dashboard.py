"""dashboard.py URL SOCKET TOKEN-FILE [FOLDER]: what a person does with the page, and sees.
With FOLDER the pictures of doc/ are taken, after some minutes of history."""
import http.client
import json
import os
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
from browser import Browser

url, sock, token_file = sys.argv[1:4]
folder = sys.argv[4] if len(sys.argv) > 4 else ""
failed = 0


def check(good, what):
    global failed
    print("ok  " if good else "FAIL", what, flush=True)
    failed += not good


def service(name):
    c = http.client.HTTPConnection("monitord")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(sock)
    c.request("GET", f"/v1/services/{name}")
    return json.loads(c.getresponse().read())


VERDICT = "document.getElementById('verdict').textContent"
NODE = "document.querySelector('.node[data-name=%s]')"
FLOWS = "document.querySelector('.chain svg').getAttribute('aria-label')"


def look(b):
    check(b.wait(f"{VERDICT} === 'All is well'", 20), "all is well")
    check(b.wait("document.querySelectorAll('#charts figure').length >= 6", 20), "there are charts")
    for part in ("CPU of the host", "Load of the host", "memory-used of host", "Latency of front-http"):
        check(b.wait(f"[...document.querySelectorAll('#charts figcaption')].some(f => f.textContent.includes('{part}'))", 60),
              f"a chart: {part}")
    legend = b.js("[...document.querySelectorAll('#charts figure')].map(f => f.textContent).join()")
    check(all(w in legend for w in ("user", "system", "idle", "p50", "p95", "p99")), "CPU by user, system, idle; percentiles")
    check(b.wait("document.querySelectorAll('#charts path').length >= 6", 60), "with lines in them")
    check(b.wait("!!document.querySelector('.live.on')", 10), "live")
    check("primary" in b.js(FLOWS) and "secondary" not in b.js(FLOWS), "traffic flows to the primary")
    check(b.js("document.title") != "666" and b.js("document.images.length") == 0 and
          b.wait("document.body.textContent.includes('markup')", 5), "markup in a rule is text")
    check(b.js("[...document.querySelectorAll('button, [role=button], svg[role=img]')].every(e => "
               "(e.getAttribute('aria-label') || e.textContent).trim())"), "whatever can be used has a name")


def values_move(b):
    pid = service("primary")["pid"]
    before = b.js("document.getElementById('objects').textContent")
    check(b.wait(f"document.getElementById('objects').textContent !== {json.dumps(before)}", 20),
          "values change by themselves")
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    bad = b.wait(f"{NODE % 'primary'}.classList.contains('bad')", 30)
    check(bad, f"the fault is seen after {time.monotonic() - began:.1f} s")
    check("primary" in b.js(VERDICT) and "wrong" in b.js(VERDICT), "and named: " + b.js(VERDICT))
    check(b.wait(f"{FLOWS}.includes('front to secondary')", 10), "traffic flows to the secondary")
    check(b.wait("!document.getElementById('wrong').hidden", 10), "an incident is shown")
    if folder:
        time.sleep(3)
        b.size(1200, 820, dark=True)
        time.sleep(2.5)
        b.picture(folder + "/dashboard-dark.png")
        b.size(1200, 820)
    os.kill(pid, signal.SIGCONT)
    check(b.wait(f"{VERDICT} === 'All is well'", 60), "all is well again")
    check(b.wait("document.querySelectorAll('#charts .mark-line.bad').length > 0", 30),
          "the charts show when it was")


def fits_a_phone(b):
    b.size(390, 844, phone=True)
    boxes = "[...document.querySelectorAll('.chain .node')].map(n => n.getBoundingClientRect())"
    check(b.wait(f"{boxes}.length >= 3 && {boxes}.every(r => r.left >= 0 && r.right <= 390)", 10),
          "on a phone the whole chain is seen")
    check(b.js(f"{boxes}.every((r, i, all) => all.every((o, k) => i === k || r.right <= o.left || "
               "o.right <= r.left || r.bottom <= o.top || o.bottom <= r.top))"), "and no box covers another")
    check(b.js("[...document.querySelectorAll('#objects td')].every(d => d.getBoundingClientRect().right <= 390)"),
          "and whole tables")
    b.size(1200, 820)


def act(b):
    with open(token_file) as f:
        token = f.read().strip()
    before = service("primary")["pid"]
    b.js("document.getElementById('token').click()")
    b.js("document.getElementById('login-token').focus()")
    b.call("Input.insertText", text=token)
    b.key("Enter", 13)
    check(b.wait("document.getElementById('token').textContent === 'Stop acting'", 5), "a token is taken")
    b.js(NODE % "primary" + ".focus()")
    b.key("Enter", 13)
    check(b.wait("document.getElementById('detail').open", 5), "the keyboard opens an object")
    check(b.wait("document.querySelectorAll('#detail figure').length >= 3", 10), "with its charts")
    press = "[...document.querySelectorAll('#detail button')].find(b => b.textContent.endsWith('restart%s')).click()"
    b.js(press % "")
    b.js(press % "?")
    end = time.monotonic() + 20
    while service("primary")["pid"] in (before, None) and time.monotonic() < end:
        time.sleep(0.1)
    check(service("primary")["pid"] not in (before, None), "it was restarted from the page")
    b.key("Escape", 27)
    check(b.wait("!document.getElementById('detail').open", 5), "and closes it")
    check(b.wait("document.activeElement.dataset.name === 'primary'", 5), "and is back where it was")
    check(b.wait(f"{VERDICT} === 'All is well'", 30), "all is well after it")


def narrow(b):
    for width in (360, 768):
        b.size(width, 700, phone=True)
        time.sleep(0.5)
        check(b.js("document.documentElement.scrollWidth") <= width, f"{width} pixels are wide enough")
    b.size(1200, 820)


def refused(b):
    b.js("document.getElementById('token').click()") # stops acting
    b.js("document.getElementById('token').click()")
    b.js("document.getElementById('login-token').focus()")
    b.call("Input.insertText", text="not the right token at all")
    b.key("Enter", 13)
    check(b.wait("document.getElementById('login-said').textContent === 'That is not the token.'", 5),
          "a wrong token is refused at once")
    check(b.js("document.getElementById('login').open && sessionStorage.getItem('token') === null"), "and not kept")
    b.js("document.getElementById('login-cancel').click()")
    b.js("sessionStorage.setItem('token', 'not the right token at all')")
    code = b.js("fetch('/v1/services/primary/stop', { method: 'POST', "
                "headers: { Authorization: 'Bearer ' + sessionStorage.getItem('token') } }).then(a => a.status)")
    check(code == 403, "a wrong token is refused")
    check(b.js("fetch('/v1/services/primary/stop', { method: 'POST' }).then(a => a.status)") == 403,
          "and so is none")
    check(service("primary")["state"] == "up", "nothing was stopped")


def main():
    b = Browser()
    try:
        b.size(1200, 820)
        b.open(url)
        if folder:  # history to look at
            time.sleep(840)
            b.js("document.querySelector('#ranges input').click()")
        look(b)
        if folder:
            b.picture(folder + "/dashboard-light.png")
        values_move(b)
        act(b)
        narrow(b)
        fits_a_phone(b)
        check(not b.console, "nothing in the console" + "".join(f"\n     {c}" for c in b.console))
        foreign = [r for r in b.requests if not r.startswith((url, "data:"))]
        check(not foreign, f"nobody else was asked {foreign}")
        refused(b)
    finally:
        b.end()
    sys.exit(1 if failed else 0)


main()
