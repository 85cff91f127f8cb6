"""The API against its description, by a stranger: schemathesis (PyPI) makes up requests from docs/api/openapi.yaml. Only with LICET_PEERS=1.

It is installed once into build/parts/schemathesis; where that can't be, everything here is skipped, saying so. How many requests a route:
$LICET_EXAMPLES, 20 unless said otherwise.
"""

import os
import subprocess
import sys
import unittest
import urllib.parse

from clinic import ROOT
from world import Case, open_clinic

VERSION = "4.32.5"
AT = ROOT / "build" / "parts" / "schemathesis"
GATE = None


def setUpModule():
    global GATE
    if os.environ.get("LICET_PEERS") != "1":
        raise unittest.SkipTest("only with --peers")
    if not (AT / "bin" / "schemathesis").exists():
        made = subprocess.run([sys.executable, "-m", "venv", AT], capture_output=True)
        put = made.returncode == 0 and subprocess.run([AT / "bin" / "pip", "install", "-q", f"schemathesis=={VERSION}"], capture_output=True)
        if not put or put.returncode:
            raise unittest.SkipTest("schemathesis can't be installed here (PyPI)")
    GATE = open_clinic("schema")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "as it is"]):
        subprocess.run(["git", "-C", GATE.stack, *command], check=True, capture_output=True)


class Described(Case):
    def test_by_schemathesis(self):
        where = urllib.parse.urlsplit(GATE.console_url)
        key = urllib.parse.parse_qs(where.query)["key"][0]
        run = subprocess.run(
            [
                *(AT / "bin" / "schemathesis", "run", ROOT / "docs/api/openapi.yaml", "--url", f"http://{where.netloc}/api/v1"),
                *("--header", f"Authorization: Bearer {key}", "--phases", "fuzzing", "--max-examples", os.environ.get("LICET_EXAMPLES", "20")),
                *("--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth"),
                # A stream; what makes seconds of work a request; and what stops everything.
                *("--exclude-path-regex", "^/(events|bundle|report|suspend|lift)$", "--seed", "1", "--no-color", "--request-timeout", "20"),
            ],
            capture_output=True,
            text=True,
            cwd=GATE.folder,
            timeout=1500,
        )
        told = "\n".join(line[:300] for line in (run.stdout + run.stderr).splitlines())
        self.assertEqual(run.returncode, 0, told[-12000:])
