// For tests: the packs that come with Licet, read from packs/.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "rules/rules.h"

namespace licet::rules {

inline const std::vector<Pack>& shipped_packs() {
  static const std::vector<Pack> packs = [] {
    std::vector<Pack> out;
    const std::filesystem::path root = std::filesystem::path(LICET_SOURCE_DIR) / "packs";
    std::vector<std::filesystem::path> folders;
    for (const auto& entry : std::filesystem::directory_iterator(root))
      if (std::filesystem::exists(entry.path() / "pack.yaml")) folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    for (const auto& folder : folders) {
      std::vector<stack::Source> files;
      for (const auto& file : std::filesystem::directory_iterator(folder)) {
        if (file.path().extension() != ".yaml") continue;
        std::ifstream in(file.path(), std::ios::binary);
        files.push_back({std::filesystem::relative(file.path(), root).string(), std::string(std::istreambuf_iterator<char>(in), {}), {}});
      }
      auto pack = load_pack(files);
      EXPECT_TRUE(pack.ok()) << pack.error().message;
      if (pack.ok()) out.push_back(*std::move(pack));
    }
    return out;
  }();
  return packs;
}

}  // namespace licet::rules
