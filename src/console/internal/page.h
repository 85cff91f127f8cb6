// The console's one page: HTML, its style and its script, which talks to /api/v1 only. No framework, nothing from outside.
#pragma once

#include <string>
#include <string_view>

namespace licet::console {

[[nodiscard]] std::string page();  // signed in
// Not. `accounts`: asks for name, password and code, else for the key of this start; `provider`: where else one can log in.
[[nodiscard]] std::string sign_in_page(bool accounts = false, std::string_view provider = {}, bool has_provider = false,
                                       std::string_view wrong = {});
// The bytes between <style> and </style>, <script> and </script>: what the Content-Security-Policy names by hash.
[[nodiscard]] std::string_view page_style();
[[nodiscard]] std::string_view page_script();

}  // namespace licet::console
