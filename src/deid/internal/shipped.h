// For tests, fuzzers and benchmarks: the profiles, the lexicon and a language's model that come with Licet, read from the source tree.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/assert.h"
#include "deid/profile.h"
#include "deid/text.h"
#include "deid/values.h"

namespace licet::deid {

struct Shipped {
  Library library;
  Lexicon lexicon;
  Model model;

  explicit Shipped(const std::string& language = "en") {
    const std::filesystem::path root = LICET_SOURCE_DIR;
    std::vector<stack::Source> sources;
    for (const auto& file : std::filesystem::directory_iterator(root / "packs/deid"))
      sources.push_back({file.path().filename().string(), read(file.path()), {}});
    auto l = load_library(sources);
    auto words = Lexicon::load(read(root / "src/deid/models/lexicon.bin"));
    auto m = Model::load(read(root / "src/deid/models" / (language + ".bin")));
    LICET_ASSERT(l.ok() && words.ok() && m.ok());
    library = *std::move(l);
    lexicon = *std::move(words);
    model = *std::move(m);
  }
  static std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

inline const Shipped& shipped() {
  static const Shipped s;
  return s;
}

// What one run of a transform over a record is given, seeded.
struct ShippedRun {
  const Profile& profile;
  SeededRandom random{1};
  Codes codes{random};
  TextEngine engine{shipped().lexicon, &shipped().model};
  TextTransform text{shipped().library, profile};
  Pieces pieces{engine, text};
  ValueContext values{
      .library = shipped().library, .profile = profile, .as_of = Date(std::chrono::days(20'000)), .codes = codes, .key = as_bytes("key")};
};

}  // namespace licet::deid
