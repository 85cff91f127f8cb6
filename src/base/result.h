// Result<T>: a value or an Error. Errors are values; failures show in signatures.
//
//   Result<Date> parse_date(std::string_view text);
//   LICET_TRY(date, parse_date(text));            // returns the Error from the enclosing function
//   if (auto date = parse_date(text); !date) return date.error();
//
// The class is [[nodiscard]]; debug builds (LICET_CHECK_RESULTS) abort when a Result is destroyed and nobody looked at it.
// Messages never contain PHI: field paths, lengths, ids of declared things and offsets only.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

#include "base/assert.h"

namespace licet {

// About a dozen canonical kinds of our own failures. What a *caller of the gate* is told is a Reason (base/reasons.h).
enum class Code : unsigned char {
  invalid_argument = 1,  // the input is wrong: place and remedy are in the message
  not_found,
  already_exists,
  permission_denied,
  failed_precondition,  // right input, wrong state
  exhausted,            // a limit of base/limits.h, or a full disk
  unavailable,          // the other side is down, slow or closed
  data_loss,            // what is stored is not what was written
  cancelled,
  internal,
};

[[nodiscard]] constexpr const char* name(Code code) {
  switch (code) {
    case Code::invalid_argument:
      return "invalid argument";
    case Code::not_found:
      return "not found";
    case Code::already_exists:
      return "already exists";
    case Code::permission_denied:
      return "permission denied";
    case Code::failed_precondition:
      return "failed precondition";
    case Code::exhausted:
      return "exhausted";
    case Code::unavailable:
      return "unavailable";
    case Code::data_loss:
      return "data loss";
    case Code::cancelled:
      return "cancelled";
    case Code::internal:
      return "internal";
  }
  return "?";
}

struct Error {
  Code code = Code::internal;
  std::string message;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result()
    requires std::is_void_v<T>
  = default;
  template <class U = T>
    requires(!std::is_void_v<T> && std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error>)
  Result(U&& value) : r_(std::forward<U>(value)) {}
  Result(Error error) : r_(tl::unexpect, std::move(error)) {}

#ifdef LICET_CHECK_RESULTS
  Result(Result&& other) noexcept : r_(std::move(other.r_)), seen_(std::exchange(other.seen_, true)) {}
  Result& operator=(Result&& other) noexcept {
    LICET_ASSERT(seen_);
    r_ = std::move(other.r_);
    seen_ = std::exchange(other.seen_, true);
    return *this;
  }
  ~Result() {
    if (!seen_) {
      std::fprintf(stderr, "a Result was dropped unread%s%s\n", r_.has_value() ? "" : ": ",
                   r_.has_value() ? "" : r_.error().message.c_str());
      std::abort();
    }
  }
#else
  Result(Result&&) noexcept = default;
  Result& operator=(Result&&) noexcept = default;
#endif
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;

  explicit operator bool() const noexcept { return saw().has_value(); }
  [[nodiscard]] bool ok() const noexcept { return saw().has_value(); }

  decltype(auto) operator*() & {
    LICET_ASSERT(ok());
    return *r_;
  }
  decltype(auto) operator*() const& {
    LICET_ASSERT(ok());
    return *r_;
  }
  decltype(auto) operator*() && {
    LICET_ASSERT(ok());
    return *std::move(r_);
  }
  auto operator->()
    requires(!std::is_void_v<T>)
  {
    LICET_ASSERT(ok());
    return r_.operator->();
  }
  auto operator->() const
    requires(!std::is_void_v<T>)
  {
    LICET_ASSERT(ok());
    return r_.operator->();
  }
  [[nodiscard]] const Error& error() const& {
    LICET_ASSERT(!ok());
    return r_.error();
  }
  [[nodiscard]] Error&& error() && {
    LICET_ASSERT(!ok());
    return std::move(r_).error();
  }
  // For the few places where a failure is really of no interest; say why beside the call.
  void ignore() const noexcept { (void)saw(); }

 private:
  tl::expected<T, Error> r_;
#ifdef LICET_CHECK_RESULTS
  const tl::expected<T, Error>& saw() const noexcept {
    seen_ = true;
    return r_;
  }
  mutable bool seen_ = false;
#else
  const tl::expected<T, Error>& saw() const noexcept { return r_; }
#endif
};

}  // namespace licet

// Several statements each: never the body of an unbraced `if`.
#define LICET_TRY(var, expr)                         \
  auto var##_or = (expr);                            \
  if (!var##_or) return std::move(var##_or).error(); \
  auto var = *std::move(var##_or)
#define LICET_TRY_VOID(expr)                                                                  \
  do {                                                                                        \
    if (auto licet_result_ = (expr); !licet_result_) return std::move(licet_result_).error(); \
  } while (0)
// In coroutines: name it, then co_await it (CONTRIBUTING.md). `expr` may itself be a co_await of a named thing.
#define LICET_CO_TRY(var, expr)                         \
  auto var##_or = (expr);                               \
  if (!var##_or) co_return std::move(var##_or).error(); \
  auto var = *std::move(var##_or)
#define LICET_CO_TRY_VOID(expr)                                     \
  do {                                                              \
    auto licet_result_ = (expr);                                    \
    if (!licet_result_) co_return std::move(licet_result_).error(); \
  } while (0)
