"""What the test modules share: one set of servers for the whole run, a folder that goes away, Clinics, and what an answer may hold."""

import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent.parent / "examples")]
import clinic  # noqa: E402
from clinic import ROOT, Clinic, wait_for  # noqa: E402,F401

LONG = os.environ.get("LICET_LONG") == "1"
BINARY = pathlib.Path(os.environ.get("LICET") or ROOT / "build" / "release" / "licet")

# A physician whose token says the purpose: what clients that can't send headers of their own need.
TREATS = {
    "client_id": "ehr.dr-lee.treats",
    "client_secret": "example-treats",
    "act_for": {"sub": "dr-lee", "client_id": "ehr", "claims": {"licet_person": "dr-lee", "acr": "mfa", "purpose_of_use": "TREAT"}},
}
FORGETFUL = {
    "client_id": "ehr.dr-lee.pwd",
    "client_secret": "example-pwd",  # without the second factor
    "act_for": {"sub": "dr-lee", "client_id": "ehr", "claims": {"licet_person": "dr-lee", "acr": "pwd", "amr": ["pwd"]}},
}
LEFT = {
    "client_id": "ehr.m-ellis",
    "client_secret": "example-left",
    "act_for": {"sub": "m-ellis", "client_id": "ehr", "claims": {"licet_person": "m-ellis", "acr": "mfa"}},
}

_made = {"clinics": []}


def folder():
    if "folder" not in _made:
        _made["folder"] = pathlib.Path(tempfile.mkdtemp(prefix="licet-acceptance-"))
    return _made["folder"]


def servers():
    if "servers" not in _made:
        _made["servers"] = clinic.Servers(folder() / "servers", clients=[TREATS, FORGETFUL, LEFT])
    return _made["servers"]


def open_clinic(name, **more):
    """A clinic that lives until its module ends."""
    made = Clinic(folder() / name, servers(), binary=BINARY, **more)
    _made["clinics"].append(made)
    unittest.addModuleCleanup(made.stop)
    return made


def clinics():
    """All that were opened in this run: their logs and states are searched for leaks."""
    return _made["clinics"]


def end():
    for made in _made["clinics"]:
        made.kill()
    if "servers" in _made:
        _made["servers"].stop()
    if "folder" in _made:
        if os.environ.get("LICET_KEEP"):
            print(f"kept: {_made['folder']}")
        else:
            shutil.rmtree(_made["folder"], ignore_errors=True)


class Case(unittest.TestCase):
    longMessage = True
    maxDiff = None

    def passes(self, answer, status=200):
        self.assertEqual(answer.status, status, f"\n{answer}")
        self.assertTrue(answer.reference, "every answer has a reference")
        try:
            return answer.json() if answer.body else None
        except ValueError as broken:
            self.fail(f"{broken} in\n{answer}")

    def refused(self, answer, reason, status=None):
        """A problem document with that reason, and none of the patients' identifiers. `reason`: one, or several of which one applies."""
        reasons = [reason] if isinstance(reason, str) else list(reason)
        self.assertEqual(answer.headers.get("content-type"), "application/problem+json", f"\n{answer}")
        problem = answer.json()
        self.assertIn(problem["reason"], reasons, f"\n{answer}")
        self.assertEqual(answer.status, problem["status"])
        if status:
            self.assertEqual(answer.status, status)
        self.assertEqual(answer.headers.get("licet-reference"), problem["reference"])
        self.assertEqual(answer.headers.get("cache-control"), "no-store")
        self.assertTrue(problem["title"] and problem["detail"])
        self.assert_clean(answer.body)
        return problem

    def assert_clean(self, data, where="an answer", allow=()):
        found = [line for line in planted_in(data, servers().planted()) if line not in allow]
        self.assertEqual(found, [], f"identifiers in {where}")


FAULTY_PLANTED = ["Faulta Plantedworth", "Plantedworth", "RBC-FAULT-77", "(740) 555-0199", "RmF1bHRhIFBsYW50ZWR3b3J0aC"]


def planted_in(data, lines):
    """Which of the lines occur in data."""
    if isinstance(data, str):
        data = data.encode()
    data = re.sub(rb"\0{64,}", b"\0", data)  # what is only reserved, such as a segment's end
    return [line for line in [*lines, *FAULTY_PLANTED] if line.encode() in data]
