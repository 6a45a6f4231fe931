"""What a person sees while a command works: lines with a mark, a name and the time taken."""

from __future__ import annotations

import os
import shutil
import sys
import time

GREEN, RED, YELLOW, FAINT, BOLD = "32", "31", "33", "2", "1"


class Problem(Exception):
    """Something a person has to put right: what is wrong, and what to do about it."""

    def __init__(self, what: str, remedy: str, detail: str = "") -> None:
        self.what = what
        self.remedy = remedy
        self.detail = detail
        super().__init__(what)


class Interrupted(BaseException):
    """Somebody asked the command to end (Ctrl-C, or a signal from outside)."""


_with_times = False


def show_times() -> None:
    """From now on every line begins with the time: it goes to a log."""
    global _with_times
    _with_times = True


def is_terminal() -> bool:
    """True when a person watches, so that a line may be rewritten in place."""
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}


def paint(text: str, style: str) -> str:
    """`text` in a terminal style, or as it is where nobody could see it."""
    if not is_terminal() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{style}m{text}\033[0m"


def say(text: str = "") -> None:
    """One finished line."""
    clear_status()
    moment = time.strftime("%Y-%m-%d %H:%M:%S ") if _with_times else ""
    _write(moment + text + "\n")


def say_done(name: str, seconds: float, note: str = "") -> None:
    """A step that went well."""
    _say_step(paint("✔", GREEN), name, note, seconds)


def say_failed(name: str, seconds: float, note: str = "") -> None:
    """A step that did not."""
    _say_step(paint("✘", RED), name, note, seconds)


def say_skipped(name: str, note: str) -> None:
    """A step left out, and why."""
    say(f"{paint('–', YELLOW)} {name}: {note}")


def say_problem(problem: Problem) -> None:
    """What is wrong, the last words of whatever failed, and the remedy."""
    clear_status()
    lines = [f"{paint('✘', RED)} {problem.what}"]
    lines += [f"    {line}" for line in problem.detail.splitlines()]
    first, *others = problem.remedy.splitlines() or [""]
    lines.append(f"  {paint('→', BOLD)} {first}")
    lines += [f"    {line}" for line in others]
    sys.stdout.flush()
    print("\n".join(lines), file=sys.stderr, flush=True)


def show_status(text: str) -> None:
    """What is going on now: one line, rewritten in place; nothing where nobody watches."""
    if is_terminal():
        width = shutil.get_terminal_size().columns
        _write("\r\033[K" + paint(f"  {text}"[: width - 1], FAINT))


def clear_status() -> None:
    """Takes the line of `show_status` away."""
    if is_terminal():
        _write("\r\033[K")


def seconds_text(seconds: float) -> str:
    """A span of time as people read it: `0.4 s`, `12.3 s`, `2 min 05 s`."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def _say_step(mark: str, name: str, note: str, seconds: float) -> None:
    text = f"{name}  {paint(note, FAINT)}" if note else name
    say(f"{mark} {text}  {paint(seconds_text(seconds), FAINT)}")


def _write(text: str) -> None:
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
