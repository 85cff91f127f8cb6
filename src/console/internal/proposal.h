// A change to the declaration as an officer proposes it: what it would do, and the patch that somebody commits. Nothing is changed here.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "epoch/keeper.h"
#include "store/file.h"

namespace licet::console {

// One declared thing as its author wrote it: {"id","kind","path","line","text"}; not_found.
[[nodiscard]] Result<nlohmann::json> source_view(const epoch::Epoch& epoch, std::string_view id);

// `text` in place of the document `id`. not_found: no such id; invalid_argument: more than one document; failed_precondition: the file does
// not end in a newline.
struct Edit {
  std::string path;           // of the file, below the stack folder
  std::string before, after;  // its bytes
  std::string patch;          // a unified diff (`git apply --directory=STACK`); empty: nothing differs
};
[[nodiscard]] Result<Edit> edit(const epoch::Epoch& epoch, std::string_view id, std::string text);

// {"patch","problems","findings","licenses"}. With problems nothing was judged. Judged with the epoch's own facts, as of `now`.
[[nodiscard]] Result<nlohmann::json> propose(const epoch::Epoch& epoch, const Edit& edit, const std::string& packs, Micros now,
                                             store::FileSystem& files);

}  // namespace licet::console
