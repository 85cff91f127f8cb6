#include "ledger/proof.h"

namespace licet::ledger {
namespace {

constexpr std::string_view kMagic = "c2sp.org/tlog-proof@v1";
constexpr std::size_t kMostHashes = 64;

Error bad(const char* what) { return {Code::invalid_argument, std::string("receipt: ") + what}; }

}  // namespace

std::string print_receipt(const Receipt& receipt) {
  std::string text(kMagic);
  text += '\n';
  if (!receipt.extra.empty()) text += "extra " + base64(as_bytes(receipt.extra)) + "\n";
  text += "index " + std::to_string(receipt.index) + "\n";
  for (const Digest& hash : receipt.proof) text += base64(hash) + "\n";
  text += '\n';
  text += receipt.checkpoint;
  return text;
}

Result<Receipt> parse_receipt(std::string_view text) {
  Receipt receipt;
  std::string_view line;
  const auto next = [&] {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return true;
  };
  if (!next() || line != kMagic) return bad("it doesn't begin with c2sp.org/tlog-proof@v1");
  if (!next()) return bad("it ends early");
  if (line.starts_with("extra ")) {
    const auto extra = unbase64(line.substr(6));
    if (!extra) return bad("extra isn't base64");
    receipt.extra = *extra;
    if (!next()) return bad("it ends early");
  }
  if (!line.starts_with("index ")) return bad("it has no index");
  LICET_TRY(index, parse_decimal(line.substr(6)));
  receipt.index = index;
  for (;;) {
    if (!next()) return bad("it ends early");
    if (line.empty()) break;
    if (receipt.proof.size() == kMostHashes) return bad("the proof is too long");
    LICET_TRY(hash, parse_hash(line));
    receipt.proof.push_back(hash);
  }
  receipt.checkpoint = text;
  return receipt;
}

Result<std::uint64_t> verify_receipt(std::string_view text, std::string_view entry, const Verifier& verifier) {
  LICET_TRY(receipt, parse_receipt(text));
  LICET_TRY(checkpoint, open_checkpoint(receipt.checkpoint, verifier));
  LICET_TRY_VOID(verify_inclusion(receipt.index, checkpoint.size, leaf_hash(entry), receipt.proof, checkpoint.root));
  return receipt.index;
}

}  // namespace licet::ledger
