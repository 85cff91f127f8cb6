// C2SP signed notes (c2sp.org/signed-note@v1.0.0) and checkpoints (tlog-checkpoint@v1.0.0), Ed25519.
//
//   const std::string note = sign_note(checkpoint_text(origin, size, root), origin, key);
//   LICET_TRY(verifier, parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"));
//   LICET_TRY(checkpoint, open_checkpoint(note, verifier));             // verified, or permission_denied
//
// Thread rule: any thread. Errors: invalid_argument (not a note, key or checkpoint), permission_denied (no or a wrong signature of the key).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/crypto.h"

namespace licet::ledger {

// Whose signature is asked for: a key and its name; for logs the name is the origin.
struct Verifier {
  std::string name;
  crypto::Ed25519Public key{};
};

[[nodiscard]] std::array<std::byte, 4> key_id(std::string_view name, const crypto::Ed25519Public& key);
[[nodiscard]] Result<Verifier> parse_vkey(std::string_view vkey);
[[nodiscard]] std::string vkey(const Verifier& verifier);

// `text` ends with a newline; the note is text, an empty line, and one signature line.
[[nodiscard]] std::string sign_note(std::string_view text, std::string_view name, const crypto::Ed25519Key& key);
// The text of a note that `verifier` signed. Signatures of others are ignored (up to 100 lines); one of this key that fails is refused.
[[nodiscard]] Result<std::string> open_note(std::string_view note, const Verifier& verifier);

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Digest root{};
};
[[nodiscard]] std::string checkpoint_text(std::string_view origin, std::uint64_t size, const Digest& root);
[[nodiscard]] Result<Checkpoint> open_checkpoint(std::string_view note, const Verifier& verifier);

// Decimal without sign or leading zeros, as C2SP writes sizes and indexes.
[[nodiscard]] Result<std::uint64_t> parse_decimal(std::string_view text);
[[nodiscard]] Result<Digest> parse_hash(std::string_view base64_text);

}  // namespace licet::ledger
