#include "cli/deid_library.h"

#include "epoch/load.h"

namespace licet::cli {

Result<std::shared_ptr<const deid::Library>> deid_library(const std::string& packs, const Limits& limits) {
  auto sources = epoch::read_sources(store::real_files(), packs + "/deid", limits);
  if (!sources) {
    if (sources.error().code != Code::not_found) return std::move(sources).error();
    return std::shared_ptr<const deid::Library>();
  }
  auto library = deid::load_library(*sources);
  if (!library) return Error{library.error().code, packs + "/deid/" + library.error().message};
  return std::shared_ptr<const deid::Library>(std::make_shared<deid::Library>(*std::move(library)));
}

}  // namespace licet::cli
