#include "console/internal/tar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace licet::console {

Result<std::string> tar(std::span<const proof::BundleFile> files, std::string_view root, Micros when) {
  constexpr std::size_t kBlock = 512;
  std::string out;
  for (const proof::BundleFile& file : files) {
    const std::string name = fmt::format("{}/{}", root, file.path);
    if (name.size() > 100) return Error{Code::exhausted, "a path in the bundle is longer than 100 bytes: use `licet prove`"};
    std::array<char, kBlock> head{};
    const auto put = [&](std::size_t at, std::string_view text) { std::copy(text.begin(), text.end(), head.data() + at); };
    put(0, name);
    put(100, "0000600");
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", file.bytes.size()));
    put(136, fmt::format("{:011o}", count(when) / 1'000'000));
    put(148, "        ");  // the sum is taken with spaces in its own place
    head[156] = '0';
    put(257, std::string_view("ustar\0"
                              "00",
                              8));
    const unsigned sum =
        std::accumulate(head.begin(), head.end(), 0U, [](unsigned n, char c) { return n + static_cast<unsigned char>(c); });
    put(148, fmt::format("{:06o}", sum));
    head[154] = '\0';
    out.append(head.data(), head.size());
    out += file.bytes;
    out.append((kBlock - file.bytes.size() % kBlock) % kBlock, '\0');
  }
  out.append(2 * kBlock, '\0');
  return out;
}

}  // namespace licet::console
