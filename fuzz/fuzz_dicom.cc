// DICOM: whatever the bytes, a refused file makes nothing, errors hold no bytes of the input, cutting the input into chunks makes no
// difference, and what was made reads again, has no private attribute at any level, and the same UID for the same UID.

#include <cstdint>

#include "base/assert.h"
#include "deid/dicom.h"
#include "deid/internal/shipped.h"

namespace {

using namespace licet;
using namespace licet::deid;

constexpr codec::DicomLimits kLimits{.head_bytes = 1 << 20, .elements = 10'000, .depth = 8, .inflated_bytes = 4 << 20};

// Nothing where it was refused.
std::string whole(const Profile& profile, std::string_view bytes, std::size_t chunk) {
  ShippedRun one{profile};
  codec::DicomReader reader(kLimits);
  const DicomTransform transform(shipped().library, profile);
  std::optional<codec::DicomDeflater> deflater;
  std::optional<DicomFragments> fragments;
  std::string out;
  const auto put = [&](std::string_view b) {
    if (deflater)
      deflater->put(b, out);
    else
      out += b;
  };
  for (bool given = false;;) {
    const auto event = reader.next();
    if (!event) {
      LICET_ASSERT(event.error().message.size() < 200);
      return {};
    }
    switch (*event) {
      case codec::DicomReader::Event::more:
        LICET_ASSERT(!given);
        reader.feed(bytes.substr(0, chunk));
        bytes.remove_prefix(std::min(chunk, bytes.size()));
        if (bytes.empty()) {
          reader.finish();
          given = true;
        }
        break;
      case codec::DicomReader::Event::head: {
        const auto look = transform.look(reader.head(), kLimits);
        if (!look) return {};
        DicomRun run{.values = one.values, .pieces = &one.pieces, .limits = kLimits};
        DicomMade made;
        const auto done = transform.apply(reader.head(), DicomPixelsAre::untouched, run, made);
        if (!done) {
          LICET_ASSERT(made.data.empty() && made.meta.empty() && done.error().message.size() < 200);
          return {};
        }
        if (reader.head().syntax.deflated) deflater.emplace();
        if (reader.head().syntax.encapsulated) fragments = DicomFragments::of(reader.head().transfer_syntax);
        out = made.meta;
        put(made.data);
        break;
      }
      case codec::DicomReader::Event::pixels: {
        std::string piece(reader.piece());
        if (fragments && !fragments->pass(piece)) return {};
        put(piece);
        break;
      }
      case codec::DicomReader::Event::end:
        if (deflater) deflater->finish(out);
        return out;
    }
  }
}

void check_level(codec::DicomCursor& cursor, std::size_t end) {
  codec::DicomElement e;
  for (;;) {
    const auto some = cursor.element(e, end);
    LICET_ASSERT(some.ok());
    if (!*some) return;
    LICET_ASSERT((e.tag >> 16) % 2 == 0);
    if (e.vr != codec::Vr::SQ) {
      LICET_ASSERT(cursor.skip(e).ok());
      continue;
    }
    codec::DicomItem item;
    for (;;) {
      const auto more = cursor.item(e, item);
      LICET_ASSERT(more.ok());
      if (!*more) break;
      check_level(cursor, item.end);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const char* name : {"safe-harbor-text", "limited-data-set", "pseudonymized"}) {
    const Profile& profile = *shipped().library.find(name);
    const std::string once = whole(profile, bytes, bytes.size() + 1);
    LICET_ASSERT(whole(profile, bytes, 7) == once);
    if (once.empty()) continue;
    codec::DicomReader reader(codec::DicomLimits{});
    reader.feed(once);
    reader.finish();
    auto event = reader.next();
    LICET_ASSERT(event.ok() && *event == codec::DicomReader::Event::head && reader.head().part10);
    codec::DicomCursor cursor(reader.head().data, reader.head().syntax);
    check_level(cursor, cursor.size());
    do event = reader.next();
    while (event.ok() && *event == codec::DicomReader::Event::pixels);
    LICET_ASSERT(event.ok() && *event == codec::DicomReader::Event::end);
    // Made once more: nothing in it is refused.
    LICET_ASSERT(!whole(profile, once, once.size() + 1).empty());
  }
  return 0;
}
