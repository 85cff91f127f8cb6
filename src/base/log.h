// Log lines for operators: one line each to stderr, "time level message key=value". Never PHI: Phi<T> has no formatter (phi.h).
//
//   log::info("gate listens on {}", address);
// Any thread. Level and format are set once at start-up.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace licet::log {

enum class Level { debug, info, warn, error };
void set_level(Level level);
void line(Level level, std::string_view text);

template <class... A>
void debug(fmt::format_string<A...> f, A&&... a) {
  line(Level::debug, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void info(fmt::format_string<A...> f, A&&... a) {
  line(Level::info, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void warn(fmt::format_string<A...> f, A&&... a) {
  line(Level::warn, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void error(fmt::format_string<A...> f, A&&... a) {
  line(Level::error, fmt::format(f, std::forward<A>(a)...));
}

}  // namespace licet::log
