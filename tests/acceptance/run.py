#!/usr/bin/env python3
"""The built program, driven from outside: what issue 2 calls "done when these can be seen".

    python3 tests/acceptance/run.py                   # all modules; LICET_LONG=1 for the sweeps
    python3 tests/acceptance/run.py disclosures tokens.OneUse
    LICET_KEEP=1 python3 tests/acceptance/run.py faults    # keeps the folder with logs and state, and names it

Prints `ok NAME` for each that passes, failures in full, skips with their reason, and at the end `COUNT passed failed skipped`.
"""

import os
import pathlib
import re
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "examples")]

MODULES = """
    cli outputs judging imports read example records disclosures deidentify deid_formats deid_dicom llm risk scenarios tokens reload agreements
    clients integrity faults console console_access console_size leaks crash
""".split()
if os.environ.get("LICET_PEERS") == "1":
    MODULES[:0] = ["peers", "console_schema"]


class Results(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = 0
        self.begun = {}

    def say(self, word, test, text=""):
        took = time.monotonic() - self.begun.get(test, time.monotonic())
        name = test.id() if hasattr(test, "id") else str(test)
        print(f"{word} {name}" + (f" ({took:.1f} s)" if took >= 1 else "") + (f"\n{text.rstrip()}\n" if text else ""), flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.begun[test] = time.monotonic()

    def addSuccess(self, test):
        self.passed += 1
        self.say("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say("FAILED", test, told(self.failures[-1][1]))

    def addError(self, test, err):
        super().addError(test, err)
        self.say("FAILED", test, told(self.errors[-1][1]))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.say("FAILED", subtest, told(self.failures[-1][1] if issubclass(err[0], test.failureException) else self.errors[-1][1]))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("skipped", test, f"  {reason}")


def told(traceback):
    """The traceback without the frames of Python's own library, and without what `raise … from None` would have left out."""
    frames = re.split(
        r"(?m)^(?=  File )", traceback.split("During handling of the above exception, another exception occurred:")[-1].strip()
    )
    ours = [f for f in frames[1:-1] if "/acceptance/" in f or "/examples/" in f]
    return "".join([frames[0], *ours, *frames[1:][-1:]]).replace(str(HERE.parent.parent) + "/", "")


def main(names):
    import world

    if not world.BINARY.exists():
        print(f"{world.BINARY} is missing: tools/build release licet")
        print("COUNT 0 1 0")
        return 1
    results = Results()
    try:
        unittest.TestLoader().loadTestsFromNames(names or MODULES).run(results)
    finally:
        world.end()
    failed = len(results.failures) + len(results.errors)
    print(f"COUNT {results.passed} {failed} {len(results.skipped)}")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
