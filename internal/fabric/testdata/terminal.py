"""Somebody at a terminal, in which a command begins a shell. Prints the command's status."""

import fcntl
import os
import pty
import signal
import struct
import sys
import termios

pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen, awaited = b"", b""


def late(*_):
    sys.exit(f"no {awaited} in {seen}")


def expect(word):
    global seen, awaited
    awaited = word
    while word not in seen:
        seen += os.read(fd, 4096)
    seen = seen.split(word, 1)[1]


def type(text):
    os.write(fd, text)


signal.signal(signal.SIGALRM, late)
signal.alarm(20)
expect(b"$ ")

# What is typed has quotes in its words, so that its echo is not what it says.
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
type(b"while [ \"$(stty size)\" != '33 99' ]; do sleep 0.01; done; echo re''sized\n")
expect(b"resized")

# ^C ends what runs, and not the shell.
type(b"stdbuf -oL tr a-z A-Z\na line\n")
expect(b"A LINE")
type(b"\x03")
expect(b"$ ")
type(b"echo inter''rupted\n")
expect(b"interrupted")

# ^Z stops it.
type(b"sh -c \"echo run''ning; exec sleep 1000\"\n")
expect(b"running")
type(b"\x1a")
expect(b"Stopped")

type(b"exec sh -c 'exit 5'\n")
try:
    while os.read(fd, 4096):
        pass
except OSError:  # the terminal is gone
    pass
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
