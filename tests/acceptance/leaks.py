"""The records' identifiers are looked for in all that the run so far has left behind: logs, errors, metrics, state."""

import pathlib

from world import Case, clinics, folder, open_clinic, planted_in, servers

GATE = None


def setUpModule():
    """Something to find, even when this module runs alone: refusals and answers of every kind."""
    global GATE
    GATE = open_clinic("leaks")
    for n in range(1, 13):
        for path in (
            f"Patient/p-{n:04}",
            f"DocumentReference/doc-{n:04}",
            f"Observation/obs-{n:04}",
            f"Patient?name=Sandoval&birthdate=1979-03-14&_id=p-{n:04}",
        ):
            for who in (
                {"cert": "scribe.example"},
                {"cert": "referral.example", "purpose": "TREAT"},
                {"cert": "acme-ai.example"},
                {"cert": "counsel.example"},
                {"token": "patient-app.maria", "purpose": "PATRQT"},
                {"token": "ehr.dr-lee", "purpose": "TREAT"},
                {},
            ):
                answer = GATE.get(f"/fhir/{path}", **who)
                if answer.status >= 400:
                    GATE.refusals.append(str(answer.headers).encode())
    for kind, more in (("consent", ["--class", "special.sud"]), ("restriction", []), ("coverage", [])):
        GATE.licet("record", kind, "--patient", "p-0012", "--subject", "meridian" if kind == "coverage" else "lakeside", *more, *GATE.at)
    GATE.restart()


def words_of(gate):
    """What the declaration itself says is no leak: the state keeps snapshots of it."""
    text = b"\n".join(p.read_bytes() for p in gate.stack.rglob("*") if p.is_file())
    return set(planted_in(text, servers().planted()))


class Nothing(Case):
    def look(self, data, where, gate):
        self.assertEqual([w for w in planted_in(data, servers().planted()) if w not in words_of(gate)], [], where)

    def test_in_what_the_program_prints(self):
        for gate in clinics():
            for log in sorted(gate.folder.glob("licet.*")):
                if log.suffix in (".out", ".err"):
                    with self.subTest(f"{gate.folder.name}/{log.name}"):
                        self.look(log.read_bytes(), log, gate)

    def test_in_refusals(self):
        for gate in clinics():
            own = b"\n".join(b for b in gate.refusals if b"OperationOutcome" not in b)  # a full view shows the EHR's own errors
            with self.subTest(gate.folder.name):
                self.look(own, "refusals", gate)

    def test_in_metrics_and_the_console(self):
        for path in (
            "/metrics",
            "/healthz",
            "/",
            "/api/v1/status",
            "/api/v1/licenses",
            "/api/v1/findings",
            "/api/v1/exchanges",
            "/api/v1/grounds",
        ):
            with self.subTest(path):
                answer = GATE.console(path)
                self.assertEqual(answer.status, 200, answer)
                self.look(answer.body, path, GATE)
        self.assertRegex(GATE.console("/metrics").body, rb"(?m)^licet_\w+")

    def test_in_what_rests(self):
        for gate in clinics():
            if not gate.state.exists():
                continue
            with self.subTest(gate.folder.name):
                data = b"\n".join(p.read_bytes() for p in sorted(gate.state.rglob("*")) if p.is_file())
                self.look(data, gate.state, gate)

    def test_in_explanations_without_the_key(self):
        """An officer's explanation names no patient in the clear either: its entries hold blind indexes."""
        answer = GATE.get("/fhir/DocumentReference/doc-0001", "acme-ai.example")
        self.look(GATE.explain(answer.reference), "explain", GATE)

    def test_the_search_itself_finds(self):
        self.assertIn("Sandoval", planted_in(b"x Maria Sandoval y", servers().planted()))
        whole = GATE.get("/fhir/Patient/p-0001", "referral.example", purpose="TREAT").body
        self.assertTrue(planted_in(whole, servers().planted()))
        self.assertTrue(pathlib.Path(folder()).exists())
