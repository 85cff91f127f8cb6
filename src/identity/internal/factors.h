// What claims of access and ID tokens have in common: lists of text, and whether more than one factor was used.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/internal/json.h"

namespace licet::identity {

// The acr values that mean more than one factor, unless the configuration says otherwise.
[[nodiscard]] const std::vector<std::string>& usual_mfa_acr();
// A claim that is one text or an array of texts (aud, amr). nullopt: absent or of another shape.
[[nodiscard]] std::optional<std::vector<std::string>> texts(const Json& claims, std::string_view name);
[[nodiscard]] bool has(const std::vector<std::string>& list, std::string_view word);
// More than one factor: the issuer says so (RFC 8176 `mfa`, or an acr that means it), or names methods of two kinds.
[[nodiscard]] bool multi_factor(const Json& claims, const std::vector<std::string>& mfa_acr);

}  // namespace licet::identity
