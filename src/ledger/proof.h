// Receipts: C2SP tlog-proof files, which prove to others that an entry is in the log of a signed checkpoint.
//
//   LICET_TRY(index, verify_receipt(receipt_text, leaf_json, verifier));
//
// Thread rule: any thread. Errors: invalid_argument (not a receipt), permission_denied (it doesn't prove this).
#pragma once

#include <string>
#include <string_view>

#include "ledger/merkle.h"
#include "ledger/note.h"

namespace licet::ledger {

struct Receipt {
  std::string extra;  // unauthenticated; may carry the opening of a commitment
  std::uint64_t index = 0;
  Proof proof;
  std::string checkpoint;  // the signed note, verbatim
};
[[nodiscard]] std::string print_receipt(const Receipt& receipt);
[[nodiscard]] Result<Receipt> parse_receipt(std::string_view text);
// That `entry` (a leaf's bytes) is at the receipt's index in the log that `verifier` signed. Returns the index.
[[nodiscard]] Result<std::uint64_t> verify_receipt(std::string_view text, std::string_view entry, const Verifier& verifier);

}  // namespace licet::ledger
