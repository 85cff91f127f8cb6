#include <istream>
#include <iterator>
#include <ostream>

#include "cli/deid_formats.h"
#include "deid/ccda.h"

namespace licet::cli {

Result<void> deid_ccda(FormatRun& run, std::istream& in, std::ostream& out, const std::string& name) {
  if (run.library.ccda.elements.empty()) return Error{Code::not_found, "packs/deid has no xml-rules"};
  // One document, read whole; longer than a record may be, it isn't.
  const std::size_t most = run.limits.resource_bytes;
  std::string document(most + 1, '\0');
  in.read(document.data(), static_cast<std::streamsize>(document.size()));
  document.resize(static_cast<std::size_t>(in.gcount()));
  run.bytes += document.size();
  ++run.records;
  if (document.size() > most) {
    run.complain(name, "a document longer than " + std::to_string(most >> 20) + " MiB was left out");
    return {};
  }
  deid::Pieces pieces(run.engine, run.text);
  deid::CcdaRun ccda{.values = run.values, .pieces = &pieces, .note = [&](std::string_view text, const std::vector<deid::Span>& spans) {
                       run.note(name, text, spans);
                     }};
  std::string made;
  const auto done = deid::CcdaTransform(run.library, run.profile).apply(document, ccda, made);
  if (!done)
    run.complain(name, "the document was left out: " + done.error().message);
  else
    out << made;
  return {};
}

}  // namespace licet::cli
