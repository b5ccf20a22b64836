"""What the benchmarks share: a monitord of the build tree in a folder of its own, its
helpers, what they use, and listeners to check. Everything that is started is ended by pid."""
import atexit
import http.client
import json
import os
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("MONITORD_BUILD") or sys.exit("MONITORD_BUILD is not set: make bench")
HOST = "127.77.0.1"  # of the loopback net, where nobody else listens
TMPFS = "/dev/shm" if os.path.isdir("/dev/shm") else None  # as /run is: no disk is measured


def skip(why):
    print("SKIP:", why)
    sys.exit(77)


def wait_for(seconds, true, pause=0.05):
    """What true() returned, as soon as that is not false; None: not within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = true()
        if value:
            return value
        time.sleep(pause)
    return None


class _Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("monitord", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)
        self.sock.settimeout(self.timeout)


class Daemon:
    """monitord with the given sections after its own [monitord]."""

    def __init__(self, sections, settings="", user=None):
        self.user = user  # a number; None: ours
        self.dir = tempfile.mkdtemp(prefix="monitord-bench.", dir=TMPFS)
        os.chmod(self.dir, 0o755)
        self.sock = self.dir + "/run/status.sock"
        self.rules = self.dir + "/monitord.ini"
        self.head = (f"[monitord]\nsocket = {self.sock}\nstate = {self.dir}/state\n"
                     f"helpers = {BUILD}\non-stop = stop\n{settings}\n")
        self.write(sections)
        if user is not None:
            os.chown(self.dir, user, user)
            os.chown(self.rules, user, user)
        self.log = open(self.dir + "/log", "w")
        self.process = None
        atexit.register(self.end)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))

    def write(self, sections):
        with open(self.rules, "w") as f:
            f.write(self.head + sections)

    def start(self):
        """Milliseconds of CLOCK_MONOTONIC at which it was started."""
        began = time.monotonic()
        self.process = subprocess.Popen([BUILD + "/monitord/monitord", "-c", self.rules],
                                        stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, user=self.user, group=self.user,
                                        extra_groups=[] if self.user else None)
        return began

    def kill(self):
        """SIGKILL: its services go on."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def get(self, path="/v1/status"):
        """The answer as text; None: nobody answers."""
        connection = _Unix(self.sock)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read().decode() if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def status(self):
        text = self.get()
        return json.loads(text) if text else None

    def pids(self):
        """{name: pid} of monitord and its helpers."""
        found = {"monitord": self.process.pid}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as f:
                    if f.read().rsplit(")", 1)[1].split()[1] != str(self.process.pid):
                        continue
                with open(f"/proc/{pid}/cmdline") as f:
                    words = f.read().split("\0")
            except OSError:
                continue
            if words[0].startswith("monitord-"):
                found[" ".join(words).strip()] = int(pid)
        return found

    def problems(self):
        """Lines of the log that say that something of ours was late, killed or lost."""
        with open(self.dir + "/log", errors="replace") as f:
            return [line.rstrip() for line in f
                    if "daemon-late" in line or "helper-lost" in line or "was lost" in line
                    or "is killed" in line or "out of memory" in line]

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                print("monitord did not end by itself", file=sys.stderr)
                self.process.kill()
                self.process.wait()
        self.process = None
        try:
            with open(self.dir + "/run/cgroup") as f:
                os.rmdir(f.read())  # empty; monitord would use it again
        except OSError:
            pass
        if os.environ.get("KEEP"):
            print("kept:", self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


def cpu_ms(pid):
    with open(f"/proc/{pid}/schedstat") as f:
        return int(f.read().split()[0]) / 1e6


def memory_kb(pid):
    """(RSS, PSS) in KiB."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            words = line.split()
            if words[0] in ("Rss:", "Pss:"):
                found[words[0]] = int(words[1])
    return found["Rss:"], found["Pss:"]


def _serve(ports, ready):
    selector = selectors.EpollSelector()
    for port in ports:
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((HOST, port))
        s.listen(64)
        s.setblocking(False)
        selector.register(s, selectors.EVENT_READ)
    os.write(ready, b"1")
    os.close(ready)
    while True:
        for key, _ in selector.select():
            try:
                key.fileobj.accept()[0].close()
            except OSError:
                pass


def _be_silent(server):
    kept = []
    while True:
        kept.append(server.accept())


def silent_server():
    """The port on HOST of a server that takes connections and never says a word."""
    server = socket.create_server((HOST, 0), backlog=64)
    child(_be_silent, server)
    return server.getsockname()[1]


def child(function, *args):
    """Runs function in a process that ends with us. Returns its pid."""
    pid = os.fork()
    if pid == 0:
        atexit._clear()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.alarm(300)
        try:
            function(*args)
        finally:
            os._exit(1)

    def end():
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except OSError:
            pass
    atexit.register(end)
    return pid


def listen(ports):
    """A process that accepts on these ports of HOST. Returns its pid."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    if len(ports) + 100 > files:
        skip(f"only {files} descriptors are allowed")
    ready, told = os.pipe()
    pid = child(_serve, ports, told)
    os.close(told)
    if os.read(ready, 1) != b"1":
        skip("not all ports of the benchmark are free")
    os.close(ready)
    return pid
