// The compiled form of packs/wording: phrases over atoms (a word, or the beginning of one), classes of phrases, limbs of terms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "reader/reader.h"

namespace licet::reader {

using Atom = std::uint32_t;     // index into Inside::atoms
using ClassId = std::uint32_t;  // index into Inside::classes

struct Element {
  enum class What : unsigned char { words, any, end, hit } what = What::words;
  std::vector<Atom> words;  // words: one of these
  unsigned gap = 0;         // any: up to so many words
  ClassId hit = 0;          // hit: an earlier class
};
using Phrase = std::vector<Element>;

struct Class {
  std::string name;
  std::vector<Phrase> phrases;
  std::vector<ClassId> minus;
};

// What kind of sentence the act must stand in.
enum class Duty : unsigned char { must, grant, ban, any, right, denied };
enum class By : unsigned char { associate, not_entity, any };

// Where `if` stands (near the act, or anywhere in the document), `then` must stand there too, or the clause is weaker; without `then`,
// always.
struct When {
  ClassId if_class = 0;
  std::vector<ClassId> then;
  bool document = false;
};

struct Limb {
  std::vector<std::vector<ClassId>> all;  // the first is the act; each one of these
  std::vector<ClassId> none, needs, weaker_if;
  std::vector<std::pair<ClassId, unsigned>> not_after;  // not so many words before the act
  std::vector<When> when;
  Duty duty = Duty::must;
  By by = By::associate;
  Is is = Is::present;
  unsigned within = 40;
  bool context = false;  // the citation in the paragraph's own heading counts
  bool section = false;  // so do the words of the section's heading
  bool blank_unclear = false;
  bool item = false;  // the act leads into a list ("may use PHI for:"), and this is an item of it
};
struct TermRule {
  std::string id, cite, name;
  bool required = false;
  bool telling = false;  // only a BAA says so: other agreements have safeguards and notices, too
  std::vector<Limb> says;
};

struct Wording::Inside {
  std::vector<Class> classes;
  std::unordered_map<std::string, ClassId> class_ids;
  std::vector<TermRule> terms;

  // Atoms that a word answers to: exact spelling, and each beginning that a phrase asks for.
  std::unordered_map<std::string, Atom> exact, prefix;
  Atom atoms = 0;
  std::vector<std::vector<std::pair<ClassId, std::uint32_t>>> starts;  // atom → phrases that begin with it
  [[nodiscard]] std::vector<Atom> atoms_of(std::string_view word) const;
  [[nodiscard]] ClassId id(std::string_view class_name) const { return class_ids.at(std::string(class_name)); }
};

inline constexpr std::string_view kBlank = "$blank";

}  // namespace licet::reader
