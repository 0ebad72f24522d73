"""A command on a terminal of its own: what it draws, and how it leaves the terminal."""

import fcntl
import os
import select
import signal
import struct
import termios
import threading

from support.wait import wait_until

_HOME, _END_OF_LINE, _END_OF_PAGE = "\x1b[H", "\x1b[K", "\x1b[J"


class Watched:
    """`command` in a pseudo-terminal of `rows` x `columns`, with folder `cwd` and variables `environment` on top."""

    def __init__(self, command, cwd, rows=40, columns=120, environment=None):
        self._output = bytearray()
        begun, begin = os.pipe()
        self.pid, self._terminal = os.forkpty()
        if self.pid == 0:
            os.read(begun, 1)
            os.chdir(cwd)
            os.execve(command[0], list(map(str, command)), {**os.environ, "TERM": "xterm", **(environment or {})})
        self.resize(rows, columns)
        self.modes = termios.tcgetattr(self._terminal)
        os.write(begin, b"x")
        os.close(begin), os.close(begun)
        self._closing = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while not self._closing:  # a read that waits would keep the terminal open
            if not select.select([self._terminal], [], [], 0.1)[0]:
                continue
            try:
                self._output += os.read(self._terminal, 65536)
            except OSError:  # nobody has the other end open any more
                return

    def resize(self, rows, columns):
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self._terminal, keys.encode())

    @property
    def output(self):
        return self._output.decode(errors="replace")

    def page(self):
        """The lines of the last page that was drawn to its end."""
        begin, _, _ = self.output.rpartition(_END_OF_PAGE)
        return begin.rpartition(_HOME)[2].replace("\r", "").replace(_END_OF_LINE, "").split("\n")

    def wait_page(self, condition, timeout=60.0):
        """Waits until `condition(text of the page)` holds; returns the page's lines."""

        def look():
            page = self.page()
            return page if condition("\n".join(page)) else None

        return wait_until(look, timeout, lambda: "the page:\n" + "\n".join(self.page()) + "\nall:\n" + self.output[-3000:])

    def current_modes(self):
        return termios.tcgetattr(self._terminal)

    def wait_exit(self, timeout=30.0):
        """The exit status; negative for the signal that ended it."""
        _, status = wait_until(lambda: (done := os.waitpid(self.pid, os.WNOHANG))[0] and done, timeout, lambda: self.output[-3000:])
        self.pid = None
        self._reader.join()
        return os.waitstatus_to_exitcode(status)

    def _open(self):
        """The command's side of the terminal."""
        return os.open(f"/proc/{self.pid}/fd/0", os.O_WRONLY | os.O_NOCTTY)

    def stop_reading(self):
        """The window hangs: nothing is taken from the terminal any more. Returns when the terminal takes nothing more either."""
        self._closing = True
        self._reader.join()
        writer = self._open()
        wait_until(lambda: not select.select([], [writer], [], 0)[1], 60.0, lambda: "the terminal still takes output")
        os.close(writer)

    def stop_output(self):
        """As Ctrl-S does where it is not turned off."""
        terminal = self._open()
        termios.tcflow(terminal, termios.TCOOFF)
        os.close(terminal)

    def hang_up(self):
        """The window is closed."""
        self._closing = True
        self._reader.join()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.hang_up()
