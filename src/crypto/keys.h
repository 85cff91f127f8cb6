// The key hierarchy of one tenant: one key-encrypting key (KEK) wraps everything else.
//
//   KEK (0600 file, systemd credential) ─► log key (Ed25519) · token key (P-256) · index key per month · detail key per quarter ·
//                                          restriction key (patient-keyed facts) · account key
//
// The ring keeps keys unwrapped in memory; `wrapped()` is its text form, each key sealed under the KEK with AAD = (tenant, name). A key
// that is asked for and isn't there yet is made, and handed to `save` before it is used, so a record never depends on a key that a crash
// can lose. Thread rule: any thread. Errors: permission_denied (wrong KEK or tenant), invalid_argument (not a key ring).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/crypto.h"

namespace licet::crypto {

class KeyRing {
 public:
  using Save = std::function<Result<void>(const std::string& wrapped)>;  // makes the text durable before it returns

  [[nodiscard]] static Result<std::unique_ptr<KeyRing>> create(Secret kek, std::string tenant, Random& random, Save save);
  [[nodiscard]] static Result<std::unique_ptr<KeyRing>> unwrap(Secret kek, std::string tenant, std::string_view wrapped, Random& random,
                                                               Save save);
  ~KeyRing();

  [[nodiscard]] const Ed25519Key& log_key() const;
  [[nodiscard]] const P256Key& token_key() const;
  [[nodiscard]] const Secret& restriction_key() const;
  [[nodiscard]] Result<const Secret*> index_key(Micros time);        // of its month: "index/2026-11"
  [[nodiscard]] Result<const Secret*> detail_key(Micros time);       // of its quarter: "detail/2026-4"
  [[nodiscard]] Result<const Secret*> account_key();                 // of what people's accounts keep secret: "account"
  [[nodiscard]] Result<const Secret*> named(std::string_view name);  // an existing key by its name; not_found: never made, or destroyed
  // Crypto-shredding: gone from wrapped() and never made again; where saving fails nothing changed. The copy in memory stays until the ring
  // ends, for pointers that were handed out. The caller appends a `key` entry. failed_precondition: log, token or restriction key.
  [[nodiscard]] Result<void> destroy(std::string_view name);
  [[nodiscard]] std::string wrapped() const;
  [[nodiscard]] const std::string& tenant() const;

 private:
  KeyRing();
  struct Inside;
  std::unique_ptr<Inside> in_;
};

}  // namespace licet::crypto
