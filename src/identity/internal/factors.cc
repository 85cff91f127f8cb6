#include "identity/internal/factors.h"

#include <algorithm>
#include <initializer_list>

namespace licet::identity {

const std::vector<std::string>& usual_mfa_acr() {
  static const std::vector<std::string> all = {"mfa", "phr", "phrh", "https://refeds.org/profile/mfa",
                                               "http://schemas.openid.net/pape/policies/2007/06/multi-factor"};
  return all;
}

std::optional<std::vector<std::string>> texts(const Json& claims, std::string_view name) {
  const Json* const claim = claims.get(name);
  if (claim == nullptr) return std::nullopt;
  if (claim->is(Json::Kind::string)) return std::vector<std::string>{claim->text};
  if (!claim->is(Json::Kind::array)) return std::nullopt;
  std::vector<std::string> out;
  for (const Json& item : claim->items) {
    if (!item.is(Json::Kind::string)) return std::nullopt;
    out.push_back(item.text);
  }
  return out;
}

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool multi_factor(const Json& claims, const std::vector<std::string>& mfa_acr) {
  if (const std::string* acr = claims.string("acr"); acr != nullptr && has(mfa_acr, *acr)) return true;
  const auto amr = texts(claims, "amr");
  if (!amr) return false;
  const auto any = [&amr](std::initializer_list<std::string_view> methods) {
    return std::any_of(methods.begin(), methods.end(), [&amr](std::string_view m) { return has(*amr, m); });
  };
  const int kinds =
      any({"pwd", "pin", "kba"}) + any({"otp", "sms", "tel", "hwk", "swk", "sc", "pop"}) + any({"fpt", "face", "iris", "retina", "vbm"});
  return any({"mfa"}) || kinds >= 2;
}

}  // namespace licet::identity
