// What stands in place of identifiers while a prompt is away, and what it stands for: the mapping of one exchange.
//
//   Placeholders map(random);
//   map.issue("Maria Sandoval", Kind::name);        // "[[NAME_7F3K]]", the same one for the same value
//   TextRestorer restorer(map, TextRestorer::As::text);
//   restorer.feed("Dear [[NAME_7F", out);            // out: "Dear "
//   restorer.feed("3K]],", out);                     // out: "Dear Maria Sandoval,"
//   restorer.finish(out);
//
// A code is drawn, four of Crockford's base 32 with a digit and a letter among them: a model that invents one hits an issued one by chance
// once in 10^6/issued. What looks like a placeholder in the caller's own text is told by mark_theirs(): it is never issued, and left as it
// is.
//
// What is recognized: [[NAME_7F3K]] in any case; \[\[NAME\_7F3K\]\], as Markdown writers escape it; and the bare NAME_7F3K between what is
// no letter, digit or underscore. What follows (a possessive s, a bracket, Markdown) stays. Looks like one and isn't: counted, and left.
//
// Memory only; values are wiped when the map ends. One thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/random.h"
#include "deid/profile.h"

namespace licet::deid {

class Placeholders {
 public:
  explicit Placeholders(Random& random) : random_(random) {}
  ~Placeholders();
  Placeholders(const Placeholders&) = delete;
  Placeholders& operator=(const Placeholders&) = delete;

  // Every look-alike in the text is the caller's own. Before the first issue().
  void mark_theirs(std::string_view text);
  // "[[NAME_7F3K]]". bare: "NAME_7F3K", for places whose form allows no brackets. part_of: a value that was issued, of which this one is a
  // part or another spelling; its placeholder is that one's and a letter, "[[NAME_7F3KA]]".
  [[nodiscard]] std::string issue(std::string_view value, Kind kind, bool bare = false, std::string_view part_of = {});
  // By the code between the brackets, "NAME_7F3K"; nullptr: never issued.
  [[nodiscard]] const std::string* find(std::string_view core) const;
  [[nodiscard]] bool theirs(std::string_view core) const { return theirs_.contains(std::string(core)); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string core, value;
  };
  Random& random_;
  std::deque<Entry> entries_;
  std::unordered_map<std::string_view, const Entry*> by_core_, by_value_;  // views of entries
  std::unordered_set<std::string> theirs_;
};

// Puts values back into one text that comes in pieces. Whatever the pieces, what comes out is the same; at most kLongest bytes are held
// back.
class TextRestorer {
 public:
  enum class As : std::uint8_t {
    text,
    json,  // the text is JSON: values are escaped as inside a string of it, and backslashes are its own
  };
  static constexpr std::size_t kLongest = 40;

  TextRestorer(const Placeholders& map, As as) : map_(&map), as_(as) {}
  void feed(std::string_view text, std::string& out);
  // The end: what was held back is no placeholder.
  void finish(std::string& out);
  [[nodiscard]] bool holds() const { return !held_.empty(); }
  // Placeholders, or what looks like them, that could not be put back so far.
  [[nodiscard]] std::uint64_t unresolved() const { return unresolved_; }

 private:
  void run(std::string_view text, bool last, std::string& out);
  const Placeholders* map_;
  As as_;
  bool inside_word_ = false;  // the byte before is a letter, digit or underscore
  std::string held_;
  std::uint64_t unresolved_ = 0;
};

}  // namespace licet::deid
