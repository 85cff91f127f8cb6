"""licet import: what other tools know becomes a layer that loads, that people override, and that lets nothing pass."""

import json
import re

from cli import Temporary, licet

CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "metadata": {"component": {"type": "application", "bom-ref": "app", "name": "Patient Portal"}},
    "services": [
        {
            "bom-ref": "s1",
            "name": "Mail API",
            "provider": {"name": "Mail Corp"},
            "endpoints": ["https://api.mail.example/v1"],
            "x-trust-boundary": True,
            "data": [{"flow": "inbound", "classification": "PII", "name": "addresses"}, {"flow": "bi-directional", "classification": "public"}],
            "services": [{"name": "Mail Templates", "provider": {"name": "Mail Corp"}}],
        }
    ],
}
TERRAFORM = {
    "version": 4,
    "resources": [
        {
            "mode": "managed",
            "type": "aws_s3_bucket",
            "name": "notes",
            "instances": [{"attributes": {"bucket": "clinic-notes", "region": "us-east-1", "id": "clinic-notes"}}],
        },
        {
            "mode": "managed",
            "type": "aws_s3_bucket_server_side_encryption_configuration",
            "name": "notes",
            "instances": [{"attributes": {"bucket": "clinic-notes"}}],
        },
        {
            "mode": "managed",
            "type": "aws_db_instance",
            "name": "ehr",
            "instances": [
                {
                    "attributes": {
                        "identifier": "ehr",
                        "storage_encrypted": False,
                        "password": "hunter2-secret",
                        "arn": "arn:aws:rds:eu-west-1:123456789012:db:ehr",
                    }
                }
            ],
        },
        {"mode": "data", "type": "aws_s3_bucket", "name": "other", "instances": [{"attributes": {"bucket": "not-ours"}}]},
    ],
}
SHOWN = {
    "format_version": "1.0",
    "values": {
        "root_module": {
            "child_modules": [
                {
                    "resources": [
                        {
                            "address": "module.a.google_storage_bucket.b",
                            "mode": "managed",
                            "type": "google_storage_bucket",
                            "values": {"name": "b", "location": "US-EAST1"},
                        }
                    ]
                }
            ]
        }
    },
}
OSCAL = {
    "component-definition": {
        "uuid": "a7ba800c-a432-44cd-9075-0862cd66da6b",
        "metadata": {"title": "t", "parties": [{"uuid": "p1", "type": "organization", "name": "Vault Inc"}]},
        "components": [
            {"uuid": "c1", "type": "software", "title": "Vault", "responsible-roles": [{"role-id": "provider", "party-uuids": ["p1"]}]},
            {"uuid": "c2", "type": "policy", "title": "A policy"},
        ],
    }
}
BACKSTAGE = """apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: portal, annotations: {x: y}}
spec: {type: website, lifecycle: production, owner: team-a, dependsOn: ["resource:default/chart-db"], consumesApis: [notes-api, who-knows]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: notes}
spec: {type: service, lifecycle: experimental, owner: team-b, providesApis: [notes-api]}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: chart-db}
spec: {type: database, owner: team-b}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-a}
spec: {type: team}
"""
THREAGILE = """threagile_version: 1.0.0
title: A clinic
technical_assets:
  Web App:
    id: web
    encryption: none
    communication_links:
      Reads charts:
        target: db
        protocol: sql-access-protocol-encrypted
        data_assets_sent: [queries]
        data_assets_received: [charts]
  Chart DB:
    id: db
    encryption: data-with-symmetric-shared-key
"""
FIDES = """system:
  - fides_key: ehr_sys
    name: EHR System
    egress:
      - {fides_key: mailer, type: system, data_categories: [user.contact.email]}
      - {fides_key: user, type: user}
  - fides_key: mailer
    name: Mailer
"""
CSV = """Name,Vendor,Region,URL,Encrypted,Environment
"Notes, Inc. app","Notes, Inc.",us east,https://notes.example,yes,production
=cmd|'/c calc',"Quote ""Q"" LLC",,javascript:alert(1),no,
"""


class Import(Temporary):
    def setUp(self):
        super().setUp()
        self.stack = self.folder / "elm"
        self.assertEqual(licet("init", self.stack, "--name", "Elm Street Clinic", "--yes")[0], 0)
        text = "".join(p.read_text() for p in self.stack.rglob("*.yaml"))
        self.owner = re.search(r"kind: organization\nid: (\S+)", text)[1]
        self.before = licet("check", self.stack, "--format", "json")[1]

    def bring(self, form, content, *more):
        file = self.folder / f"their-{form}"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        code, out, err = licet("import", form, file, "--owner", self.owner, "--into", self.stack, *more)
        self.assertEqual(code, 0, err)
        return (self.stack / "imported" / f"{form}.yaml").read_text(), err

    def check(self):
        code, out, err = licet("check", self.stack, "--format", "json")
        self.assertIn(code, (0, 1), err)
        return json.loads(out)

    def test_every_format_loads_and_is_replaced(self):
        table = [
            ("cyclonedx", CYCLONEDX, ["patient-portal", "mail-api", "mail-templates", "mail-corp"], 2),
            ("terraform", TERRAFORM, ["clinic-notes", "ehr", "amazon-web-services"], 0),
            ("oscal", OSCAL, ["vault", "vault-inc"], 0),
            ("backstage", BACKSTAGE, ["portal", "notes", "chart-db"], 3),
            ("threagile", THREAGILE, ["web-app", "chart-db"], 2),
            ("fides", FIDES, ["ehr-system", "mailer"], 1),
            ("csv", "Vendor,Purpose,Website\nNotes Inc,notes,https://notes.example\n", ["notes-inc"], 0),
            ("csv", "vendor_id,name,approved\n1,Notes Inc,Y\n", ["notes-inc"], 0),
            ("csv", CSV, ["notes-inc-app", "notes-inc", "cmd-c-calc", "quote-q-llc"], 0),
        ]
        for form, content, ids, flows in table:
            with self.subTest(form):
                text, err = self.bring(form, content)
                for wanted in ids:
                    self.assertRegex(text, rf"(?m)^id: {wanted}$")
                self.assertEqual(text.count("kind: flow"), flows, text)
                self.assertEqual(text.count("data: [unclassified]"), flows)
                self.check()
                self.assertEqual(self.bring(form, content)[0], text, "same bytes")
                (self.stack / "imported" / f"{form}.yaml").unlink()

    def test_what_is_taken_of_a_terraform_state_and_what_never_is(self):
        text, err = self.bring("terraform", TERRAFORM)
        self.assertRegex(text, r'id: clinic-notes\nname: "clinic-notes"\nowner: "amazon-web-services"\nregion: "us-east-1"\nencrypted: true')
        self.assertRegex(text, r'id: ehr\nname: "ehr"\nowner: "amazon-web-services"\nregion: "eu-west-1"\nencrypted: false')
        self.assertNotIn("hunter2", text + err)
        self.assertNotIn("not-ours", text)
        text, err = self.bring("terraform", SHOWN)
        self.assertIn('region: "us-east1"', text)
        self.assertIn("google-cloud", text)

    def test_nothing_passes_until_somebody_says_what_flows(self):
        self.bring("cyclonedx", CYCLONEDX)
        report = self.check()
        flow = "patient-portal-to-mail-api"
        said = [f for f in report["findings"] if f["subject"] == flow and f["status"] in ("fail", "unknown", "stale")]
        self.assertTrue(said, "an imported flow is asked about")
        code, out, err = licet("check", self.stack, "--may", "mail-api", "--data", "clinical.note")
        self.assertEqual(code, 1, out + err)
        # Their own layer overrides the import, field by field, and a new import leaves it standing.
        (self.stack / "mail.yaml").write_text(
            f"kind: flow\nid: {flow}\ndata: [admin.contact]\npurposes: [HOPERAT]\non-behalf-of: {self.owner}\n"
        )
        self.bring("cyclonedx", CYCLONEDX)
        after = [f for f in self.check()["findings"] if f["subject"] == flow]
        self.assertIn("agreement", json.dumps(after))

    def test_a_comment_or_a_name_can_not_break_out(self):
        evil = dict(CYCLONEDX)
        evil["services"] = [
            {
                "name": 'x"\nkind: permit\nid: stolen\nto: x',
                "provider": {"name": "P: {a: b}"},
                "data": [{"flow": "inbound", "classification": "a\n---\nkind: permit\nid: stolen2\nto: x"}],
            }
        ]
        text, err = self.bring("cyclonedx", evil)
        self.assertNotRegex(text, r"(?m)^kind: permit")
        self.check()

    def test_what_is_not_of_the_format(self):
        for form, content in (
            ("cyclonedx", "{}"),
            ("cyclonedx", "[" * 100000),
            ("terraform", '{"version": 3}'),
            ("oscal", '{"catalog": {}}'),
            ("backstage", "kind: Component\n"),
            ("threagile", "title: x\n"),
            ("threagile", "a: [\n"),
            ("fides", "dataset: []\n"),
            ("csv", "a,b\n1,2\n"),
            ("csv", 'name\n"open\n'),
            ("nonsense", "{}"),
        ):
            with self.subTest(f"{form}: {content[:20]}"):
                file = self.folder / "wrong"
                file.write_text(content)
                code, out, err = licet("import", form, file, "--owner", self.owner)
                self.assertEqual((code, out), (2, ""), err)
                self.assertIn("licet: ", err)
        file.write_text(json.dumps(CYCLONEDX))
        code, out, err = licet("import", "cyclonedx", file)
        self.assertEqual(code, 2)
        self.assertIn("--owner", err)
