"""What ./run starts: it says `ready` and five things to try that do what they say; nothing of it is left when it ends, however it ends."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from clinic import Child
from world import BINARY, ROOT, Case, wait_for

CLINIC = ROOT / "examples" / "clinic.py"


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


class Example(Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="licet-run-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.env = {"LICET_RUN": str(self.folder / "run"), "LICET": str(BINARY)}

    def clinic(self, *args):
        return subprocess.run(
            [sys.executable, CLINIC, *args], capture_output=True, text=True, timeout=90, cwd=ROOT, env={**os.environ, **self.env}
        )

    def foreground(self):
        """A clinic in the foreground, and the processes that it started."""
        child = Child(self.folder / "clinic", [sys.executable, "-u", CLINIC], env=self.env)
        self.addCleanup(child.kill)
        child.line("^ready$", 60)
        child.line(r" verify \$evidence$", 5)
        pids = [int(p) for p in pathlib.Path(f"/proc/{child.process.pid}/task/{child.process.pid}/children").read_text().split()]
        self.assertGreaterEqual(len(pids), 3, "EHR, identity provider, gate")
        return child, pids

    def test_detached_it_does_what_it_prints_and_stops(self):
        started = self.clinic("--detach")
        self.assertEqual(started.returncode, 0, started.stdout + started.stderr)
        self.addCleanup(self.clinic, "--stop")
        lines = started.stdout.splitlines()
        setup = [line for line in lines if line.startswith(("  c=", "  ask()"))]
        self.assertEqual(len(setup), 2)
        steps = {}
        for line in lines:
            if number := re.match(r"(\d)\. ", line):
                step = steps.setdefault(int(number[1]), [])
            elif line.startswith("     "):
                step.append(line.strip())
        self.assertEqual(sorted(steps), [1, 2, 3, 4, 5])
        # The declaration in git is not edited by a test: reload.py changes a copy of it.
        steps[4] = [line for line in steps[4] if "agreements.yaml" not in line and not line.startswith("sleep") and "REFERENCE" not in line]

        def do(number):
            run = subprocess.run(["bash", "-c", "\n".join(setup + steps[number])], capture_output=True, text=True, timeout=60, cwd=ROOT)
            self.assertEqual(run.stderr, "", f"step {number}")
            return run.stdout

        few, all_of_it = [json.loads(line) for line in do(1).splitlines() if line]
        self.assertNotIn("subject", few)
        self.assertIn("subject", all_of_it)
        said = do(2)
        detail = json.loads(said.splitlines()[0])["detail"]
        self.assertEqual(said.count(detail), 2, "once by the gate, once by check")
        hers, others = [json.loads(line) for line in do(3).splitlines() if line]
        self.assertEqual((hers["id"], others["status"]), ("p-0001", 403))
        self.assertIn('"reason":"suspended"', do(4))
        self.assertTrue(do(5).rstrip().endswith("sound"))

        again = self.clinic("--detach")
        self.assertEqual((again.returncode, "runs already" in again.stderr), (1, True), again.stderr)
        stopped = self.clinic("--stop")
        self.assertEqual((stopped.returncode, stopped.stdout), (0, "stopped\n"))
        self.assertEqual(self.clinic("--stop").stdout, "nothing runs\n")

    def test_ctrl_c_ends_all_and_a_second_run_takes_the_ledger_up(self):
        for _ in range(2):
            child, pids = self.foreground()
            child.process.send_signal(signal.SIGINT)
            self.assertEqual(child.process.wait(20), 0)
            self.assertEqual([p for p in pids if alive(p)], [])

    def test_even_when_it_is_killed_nothing_is_left(self):
        child, pids = self.foreground()
        child.process.kill()
        wait_for(lambda: not any(alive(p) for p in pids), 5, "the end of its children")

    def test_a_wrong_argument(self):
        self.assertEqual(self.clinic("--nonsense").returncode, 2)
