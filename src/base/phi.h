// Phi<T>: a value that may be protected health information.
//
// It has no formatter, no operator<<, no comparison and no conversion, so it can't reach a log, an error or a metric by accident;
// tests/compile_fail proves that. Whoever needs the bytes says so by name: value.reveal().
//
//   Phi<std::string> body{std::move(bytes)};
//   log::info("{}", body);                    // does not compile
//   filter(body.reveal());                    // greppable
#pragma once

#include <type_traits>
#include <utility>

namespace licet {

template <class T>
class Phi {
 public:
  Phi() = default;
  explicit Phi(T value) : value_(std::move(value)) {}
  Phi(Phi&&) noexcept = default;
  Phi& operator=(Phi&&) noexcept = default;
  Phi(const Phi&) = delete;  // copies of PHI are made on purpose: clone()
  Phi& operator=(const Phi&) = delete;

  [[nodiscard]] const T& reveal() const& { return value_; }
  [[nodiscard]] T& reveal() & { return value_; }
  [[nodiscard]] T reveal() && { return std::move(value_); }
  [[nodiscard]] Phi clone() const { return Phi(value_); }

 private:
  T value_;
};

}  // namespace licet
