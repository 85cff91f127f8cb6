// The key-encrypting key in a file: 32 raw bytes or 64 hex digits, readable by its owner alone (0600 or 0400), or the start is refused.
//
//   LICET_TRY_VOID(make_kek_file("state/keys/kek", random));     // never overwrites
//   LICET_TRY(kek, read_kek_file("state/keys/kek"));
//
// A systemd credential ($CREDENTIALS_DIRECTORY/licet-kek) is such a file. Back it up apart from the data: without it the ledger's detail
// and all patient facts are lost, with it a stolen copy of them is open (the HHS breach safe harbor asks for keys kept elsewhere). Any
// thread. Errors: below, each naming the path, never a byte of its content.
#pragma once

#include <string>

#include "base/random.h"
#include "base/result.h"
#include "crypto/crypto.h"

namespace licet::crypto {

// Whole and durable, or not there at all. already_exists; not_found: its folder; exhausted: full disk; permission_denied; data_loss.
[[nodiscard]] Result<void> make_kek_file(const std::string& path, Random& random);
// permission_denied: group or others can read it, or it belongs to somebody else; invalid_argument: not a key; not_found; data_loss.
[[nodiscard]] Result<Secret> read_kek_file(const std::string& path);
// A provider's API key: one line of visible ASCII, in a file as private as that. The same errors.
[[nodiscard]] Result<std::string> read_token_file(const std::string& path);

}  // namespace licet::crypto
