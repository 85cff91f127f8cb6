// Bundles over a real ledger on a disk in memory: what is in them, and that nothing in them can be changed unnoticed.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "crypto/keys.h"
#include "proof/findings.h"
#include "proof/internal/csv.h"
#include "proof/internal/html.h"
#include "proof/internal/json.h"
#include "proof/internal/leaves.h"
#include "proof/internal/manifest.h"
#include "proof/verify.h"
#include "store/faulty.h"

namespace licet::proof {
namespace {

using nlohmann::json;

constexpr const char* kStack = R"(kind: stack
id: here
format: 1
tenant: riverbend
timezone: Etc/UTC
---
kind: organization
id: riverbend
name: Riverbend <Clinic>
covered: true
functions: [provider]
---
kind: organization
id: scribe-ai
name: Scribe AI
---
kind: organization
id: other
name: "=cmd|'/c calc'!A1"
---
kind: system
id: ehr
owner: riverbend
---
kind: system
id: scribe
owner: scribe-ai
---
kind: system
id: fax
owner: other
---
kind: agreement
id: baa-scribe
is: baa
up: riverbend
down: scribe-ai
signed: 2026-01-05
effective: 2026-01-10
document: agreements/scribe.txt
---
kind: agreement
id: baa-other
is: baa
up: riverbend
down: other
signed: 2026-01-05
---
kind: route
id: fhir-front
listens: /fhir/
speaks: fhir-r4
serves: ehr
---
kind: flow
id: notes
from: ehr
to: scribe
via: fhir-front
data: [clinical.note]
purposes: [TREAT]
on-behalf-of: riverbend
---
kind: permit
id: scribe-reads
to: scribe
for: [TREAT]
reads: {DocumentReference: [id, type]}
)";

const std::string kOrigin = "licet.example/riverbend/n1";
const Micros kStart = micros(1'795'564'800'000'000);  // 2026-11-25
constexpr auto kHour = std::chrono::hours(1);

rules::Judgment judgment() {
  rules::Judgment j;
  j.as_of = *parse_date("2026-11-25");
  j.under = "under packs test@1; state law not assessed";
  j.packs = {{.id = "test", .version = "1", .status = "in-force", .title = "Test", .effective = {}, .digest = crypto::sha256("pack")}};
  const auto asks = [&](std::string requirement) {
    return std::make_shared<const rules::Asked>(rules::Asked{
        .requirement = std::move(requirement), .cites = {"164.308(b)(1)", "164.502(e)(1)"}, .about = "contract", .under = j.under});
  };
  rules::Finding good{.asked = asks("r-contract"),
                      .subject = "notes",
                      .status = rules::Status::pass,
                      .because = "It is covered.",
                      .witness = R"(["ehr","notes","scribe"])",
                      .facts = R"([{"id":"baa-scribe","at":"stack.yaml:32"}])"};
  rules::Finding bad = good;
  bad.subject = "fax-flow";
  bad.status = rules::Status::fail;
  bad.because = "=No contract covers <fax>.";
  bad.mend = "Sign one.";
  bad.witness = R"(["ehr","fax"])";
  bad.facts = R"([{"id":"x","at":"ledger:3"},{"id":"baa-other","at":"flows.yaml:20"}])";
  rules::Finding open = bad;
  open.status = rules::Status::unknown;
  open.asked = asks("r-training");
  rules::Finding accepted = open;
  accepted.status = rules::Status::accepted;
  accepted.asked = asks("r-zone");
  rules::Finding none = good;
  none.asked = asks("r-nothing");
  none.subject.clear();
  none.status = rules::Status::not_applicable;
  j.findings = {good, bad, none, open, accepted};
  j.grounds = {{.id = "associate:notes",
                .kind = "associate",
                .flow = "notes",
                .recipient = "scribe",
                .classes = {"clinical.note"},
                .purposes = {"TREAT"},
                .agreements = {"baa-scribe"},
                .entity = "riverbend",
                .witness = R"(["riverbend","baa-scribe","scribe-ai","scribe"])",
                .cites = "164.502(e)",
                .because = "riverbend > baa-scribe > scribe-ai"}};
  return j;
}

struct World {
  crypto::SystemRandom random;
  FakeClock clock{kStart};
  std::unique_ptr<crypto::KeyRing> keys;
  store::FaultyFileSystem disk;
  std::unique_ptr<ledger::Ledger> ledger;
  std::vector<stack::Source> sources{{"stack.yaml", kStack, {}}, {"more/empty.yaml", "# nothing\n", {}}};
  stack::Stack stack;
  rules::Judgment judged = judgment();
  std::optional<license::Table> table;

  World() {
    log::set_level(log::Level::error);
    auto made =
        crypto::KeyRing::create(crypto::Secret::random(random), "riverbend", random, [](const std::string&) { return Result<void>(); });
    EXPECT_TRUE(made.ok());
    keys = *std::move(made);
    ledger::Options o;
    o.files = &disk;
    o.folder = "state/ledger";
    o.outside = "state/outside";
    o.quarantine = "state/quarantine";
    o.origin = kOrigin;
    o.keys = keys.get();
    o.clock = &clock;
    o.random = &random;
    o.background = false;
    auto opened = ledger::Ledger::open(o);
    EXPECT_TRUE(opened.ok()) << (opened ? "" : opened.error().message);
    ledger = *std::move(opened);
    auto loaded = stack::load(sources);
    EXPECT_TRUE(loaded.stack) << (loaded.problems.empty() ? "" : loaded.problems.front().text());
    stack = *std::move(loaded.stack);
    stack.digest = crypto::sha256("stack");
    std::ifstream file(std::string(LICET_SOURCE_DIR) + "/packs/classes/fhir-r4.yaml");
    const std::vector<stack::Source> classes{{"fhir-r4.yaml", std::string(std::istreambuf_iterator<char>(file), {}), {}}};
    auto map = license::ClassMap::load(classes);
    EXPECT_TRUE(map.ok());
    auto compiled = license::compile(stack, judged, *std::move(map));
    EXPECT_TRUE(compiled.ok()) << (compiled ? "" : compiled.error().message);
    table.emplace(*std::move(compiled));
  }

  void put(ledger::Draft draft) {
    auto done = ledger->append_and_wait(std::move(draft));
    EXPECT_TRUE(done.ok()) << (done ? "" : done.error().message);
  }
  void put(ledger::Kind kind, std::string exchange, std::string actor, const std::string& patient = {}) {
    ledger::Draft d;
    d.kind = kind;
    d.exchange = std::move(exchange);
    d.leg = ledger::Leg::answer;
    d.actor = std::move(actor);
    d.system = "ehr";
    d.route = "fhir-front";
    d.purpose = "TREAT";
    d.data_class = "clinical.note";
    d.epoch = 1;
    if (kind == ledger::Kind::exchange_refused) {
      d.decision = "refuse";
      d.reason = Reason::no_ground;
    } else if (kind == ledger::Kind::exchange_held) {
      d.decision = "hold";
    } else {
      d.decision = "reduce";
      d.agreements = {"baa-scribe"};
      d.resources = 2;
      d.bytes = 100;
    }
    if (!patient.empty()) d.patients = {ledger->blind("patient", patient, clock.now())};
    d.digest = crypto::sha256(d.exchange);
    put(std::move(d));
  }
  void epoch(std::uint64_t number) {
    ledger::Draft d;
    d.kind = ledger::Kind::epoch;
    d.epoch = number;
    d.payload = R"({"stack":"00"})";
    put(std::move(d));
  }

  // An hour a line: 0 epoch, 1–2 scribe on maria, 3 fax refused, 4 a held one, 5 scribe on devon, 6 lifecycle.
  void day() {
    epoch(1);
    clock.advance(kHour);
    put(ledger::Kind::exchange_sent, "x1", "scribe", "maria-1");
    put(ledger::Kind::exchange_outcome, "x1", "scribe");
    clock.advance(kHour);
    put(ledger::Kind::exchange_sent, "x2", "scribe", "maria-1");
    clock.advance(kHour);
    put(ledger::Kind::exchange_refused, "x3", "fax");
    clock.advance(kHour);
    put(ledger::Kind::exchange_held, "x4", "fax");
    clock.advance(kHour);
    put(ledger::Kind::exchange_sent, "x5", "scribe", "devon-2");
    clock.advance(kHour);
    put(ledger::Draft{});
  }

  ProveInput input() {
    ProveInput in;
    in.stack = &stack;
    in.sources = sources;
    in.judgment = &judged;
    in.table = &*table;
    in.ledger = ledger.get();
    in.key = &keys->log_key();
    in.from = kStart + kHour;
    in.to = kStart + 6 * kHour;
    in.now = clock.now();
    in.build = "0.1.0";
    in.document = [](const std::string& path) -> Result<std::string> {
      if (path == "agreements/scribe.txt") return std::string("the agreement");
      return Error{Code::not_found, path};
    };
    return in;
  }
  Bundle bundle(const ProveInput& in) {
    auto made = make_bundle(in);
    EXPECT_TRUE(made.ok()) << (made ? "" : made.error().message);
    return made ? *std::move(made) : Bundle{};
  }
  [[nodiscard]] ledger::Verifier verifier() const { return {kOrigin, keys->log_key().public_key()}; }
};

std::string& file(Bundle& bundle, std::string_view path) {
  const auto at = std::find_if(bundle.files.begin(), bundle.files.end(), [&](const BundleFile& f) { return f.path == path; });
  EXPECT_NE(at, bundle.files.end()) << path;
  return at->bytes;
}
std::string faults(const Report& report) {
  std::string out;
  for (const std::string& f : report.faults) out += f + "\n";
  return out;
}
std::size_t count_lines(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// What a holder of the log key could do: change files and sign again.
void sign_again(
    Bundle& bundle, const crypto::Ed25519Key& key, const std::function<void(json&)>& more = [](json&) {}) {
  json manifest = json::parse(file(bundle, kManifest));
  for (json& f : manifest["files"]) {
    const std::string& bytes = file(bundle, f["path"].get<std::string>());
    f["bytes"] = bytes.size();
    f["sha256"] = hex(crypto::sha256(bytes));
  }
  more(manifest);
  file(bundle, kManifest) = manifest.dump() + "\n";
  file(bundle, kSignature) = ledger::sign_note(manifest_note(crypto::sha256(file(bundle, kManifest))), kOrigin, key);
}

// ---- findings

TEST(Findings, JsonIsTheDocumentedShape) {
  rules::Judgment j = judgment();
  j.findings.resize(2);
  EXPECT_EQ(
      findings_json(j),
      R"j({"as_of":"2026-11-25","findings":[{"because":"It is covered. (under packs test@1; state law not assessed)","cites":["164.308(b)(1)","164.502(e)(1)"],"facts":[{"at":"stack.yaml:32","id":"baa-scribe"}],"mend":"","requirement":"r-contract","status":"pass","subject":"notes","witness":["ehr","notes","scribe"]},)j"
      R"j({"because":"=No contract covers <fax>. (under packs test@1; state law not assessed)","cites":["164.308(b)(1)","164.502(e)(1)"],"facts":[{"at":"ledger:3","id":"x"},{"at":"flows.yaml:20","id":"baa-other"}],"mend":"Sign one.","requirement":"r-contract","status":"fail","subject":"fax-flow","witness":["ehr","fax"]}],)j"
      R"j("packs":[{"id":"test","status":"in-force","version":"1"}],"summary":{"accepted":0,"fail":1,"not-applicable":0,"pass":1,"stale":0,"unknown":0}})j");
}

TEST(Findings, SarifHoldsWhatIsAmissWithItsPlace) {
  const json sarif = json::parse(findings_sarif(judgment(), "0.1.0"));
  EXPECT_EQ(sarif["version"], "2.1.0");
  const json& run = sarif["runs"][0];
  ASSERT_EQ(run["results"].size(), 3U);
  const json& fail = run["results"][0];
  EXPECT_EQ(fail["kind"], "fail");
  EXPECT_EQ(fail["level"], "error");
  EXPECT_EQ(fail["message"]["text"], "=No contract covers <fax>. (under packs test@1; state law not assessed) Mend: Sign one.");
  EXPECT_EQ(fail["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "flows.yaml");
  EXPECT_EQ(fail["locations"][0]["physicalLocation"]["region"]["startLine"], 20);
  EXPECT_EQ(run["tool"]["driver"]["rules"][fail["ruleIndex"].get<std::size_t>()]["id"], fail["ruleId"]);
  EXPECT_EQ(run["results"][1]["kind"], "open");
  EXPECT_EQ(run["results"][1]["level"], "none");
  EXPECT_EQ(run["results"][2]["suppressions"][0]["status"], "accepted");
}

// ---- cells and pages

TEST(Csv, QuotesAndDefends) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"plain", "plain"},    {"", ""},
      {"a,b", "\"a,b\""},    {"say \"hi\"", "\"say \"\"hi\"\"\""},
      {"=1+1", "\"'=1+1\""}, {"+1", "\"'+1\""},
      {"-1", "\"'-1\""},     {"@x", "\"'@x\""},
      {"\tx", "\"'\tx\""},   {"two\nlines", "\"two\nlines\""},
      {" =1", "\"' =1\""},   {"a=1", "a=1"},
      {" a", "\" a\""},
  };
  for (const auto& [text, cell] : cases) EXPECT_EQ(csv_cell(text), cell);
}

TEST(Html, EscapesEveryCell) {
  const std::string table = html_table("<c>", {"<h>"}, {{"<r>", "\"&'"}});
  EXPECT_EQ(table.find("<r>"), std::string::npos);
  EXPECT_NE(table.find("&lt;c&gt;"), std::string::npos);
  EXPECT_NE(table.find("&quot;&amp;&#39;"), std::string::npos);
}

// ---- bundles

TEST(Prove, HoldsWhatItPromisesAndVerifies) {
  World w;
  w.day();
  Bundle b = w.bundle(w.input());
  for (const char* path : {"index.html",    "findings.json",  "findings.csv",      "findings.html",        "licenses.json",
                           "licenses.csv",  "grounds.json",   "grounds.csv",       "exchanges.csv",        "refusals.csv",
                           "tools.csv",     "agreements.csv", "ledger/checkpoint", "ledger/entries.jsonl", "ledger/proofs.jsonl",
                           "manifest.json", "manifest.sig",   "key.txt",           "stack/stack.yaml",     "stack/more/empty.yaml"})
    EXPECT_FALSE(file(b, path).empty()) << path;
  const Report report = verify_bundle(b.files, w.verifier());
  EXPECT_TRUE(report.ok()) << faults(report);
  EXPECT_TRUE(verify_bundle(b.files).ok());

  EXPECT_EQ(b.entries, 6U);
  EXPECT_EQ(count_lines(file(b, "ledger/entries.jsonl")), 8U) << "the period and a fence on either side";
  EXPECT_EQ(count_lines(file(b, "exchanges.csv")), 7U);
  EXPECT_EQ(count_lines(file(b, "refusals.csv")), 3U);
  EXPECT_NE(file(b, "refusals.csv").find(",no-ground,No lawful ground on record covers this."), std::string::npos);
  EXPECT_NE(file(b, "tools.csv").find("scribe,,ehr,clinical.note,TREAT,,baa-scribe,,,3,6,0,300,2,2026-11-25T01:00:00"), std::string::npos)
      << file(b, "tools.csv");
  EXPECT_NE(file(b, "agreements.csv").find(hex(crypto::sha256("the agreement")) + ",,no digest declared"), std::string::npos)
      << file(b, "agreements.csv");
  EXPECT_NE(file(b, "findings.csv").find("\"'=No contract"), std::string::npos) << "a spreadsheet must not run it";
  EXPECT_EQ(file(b, "findings.html").find("<fax>"), std::string::npos);
  EXPECT_NE(file(b, "index.html").find("recognizes no certificate"), std::string::npos);
  EXPECT_EQ(file(b, "index.html").find("http"), file(b, "index.html").find("http-equiv")) << "nothing from outside";
  const json manifest = json::parse(file(b, kManifest));
  EXPECT_EQ(manifest["complete"], true);
  EXPECT_EQ(manifest["ephi"], false);
  EXPECT_EQ(manifest["files"].size(), b.files.size() - 2);
  for (const BundleFile& f : b.files)
    for (const char* id : {"maria-1", "devon-2"}) EXPECT_EQ(f.bytes.find(id), std::string::npos) << f.path;
}

TEST(Prove, TheSameInputGivesTheSameBytes) {
  World w;
  w.day();
  const Bundle a = w.bundle(w.input()), b = w.bundle(w.input());
  ASSERT_EQ(a.files.size(), b.files.size());
  for (std::size_t i = 0; i < a.files.size(); ++i) EXPECT_EQ(a.files[i].bytes, b.files[i].bytes) << a.files[i].path;
  EXPECT_EQ(a.manifest, b.manifest);
}

TEST(Prove, PeriodsAtEveryEdgeVerify) {
  World w;
  w.day();
  for (int from = -2; from < 9; ++from)
    for (int to = from + 1; to < 10; ++to) {
      ProveInput in = w.input();
      in.from = kStart + from * kHour;
      in.to = kStart + to * kHour;
      const Bundle b = w.bundle(in);
      const Report report = verify_bundle(b.files, w.verifier());
      EXPECT_TRUE(report.ok()) << from << ".." << to << "\n" << faults(report);
    }
  ProveInput in = w.input();
  in.to = in.from;
  EXPECT_EQ(make_bundle(in).error().code, Code::invalid_argument);
}

TEST(Prove, AnEmptyLedgerIsShownAsSuch) {
  World w;
  const Bundle b = w.bundle(w.input());
  const Report report = verify_bundle(b.files, w.verifier());
  EXPECT_TRUE(report.ok()) << faults(report);
  EXPECT_EQ(b.entries, 0U);
}

TEST(Prove, NarrowedToAVendor) {
  World w;
  w.day();
  ProveInput in = w.input();
  in.vendor = "scribe-ai";
  Bundle b = w.bundle(in);
  EXPECT_TRUE(verify_bundle(b.files, w.verifier()).ok()) << faults(verify_bundle(b.files, w.verifier()));
  EXPECT_EQ(file(b, "exchanges.csv").find(",exchange.refused,"), std::string::npos);
  EXPECT_EQ(count_lines(file(b, "exchanges.csv")), 5U);
  EXPECT_EQ(file(b, "agreements.csv").find("baa-other"), std::string::npos);
  EXPECT_EQ(json::parse(file(b, "findings.json"))["findings"].size(), 2U);
  EXPECT_NE(file(b, "ledger/entries.jsonl").find("\"kind\":\"epoch\""), std::string::npos) << "the epoch that they stand on";
  EXPECT_EQ(json::parse(file(b, kManifest))["complete"], false);
  in.vendor = "nobody";
  EXPECT_EQ(make_bundle(in).error().code, Code::invalid_argument);
}

TEST(Prove, NarrowedToAPatientIsEphiAndSaysSo) {
  World w;
  w.day();
  ProveInput in = w.input();
  auto blinds =
      patient_blinds(*w.ledger, Phi<std::string>("maria-1"), in.from - std::chrono::hours(24 * 400), in.to + std::chrono::hours(24 * 400));
  ASSERT_TRUE(blinds.ok());
  ASSERT_EQ(blinds->size(), 1U) << "only months in which the ledger has entries";
  in.patients = *blinds;
  Bundle b = w.bundle(in);
  EXPECT_TRUE(verify_bundle(b.files, w.verifier()).ok());
  EXPECT_EQ(count_lines(file(b, "exchanges.csv")), 4U) << file(b, "exchanges.csv");
  EXPECT_EQ(file(b, "exchanges.csv").find(",x5,"), std::string::npos);
  EXPECT_NE(file(b, "index.html").find("electronic protected health information"), std::string::npos);
  EXPECT_EQ(json::parse(file(b, kManifest))["ephi"], true);
}

TEST(Prove, WritesAFolderOnceAndReadsItBack) {
  World w;
  w.day();
  const Bundle b = w.bundle(w.input());
  store::FaultyFileSystem disk;
  ASSERT_TRUE(write_bundle(disk, "out/evidence", b).ok());
  EXPECT_TRUE(is_bundle(disk, "out/evidence"));
  EXPECT_FALSE(is_bundle(w.disk, "state/ledger"));
  auto read = read_bundle(disk, "out/evidence");
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->size(), b.files.size());
  EXPECT_TRUE(verify_bundle(*read, w.verifier()).ok());
  EXPECT_EQ(write_bundle(disk, "out/evidence", b).error().code, Code::already_exists);
  EXPECT_EQ(read_bundle(disk, "nowhere").error().code, Code::not_found);
}

// ---- breaking them

TEST(Verify, NoticesEachFlippedBit) {
  World w;
  w.day();
  ProveInput in = w.input();
  in.to = in.from + kHour;  // few entries: each flip costs a whole verification
  const Bundle sound = w.bundle(in);
  std::size_t flips = 0;
  for (std::size_t i = 0; i < sound.files.size(); ++i) {
    const std::string& bytes = sound.files[i].bytes;
    // Each byte of the files that a signature alone protects, a bit further each time; of the others a spread.
    const bool each = sound.files[i].path == kSignature || sound.files[i].path == kKey || sound.files[i].path == kCheckpoint;
    const std::size_t stride = each ? 7 : std::max<std::size_t>(bytes.size() * 8 / 24, 1) | 1;
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += stride) {
      Bundle b = sound;
      b.files[i].bytes[bit / 8] = static_cast<char>(b.files[i].bytes[bit / 8] ^ (1 << bit % 8));
      const Report report = verify_bundle(b.files, flips % 2 == 0 ? std::optional(w.verifier()) : std::nullopt);
      ASSERT_FALSE(report.ok()) << b.files[i].path << " bit " << bit;
      // A damaged key makes every signature wrong, and a damaged manifest may misname the files that it lists: they needn't be named alone.
      const bool named =
          std::any_of(report.faults.begin(), report.faults.end(), [&](const std::string& f) { return f.starts_with(b.files[i].path); });
      ASSERT_TRUE(named || b.files[i].path == kKey || b.files[i].path == kManifest) << b.files[i].path << " bit " << bit << "\n"
                                                                                    << faults(report);
      ++flips;
    }
  }
  EXPECT_GT(flips, 700U);
}

TEST(Verify, NamesFilesThatAreMissingOrExtra) {
  World w;
  w.day();
  const Bundle sound = w.bundle(w.input());
  for (std::size_t i = 0; i < sound.files.size(); ++i) {
    Bundle b = sound;
    const std::string path = b.files[i].path;
    b.files.erase(b.files.begin() + static_cast<std::ptrdiff_t>(i));
    const Report report = verify_bundle(b.files, w.verifier());
    EXPECT_NE(faults(report).find(path + ": it is missing"), std::string::npos) << path << "\n" << faults(report);
  }
  Bundle b = sound;
  b.files.push_back({"zz.txt", "hello"});
  EXPECT_EQ(faults(verify_bundle(b.files)), "zz.txt: the manifest doesn't name it\n");
  EXPECT_FALSE(verify_bundle({}, w.verifier()).ok());
  EXPECT_FALSE(verify_bundle({}).ok());
}

TEST(Verify, AnotherKeyIsNotTheTrustedOne) {
  World w, stranger;
  stranger.day();
  const Bundle b = stranger.bundle(stranger.input());
  EXPECT_TRUE(verify_bundle(b.files).ok()) << "sound by its own key";
  EXPECT_FALSE(verify_bundle(b.files, w.verifier()).ok());
}

// Even who holds the key can't make the tables say what the log doesn't.
TEST(Verify, TablesMustFollowFromTheLog) {
  World w;
  w.day();
  const Bundle sound = w.bundle(w.input());
  {
    Bundle b = sound;
    std::string& csv = file(b, kExchanges);
    csv.replace(csv.find(",scribe,"), 8, ",nobody,");
    sign_again(b, w.keys->log_key());
    EXPECT_EQ(faults(verify_bundle(b.files, w.verifier())), "exchanges.csv: line 2 isn't what the ledger's entries say\n");
  }
  {
    Bundle b = sound;
    std::string& entries = file(b, kEntries);
    entries.replace(entries.find("\"x2\""), 4, "\"y2\"");
    sign_again(b, w.keys->log_key());
    EXPECT_NE(faults(verify_bundle(b.files, w.verifier())).find("ledger/entries.jsonl: entry 3 is not the one in the log"),
              std::string::npos);
  }
  {
    // A refusal is left out, tables and manifest made to fit.
    Bundle b = sound;
    const auto drop = [](std::string& text, std::size_t line) {
      std::size_t at = 0;
      for (std::size_t i = 0; i < line; ++i) at = text.find('\n', at) + 1;
      text.erase(at, text.find('\n', at) + 1 - at);
    };
    drop(file(b, kEntries), 4);
    drop(file(b, kProofs), 4);
    drop(file(b, kExchanges), 4);
    drop(file(b, kRefusals), 1);
    sign_again(b, w.keys->log_key(), [](json& m) { m["entries"] = 7; });
    EXPECT_EQ(faults(verify_bundle(b.files, w.verifier())), "ledger/entries.jsonl: the entries from 4 to 4 are missing\n");
  }
}

TEST(Verify, WhatIsNoBundleIsRefusedCalmly) {
  World w;
  w.day();
  const Bundle sound = w.bundle(w.input());
  for (const std::string_view junk : {"", "{}", "[]", "null", "{\"files\":3}", "{\"files\":[3,{}]}", "\xff\xfe"}) {
    for (std::size_t i = 0; i < sound.files.size(); ++i) {
      Bundle b = sound;
      b.files[i].bytes = junk;
      EXPECT_FALSE(verify_bundle(b.files, w.verifier()).ok()) << b.files[i].path << " " << junk;
      if (b.files[i].path == kManifest || b.files[i].path == kSignature || b.files[i].path == kKey) continue;
      sign_again(b, w.keys->log_key());
      (void)verify_bundle(b.files, w.verifier());  // must not crash, whatever a signer wrote
    }
  }
}

}  // namespace
}  // namespace licet::proof
