"""The tests at another moment: `python -m tests.wall_clock 2026-12-06T03:30-05:00 -n 2 -q tests/cli tests/runs`.

What comes behind the moment goes to pytest. A test must hold at any hour, because people's hours are on for every server but one
of this machine: this command finds those that do not. It needs Linux and a C compiler. A small library is loaded before all
others, turns the wall clock for the tests and each process that they start, and leaves the clocks that only count seconds alone.
The times of files stay what they are: tests that ask how old an empty book of people is (`test_an_empty_file_is_no_new_book`,
`test_what_is_no_book_is_refused_and_left_as_it_is`) fail at other moments than now, and mean nothing by it.
"""

import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOMENTS = {
    "night": "2026-12-02T03:30-05:00",
    "morning": "2026-12-02T08:30-05:00",
    "evening": "2026-12-02T22:00-05:00",
    "sunday": "2026-12-06T10:30-05:00",
    "holiday": "2026-12-25T12:00-05:00",
    "turning": "2027-03-14T01:58-05:00",
    "later": "2028-02-29T23:59-05:00",
}
"""Moments by name, by the clock of New York: `turning` is just before clocks change, at `later` the data about zones is old."""

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*clock_of)(clockid_t, struct timespec *);
static int (*run)(const char *, char *const[], char *const[]);
static int (*run_here)(const char *, char *const[]);
static int (*run_found)(const char *, char *const[]);

__attribute__((constructor)) static void begin(void) {
    clock_of = dlsym(RTLD_NEXT, "clock_gettime");
    run = dlsym(RTLD_NEXT, "execve");
    run_here = dlsym(RTLD_NEXT, "execv");
    run_found = dlsym(RTLD_NEXT, "execvp");
}

int clock_gettime(clockid_t which, struct timespec *now) {
    if (!clock_of) begin();
    int failed = clock_of(which, now);
    if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) now->tv_sec += SHIFT;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec found;
    int failed = clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *now) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now) *now = found.tv_sec;
    return found.tv_sec;
}

/* A process that is given an environment of its own has the same clock. */
int execve(const char *path, char *const words[], char *const environment[]) {
    size_t number = 0;
    int has = 0;
    for (; environment && environment[number]; number++) has |= !strncmp(environment[number], "LD_PRELOAD=", 11);
    char *all[number + 2];
    all[0] = "LD_PRELOAD=" LIBRARY;
    if (number) memcpy(all + 1, environment, number * sizeof(char *));
    all[number + 1] = NULL;
    return run(path, words, has ? environment : all);
}

int execv(const char *path, char *const words[]) {
    setenv("LD_PRELOAD", LIBRARY, 0);
    return run_here(path, words);
}

int execvp(const char *name, char *const words[]) {
    setenv("LD_PRELOAD", LIBRARY, 0);
    return run_found(name, words);
}
"""


def main(arguments: list[str]) -> int:
    """Run pytest at a moment: its name, or itself with an offset. Gives pytest's exit code."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(__doc__)
        print("Moments with a name:", *(f"  {name:8} {moment}" for name, moment in MOMENTS.items()), sep="\n")
        return 2
    moment = dt.datetime.fromisoformat(MOMENTS.get(arguments[0], arguments[0]))
    if moment.tzinfo is None:
        raise SystemExit(f"{moment} does not say in which zone; add the offset, as in 2026-12-06T03:30-05:00")
    with tempfile.TemporaryDirectory(prefix="clock-") as folder:
        library = built(Path(folder), moment)
        pytest = [sys.executable, "-m", "pytest", *arguments[1:]]
        return subprocess.run(pytest, env={**os.environ, "LD_PRELOAD": str(library)}, check=False).returncode


def built(folder: Path, moment: dt.datetime) -> Path:
    """A library in this folder with which the wall clock shows this moment now."""
    library = folder / "clock.so"
    shift = round(moment.timestamp() - time.time())
    with_shift = [f"-DSHIFT={shift}LL", f'-DLIBRARY="{library}"']
    build = ["cc", "-shared", "-fPIC", "-O1", *with_shift, "-xc", "-", "-o", str(library), "-ldl"]
    subprocess.run(build, input=SOURCE, text=True, check=True)
    return library


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
