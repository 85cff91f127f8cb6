// What each field of a provider's request is: what prompt.cc walks by. What isn't listed is refused.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace licet::deid::internal {

struct PromptShape;

enum class Is : std::uint8_t {
  number,
  flag,
  word,      // of an enumeration: lower-case letters, digits and _-.:/ ; nobody's name
  words,     // a list of them
  model,     // a model's id
  text,      // words that may tell of somebody; where they are JSON, every string in it
  texts,     // the same, or a list of them; numbers in their place are tokens, which only the provider can read
  content,   // words, or a list of parts (`shape`)
  object,    // `shape`
  list,      // of objects (`shape`)
  choice,    // a word or an object (`shape`)
  name,      // what the caller's program calls a tool or a format: refused where it names somebody
  label,     // who somebody is to the caller: all of it is an identifier
  handle,    // ties a call to its result
  free,      // any JSON: every string and key of it is text, every number is read
  schema,    // a JSON Schema: the same, where long numbers are bounds
  json,      // a string that holds JSON
  bias,      // token ids and numbers
  media,     // bytes in the request itself: an image, sound, a file
  opaque,    // only its provider can read it
  logprobs,  // asks for an answer token by token
  never,     // refused unless null, false or empty: `why`
  store,     // refused unless false; must be said where `why` says so
};

struct PromptField {
  std::string_view key;
  Is is = Is::never;
  const PromptShape* shape = nullptr;
  std::string_view why = {};
};
struct PromptVariant {
  std::string_view value;
  const PromptShape* shape = nullptr;
};
// Either fields, or variants by the value of the field `by`.
struct PromptShape {
  std::span<const PromptField> fields;
  std::string_view by = {};
  std::span<const PromptVariant> variants = {};
  std::string_view otherwise = {};  // the variant where `by` is absent; "*" as a variant's value: any other
  std::string_view why = {};        // of variants that aren't listed

  [[nodiscard]] const PromptField* find(std::string_view key) const {
    for (const PromptField& f : fields)
      if (f.key == key) return &f;
    return nullptr;
  }
};

extern const PromptShape kChatCompletions, kResponses, kEmbeddings, kMessages;

}  // namespace licet::deid::internal
