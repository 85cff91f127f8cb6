#include "deid/lexicon.h"

#include <cstring>

namespace licet::deid {

Result<Lexicon> Lexicon::load(std::string_view bytes) {
  std::uint32_t count = 0;
  if (bytes.size() < 8 || !bytes.starts_with("LXC1")) return Error{Code::invalid_argument, "not a lexicon"};
  std::memcpy(&count, bytes.data() + 4, 4);
  if (count > (1U << 22) || bytes.size() != 8 + std::size_t{count} * 4) return Error{Code::invalid_argument, "a lexicon of another length"};
  Lexicon lexicon;
  std::size_t size = 16;
  while (size < 2 * std::size_t{count}) size *= 2;
  lexicon.slots_.assign(size, 0);
  lexicon.mask_ = size - 1;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t row = 0;
    std::memcpy(&row, bytes.data() + 8 + i * 4, 4);
    if (row == 0) continue;
    std::size_t at = (row >> 8) & lexicon.mask_;
    while (lexicon.slots_[at] != 0) at = (at + 1) & lexicon.mask_;
    lexicon.slots_[at] = row;
  }
  return lexicon;
}

}  // namespace licet::deid
