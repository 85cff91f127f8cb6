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

// `text` in place of the document `id`: {"patch","problems","findings","licenses"}. With problems nothing was judged. The patch is a
// unified diff of paths below the stack folder (`git apply --directory=STACK`). Judged with the epoch's own facts, as of `now`. not_found:
// no such id; invalid_argument: more than one document; failed_precondition: the file does not end in a newline.
[[nodiscard]] Result<nlohmann::json> propose(const epoch::Epoch& epoch, std::string_view id, std::string text, const std::string& packs,
                                             Micros now, store::FileSystem& files);

}  // namespace licet::console
