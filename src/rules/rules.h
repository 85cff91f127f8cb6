// Runs packs (the law as data) over the relations: findings (what is amiss, with a witness) and grounds (what is lawful, with a witness).
//
//   LICET_TRY(pack, rules::load_pack(files));                       // the YAML files of packs/hipaa-baa-2013
//   LICET_TRY(judgment, rules::judge(relations, packs, as_of));
//
// Pure: in-memory SQLite only, an authorizer that allows only reads, no clock: `:as_of` is the date judged. Same bytes in, same bytes out.
// Any thread. A pack is untrusted input: bounded steps, memory and rows.
// Errors: invalid_argument (file:line and what the pack does wrong), exhausted (a rule ran beyond its limits).
// Docs: docs/packs.md (the views and their columns), design §6 and §7.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "stack/stack.h"

namespace licet::rules {

enum class Status : std::uint8_t { pass, fail, unknown, not_applicable, accepted, stale };
[[nodiscard]] std::string_view name(Status status);  // "not-applicable"

// What a failing requirement does to access that stands on a ground of some kind.
struct Effect {
  enum class What : std::uint8_t { block, grace, alarm } what = What::block;
  int grace_days = 0;  // from the day on which the fact lapsed (the finding's `since`)
};

struct Requirement {
  std::string id;
  std::vector<std::string> cites;
  std::string source;  // law | contract | policy | proposed
  std::string about;   // contract | ground | program
  std::string level;   // standard | required | addressable
  std::string asks;
  std::string proves;
  std::map<std::string, Effect> effect;  // by ground kind; "default"
  std::string each, check, mend;
  std::string notes;                             // where it comes from, and what of it is not certain; may be empty
  std::string none;                              // the sentence where the population is empty
  std::string meets;                             // training: a pass on a person meets that condition of a permit; else empty
  std::vector<std::string> needs;                // columns of `each` that must be known
  std::map<std::string, std::string> questions;  // for each of them: what to ask, as a template like `mend`
  std::map<std::string, std::string> never;      // statuses that can't come up, and why: the cases need not have them
  std::string file;
  std::uint32_t line = 0;
};

// Which term or clause a finding is about, in which agreement, and what is asked of it: for letters.
struct Gap {
  std::string term;  // id of a Clause
  std::string agreement, needs;
  std::string words;  // its own sentence, where `because` holds several
};

// What the findings of one requirement have in common. They share it: a declaration of 10,000 systems has half a million findings.
struct Asked {
  std::string requirement;
  std::vector<std::string> cites;
  std::string about, source, level;
  std::string meets;
  std::map<std::string, Effect> effect;  // counts against access where the finding is fail, stale or unknown
  std::string under;                     // of the judgment
};

struct Finding {
  std::shared_ptr<const Asked> asked;  // never null
  std::string subject;                 // id of a declared thing; empty for not-applicable (the population was empty)
  Status status = Status::unknown;
  std::string because;  // why; sentence() ends it with the packs
  std::string witness;  // JSON array: the path it stands on, e.g. ["ehr","notes-to-scribe","scribe"]
  std::string facts;    // JSON array of {"id","at"}: the documents and facts it was read from, at = file:line or ledger:INDEX
  std::string mend;     // filled in
  std::vector<Gap> gaps;
  std::optional<Date> since;  // the day from which it fails, where the rule says so (for grace)
  std::optional<Date> until;  // the next day on which this verdict can change by time alone

  // THE sentence, ending "(under packs X; state law not assessed)": check, the refusal and the evidence print it.
  [[nodiscard]] std::string sentence() const;
  [[nodiscard]] std::vector<std::string> about_ids() const;  // the ids in `facts`
};

// A row of a pack's ground query: what is lawful, for whom, how far (design §7).
struct Ground {
  std::string id;  // stable: kind:flow[:more]
  std::string
      kind;  // workforce | individual | treatment | payment | operations | associate | limited-data-set | deidentified | authorization | …
  std::string flow;       // the flow that it carries; empty: any flow to the recipient (then `recipient` is a person, role or "individual")
  std::string recipient;  // system id, person id, role id, or "individual"
  std::vector<std::string> classes;   // patterns; special.* and unclassified by name only
  std::vector<std::string> purposes;  // codes
  std::vector<std::string> regions;   // empty: any
  std::string whose = "all";          // all | compartment | members | panel | named
  std::vector<std::string> patients;  // opaque tokens, for `named`
  std::string form = "identified";    // at most
  bool minimum_necessary = true;
  bool accountable = false;
  bool hold = false;                    // a person must release each use of it
  std::vector<std::string> asks_for;    // conditions of the ground: names of bits (mfa, …)
  std::optional<Date> from, until;      // last day in force
  std::vector<std::string> agreements;  // ids in the witness chain
  std::string effect_as;                // the key of `effect` that findings touch it by: its kind, unless the pack says another
  std::string entity;                   // covered entity that it serves
  std::string witness;                  // JSON array
  std::string cites;                    // "164.502(e)"
  std::string because;                  // plain words: "riverbend > baa-scribe-2026 > scribe-ai"
};

// What the law forbids whatever the ground (sale, psychotherapy notes, …): rows too.
struct Prohibition {
  std::string id;
  std::string flow;  // empty: everywhere
  std::vector<std::string> classes;
  std::vector<std::string> purposes;
  std::vector<std::string> unless;  // ground kinds that lift it (e.g. authorization for psychotherapy notes)
  std::string because;
  std::string cites;
};

struct PackInfo {
  std::string id, version, status, title;  // status: in-force | proposed | superseded | withdrawn
  std::optional<Date> effective;
  Digest digest{};  // filled by the caller who has crypto
};

// A clause or term of an agreement: the rules that it becomes here, and what to write to the other party where it is amiss.
struct Clause {
  std::string id;
  std::string cite;  // in `clauses` of an agreement; or
  std::string path;  // of a field of it: terms.offshore. Neither: only for letters
  std::vector<std::string> cites;
  std::string asks;
  std::string by;                                         // gate | judge | nobody: a promise that nothing here can see
  std::string control;                                    // what is done, in a sentence
  std::vector<std::string> rules;                         // ids of requirements, grounds and prohibitions; the first is the clause's own
  std::vector<std::string> purposes, decisions, reasons;  // which entries of the ledger are the rule at work; an empty list is any
  std::string amendment;                                  // with {up} {down} {agreement} {subject} {needs}
  std::string file;
  std::uint32_t line = 0;

  [[nodiscard]] bool shows() const { return !purposes.empty() || !decisions.empty() || !reasons.empty(); }
};
struct Letter {
  std::string draft, opening, closing;
};

struct Pack {
  PackInfo info;
  std::vector<Clause> clauses;
  Letter letter;
  std::vector<Requirement> requirements;
  struct Query {
    std::string id, sql, file, kind;  // kind: the ground's kind (for prohibitions: empty)
    std::uint32_t line = 0;
    std::vector<std::string> cites;
  };
  std::vector<Query> grounds, prohibitions, views;
  // The law's own list, where the pack carries it: every paragraph of the sections that it is about, with its level and title. load_pack()
  // refuses a pack that cites a paragraph of those sections which isn't there, or gives it another level.
  struct Citation {
    std::string cite, level, title;  // level: general | standard | required | addressable
  };
  std::vector<Citation> citations;
  struct Case {
    std::string requirement, expect;   // expect: a Status name or "outside", "ground"/"no-ground", or "prohibition"/"no-prohibition"
    std::string yaml;                  // a small declaration (kind: stack may be left out)
    std::string change;                // laid over it as decisions: its fields win
    std::vector<std::string> without;  // documents of `yaml` to leave out, by id
    std::vector<stack::Fact> facts;
    std::string subject, as_of;  // as_of empty: kCaseDate
    std::string says;            // words that `because` must hold; empty: any
    bool only = false;           // of a ground: nothing else in this world has it
    std::string file;
    std::uint32_t line = 0;
  };
  std::vector<Case> cases;
};

inline constexpr std::string_view kCaseDate = "2026-06-15";

// files: {path, bytes} of one pack folder: pack.yaml and the requirement files.
[[nodiscard]] Result<Pack> load_pack(std::span<const stack::Source> files);

struct Judgment {
  Date as_of{};
  std::vector<PackInfo> packs;
  std::vector<Finding> findings;  // sorted by (requirement, subject)
  std::vector<Ground> grounds;    // sorted by id; expired and future ones left out
  std::vector<Prohibition> prohibitions;
  std::optional<Date> next_change;  // the next day on which any of it can change by time alone
  std::string under;                // "under packs hipaa-baa-2013@1.0, …; state law not assessed"
};
// threads: 0 is one, or two where the declaration is large and the machine has them. The judgment is the same, byte for byte.
[[nodiscard]] Result<Judgment> judge(const stack::Relations& relations, std::span<const Pack> packs, Date as_of, unsigned threads = 0);
// The same, for packs that are still being read: they are asked for, once, when the declaration stands in its database.
using PacksLater = std::function<Result<std::span<const Pack>>()>;
[[nodiscard]] Result<Judgment> judge(const stack::Relations& relations, const PacksLater& packs, Date as_of, unsigned threads = 0);

// Runs the packs' own cases; one message per case that does not come out as it says. A requirement without a pass and a fail case is a
// message.
[[nodiscard]] Result<std::vector<std::string>> run_cases(std::span<const Pack> packs);

// THE sentence: `because`, and what it was judged by: "The … agreement baa-1 between … expired on 2026-06-30 (under packs …; state law not
// assessed)".
[[nodiscard]] std::string sentence(std::string_view because, std::string_view under);

// True where `pattern` ("clinical.*", "clinical.note") covers `cls`. special.* and unclassified are covered by name only.
// `cls` may itself be a pattern: then all that it covers is covered. "*" covers all that needs no name.
[[nodiscard]] bool covers(std::string_view pattern, std::string_view cls);

}  // namespace licet::rules
