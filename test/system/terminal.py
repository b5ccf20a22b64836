"""terminal.py KEYS COMMAND...: runs the command on a terminal of 100 x 30, types the keys once it
has drawn, and prints what came and how it ended."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

keys, command = sys.argv[1].encode().decode("unicode_escape"), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.environ.setdefault("TERM", "xterm")
    os.execvp(command[0], command)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
seen, end = b"", time.monotonic() + 20
while time.monotonic() < end:
    if select.select([fd], [], [], 0.4)[0]:
        try:
            got = os.read(fd, 65536)
        except OSError:
            break
        if not got:
            break
        seen += got
    elif keys and seen:
        os.write(fd, keys[0].encode())
        keys = keys[1:]
sys.stdout.buffer.write(seen)
sys.stdout.flush()
end = time.monotonic() + 10  # its terminal is closed before it has ended
status = os.waitpid(pid, os.WNOHANG)
while status[0] == 0 and time.monotonic() < end:
    time.sleep(0.05)
    status = os.waitpid(pid, os.WNOHANG)
if status[0] == 0:
    os.kill(pid, 9)
    sys.exit("it did not end")
sys.exit(os.waitstatus_to_exitcode(status[1]))
