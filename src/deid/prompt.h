// What a program asks a language model, read with certainty, and put into the form that may leave.
//
//   LICET_TRY(prompt, Prompt::read(PromptApi::openai, "/chat/completions", body, limits));   // says what it can't read, and where
//   if (auto fits = prompt.fits(true); !fits) …                                             // an image can't be read: refused
//   Placeholders map(random);
//   PromptMaker maker{.engine = engine, .library = library, .profile = *library.find("pseudonymized"), .placeholders = &map, …};
//   LICET_TRY(out, prompt.made(maker));                            // {"messages":[{"content":"Summarize: [[NAME_7F3K]], seen …"}]}
//   prompt.as_is();                                                // identified: the same bytes, and store: false where the API stores
//   unasked
//
// Default deny: each field of an endpoint is listed (internal/prompt_shapes.cc). Numbers, flags and words of enumerations pass; every other
// string is read as text, as one document, keys and tool arguments included; JSON inside a string is read as JSON. What isn't listed is
// refused in every form, and so is what names things kept at the provider (files, threads, former answers), what the provider would run and
// send on, and what it would do after the exchange.
//
// Cost: bench/bench_prompt.cc. Pure; a Prompt holds views of `body`, one thread at a time. Errors: invalid_argument (what can't be read:
// malformed, or not listed), not_found (no such endpoint), failed_precondition (kept, run or fetched elsewhere; or unfit for the form),
// exhausted (too long). Messages name fields and numbers, never a value.
// Source: the providers' API references; 45 CFR 164.502(a), 164.514.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "deid/codes.h"
#include "deid/placeholders.h"
#include "deid/text.h"

namespace licet::deid {

enum class PromptApi : std::uint8_t { openai, anthropic };

// What makes a form less than identified.
struct PromptMaker {
  const TextEngine& engine;
  const Library& library;
  const Profile& profile;  // what it would keep stays as it is
  Date as_of{};
  Codes& codes;                          // without placeholders: for its Act::code
  Placeholders* placeholders = nullptr;  // all that the profile would change becomes one; null: what the profile makes of it
};

class Prompt {
 public:
  // path: below the API's base, "/chat/completions" or "/v1/chat/completions"; query: what follows its '?'.
  [[nodiscard]] static Result<Prompt> read(PromptApi api, std::string_view path, std::string_view query, std::string_view body,
                                           const Limits& limits);
  ~Prompt();
  Prompt(Prompt&&) noexcept = default;
  Prompt& operator=(Prompt&&) noexcept = default;

  // Whether all of it can be read. With placeholders, whether they can be put back, too.
  [[nodiscard]] Result<void> fits(bool placeholders) const;
  [[nodiscard]] Result<std::string> made(const PromptMaker& maker) const;
  [[nodiscard]] std::string as_is() const;

  [[nodiscard]] bool streams() const { return streams_; }
  // The answer's text is JSON because the prompt says so: values are put back as JSON needs them.
  [[nodiscard]] bool json_answer() const { return json_answer_; }
  [[nodiscard]] std::size_t texts() const { return pieces_.size(); }

 private:
  friend class PromptReader;
  enum class As : std::uint8_t { text, key, number, long_number, name, label, handle };
  struct Piece {
    std::string_view plain, context;  // context: the key it stands under
    As as = As::text;
    Kind kind = Kind::text;  // of a label
    std::string place;       // of a name
  };
  struct Op {
    enum class Do : std::uint8_t { copy, piece, open, close } what = Do::copy;
    std::string_view raw;
    std::uint32_t piece = 0;
  };
  struct Spans;  // of each piece
  Prompt() = default;
  [[nodiscard]] Spans find(const PromptMaker& maker) const;
  void issue_names(const Spans& found, const PromptMaker& maker) const;

  std::string_view body_;
  std::vector<Piece> pieces_;
  std::vector<Op> ops_;
  std::deque<std::string> arena_;
  std::string unreadable_, by_token_;  // where the first of these stands
  bool streams_ = false, json_answer_ = false;
  std::size_t insert_at_ = 0, insert_to_ = 0;  // as_is(): these bytes become insert_
  std::string_view insert_;
};

}  // namespace licet::deid
