#include "deid/prompt.h"

#include <fmt/format.h>
#include <string.h>  // explicit_bzero

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_set>

#include "codec/json.h"
#include "deid/internal/prompt_shapes.h"

namespace licet::deid {

using codec::JsonValue;
using internal::Is;
using internal::PromptField;
using internal::PromptShape;

namespace {

constexpr std::size_t kNested = 3;  // JSON in a string of JSON in a string …

bool is_word(std::string_view text, std::size_t most, bool upper) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z') ||
           std::string_view("_-.:/@+").find(c) != std::string_view::npos;
  });
}
// A key that may be named in an error: a program's, not a person's.
bool is_program_word(std::string_view key) {
  return !key.empty() && key.size() <= 40 && std::all_of(key.begin(), key.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}
// patient_name
bool is_snake(std::string_view text) {
  return text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; });
}
// A key or word of a program, snake_case or camelCase: alone on its line the engine would take some of them for names.
bool is_program_key(std::string_view text) {
  return !text.empty() && text.size() <= 64 && (text[0] < 'A' || text[0] > 'Z') && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '$';
  });
}
bool base64_like(std::string_view text) {
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(text.size(), 64)), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=' || c == '-' ||
           c == '_' || c == '\n' || c == '\r';
  });
}
std::size_t digits_of(std::string_view number) {
  return static_cast<std::size_t>(std::count_if(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

}  // namespace

class PromptReader {
 public:
  PromptReader(Prompt& prompt, const Limits& limits) : p_(prompt), depth_max_(limits.json_depth), text_left_(limits.prompt_text_bytes) {}

  Result<void> whole(const PromptShape& shape) {
    codec::JsonText json(depth_max_);
    auto root = json.parse(p_.body_);
    if (!root) return Error{Code::invalid_argument, "The request is not JSON as it must be: " + root.error().message + "."};
    if (!root->is_object()) return Error{Code::invalid_argument, "The request is not a JSON object."};
    source_ = p_.body_;
    bool any = false;
    root->each_member([&](std::string_view, JsonValue) { return !(any = true); });
    if (!any) return Error{Code::invalid_argument, "The request is an empty object."};
    object(*root, shape);
    if (failed_) return *std::move(failed_);
    if (&shape == &internal::kResponses && !store_said_) {
      const auto brace = root->offset() + 1;
      p_.insert_at_ = p_.insert_to_ = brace;
      p_.insert_ = R"("store":false,)";
      store_first_ = true;
    }
    copy_to(source_.size());
    if (store_first_) {
      const auto brace = root->offset() + 1;
      Prompt::Op& first = p_.ops_.front();
      const std::string_view all = first.raw;
      p_.ops_.insert(p_.ops_.begin() + 1, {{Prompt::Op::Do::copy, p_.insert_, 0}, {Prompt::Op::Do::copy, all.substr(brace), 0}});
      p_.ops_.front().raw = all.substr(0, brace);
    }
    return {};
  }

 private:
  // ---- errors: the first one stays
  bool fail(Code code, std::string_view what) {
    if (!failed_) failed_ = Error{code, fmt::format("{} {}.", place(), what)};
    return false;
  }
  bool wrong(std::string_view what) { return fail(Code::invalid_argument, what); }
  std::string place() const {
    if (path_.empty()) return "The request";
    std::string out;
    for (const auto& [key, index] : path_) {
      if (key.empty())
        out += fmt::format("[{}]", index);
      else
        out += (out.empty() ? "" : ".") + std::string(key);
    }
    return out;
  }

  // ---- what is copied and what is a piece
  void copy_to(std::size_t end) {
    if (end > done_) p_.ops_.push_back({Prompt::Op::Do::copy, source_.substr(done_, end - done_), 0});
    done_ = end;
  }
  void replace(JsonValue v, std::uint32_t piece) {
    copy_to(v.offset());
    p_.ops_.push_back({Prompt::Op::Do::piece, v.raw(), piece});
    done_ = v.offset() + v.raw().size();
  }
  bool take(std::size_t bytes) {
    if (bytes > text_left_) return fail(Code::exhausted, "brings the request to more text than the gate reads");
    text_left_ -= bytes;
    return true;
  }
  std::string_view meaning(JsonValue v) {
    const std::string_view plain = v.text();
    if (plain.find('\\') == std::string_view::npos) return plain;
    return p_.arena_.emplace_back(v.meaning());
  }
  bool piece(JsonValue v, Prompt::As as, Kind kind = Kind::text) {
    const std::string_view plain = v.is_string() ? meaning(v) : v.raw();
    if (plain.empty()) return true;
    if (as != Prompt::As::handle && !take(plain.size())) return false;
    const auto number = static_cast<std::uint32_t>(p_.pieces_.size());
    p_.pieces_.push_back({plain, context_, as, kind, as == Prompt::As::name ? place() : std::string()});
    replace(v, number);
    return true;
  }
  bool key_piece(JsonValue key) {
    const std::string_view plain = meaning(key);
    if (plain.empty()) return true;
    const auto [at, fresh] = keys_.try_emplace(plain, static_cast<std::uint32_t>(p_.pieces_.size()));
    if (fresh) {
      if (!take(plain.size())) return false;
      p_.pieces_.push_back({plain, {}, is_program_key(plain) ? Prompt::As::key : Prompt::As::text, Kind::text, {}});
    }
    replace(key, at->second);
    return true;
  }

  // ---- values
  bool object(JsonValue v, const PromptShape& shape) {
    if (!v.is_object()) return wrong("is not an object, as it must be");
    const PromptShape* s = &shape;
    if (!shape.by.empty()) {
      std::string spelled;
      std::string_view value = shape.otherwise;
      v.each_member([&](std::string_view key, JsonValue m) {
        if (key != shape.by) return true;
        value = m.is_string() ? m.meaning(spelled) : std::string_view("?");
        return false;
      });
      s = nullptr;
      for (const internal::PromptVariant& variant : shape.variants)
        if (variant.value == value) s = variant.shape;
      if (s == nullptr) return fail(value == "item_reference" ? Code::failed_precondition : Code::invalid_argument, shape.why);
    }
    v.each_member([&](std::string_view key, JsonValue m) {
      const PromptField* field = s->find(key);
      if (field == nullptr) {
        path_.emplace_back(is_program_word(key) ? path_key(key) : std::string_view("(a field)"), 0);
        wrong("is no field that the gate knows: what it holds can't be judged");
      } else {
        path_.emplace_back(field->key, 0);
        if (!m.is_null() || field->is == Is::store) value(m, *field);
      }
      if (failed_) return false;
      path_.pop_back();
      return true;
    });
    return !failed_;
  }
  std::string_view path_key(std::string_view key) { return p_.arena_.emplace_back(key); }

  template <class F>
  bool each(JsonValue v, F&& f) {
    std::size_t n = 0;
    v.each_element([&](JsonValue e) {
      path_.emplace_back(std::string_view(), n++);
      const bool good = f(e);
      if (good) path_.pop_back();
      return good;
    });
    return !failed_;
  }

  bool value(JsonValue v, const PromptField& field) {
    switch (field.is) {
      case Is::number:
        return v.is_number() || wrong("is not a number, as it must be");
      case Is::flag:
        if (!v.is_bool()) return wrong("is neither true nor false, as it must be");
        if (field.key == "stream" && v.raw() == "true") p_.streams_ = true;
        return true;
      case Is::word:
        return word(v, field.key);
      case Is::words:
        if (!v.is_array()) return wrong("is not a list, as it must be");
        return each(v, [&](JsonValue e) { return word(e, field.key); });
      case Is::model:
        return (v.is_string() && is_word(v.text(), 128, true)) || wrong("is not the id of a model");
      case Is::text:
        return v.is_string() ? text(v) : wrong("is not a string, as it must be");
      case Is::texts:
        return texts(v);
      case Is::content:
        if (v.is_string()) return text(v);
        [[fallthrough]];
      case Is::list:
        if (!v.is_array()) return wrong("is neither words nor a list, as it must be");
        return each(v, [&](JsonValue e) { return object(e, *field.shape); });
      case Is::choice:
        if (v.is_string()) return word(v, field.key);
        [[fallthrough]];
      case Is::object:
        return object(v, *field.shape);
      case Is::name:
        if (!v.is_string()) return wrong("is not a string, as it must be");
        return is_word(v.text(), 128, true) ? piece(v, Prompt::As::name) : wrong("is not the name of a program's tool");
      case Is::label:
        if (!v.is_string()) return wrong("is not a string, as it must be");
        return piece(v, Prompt::As::label, field.key == "name" ? Kind::name : Kind::id);
      case Is::handle:
        if (!v.is_string() || v.text().size() > 256) return wrong("is not an id of a call");
        return piece(v, Prompt::As::handle);
      case Is::free:
        return free(v, true);
      case Is::schema:
        return free(v, false);
      case Is::json:
        return v.is_string() ? text(v) : wrong("is not a string, as it must be");
      case Is::bias:
        return bias(v);
      case Is::media:
        return media(v);
      case Is::opaque:
        unreadable();
        return true;
      case Is::logprobs:
        if (v.raw() != "false" && v.raw() != "0") by_token();
        return v.is_bool() || v.is_number() || wrong("is neither a number nor a flag, as it must be");
      case Is::never:
        if (v.raw() == "false" || v.raw() == R"("")") return true;
        return fail(Code::failed_precondition, field.why);
      case Is::store:
        return store(v, !field.why.empty());
    }
    return wrong("is of no kind");
  }

  bool word(JsonValue v, std::string_view key) {
    if (!v.is_string() || !is_word(v.text(), 64, false)) return wrong("is not a word of the API");
    if (v.text().find("logprobs") != std::string_view::npos) by_token();
    if (v.text() == "audio" && key == "modalities") unreadable();
    if (key == "type" && (v.text() == "json_object" || v.text() == "json_schema")) p_.json_answer_ = true;
    return true;
  }

  void unreadable() {
    if (p_.unreadable_.empty()) p_.unreadable_ = place();
  }
  void by_token() {
    if (p_.by_token_.empty()) p_.by_token_ = place();
  }

  // Words, or JSON written into a string.
  bool text(JsonValue v) {
    const std::string_view plain = meaning(v);
    const std::size_t first = plain.find_first_not_of(" \t\r\n");
    if (nested_ < kNested && first != std::string_view::npos && (plain[first] == '{' || plain[first] == '[')) {
      codec::JsonText json(depth_max_);
      if (auto inner = json.parse(plain)) return inside(v, plain, *inner);
    }
    return piece(v, Prompt::As::text);
  }
  bool inside(JsonValue v, std::string_view plain, JsonValue inner) {
    copy_to(v.offset());
    p_.ops_.push_back({Prompt::Op::Do::open, {}, 0});
    const std::string_view outer = source_, context = context_;
    const std::size_t behind = v.offset() + v.raw().size();
    source_ = plain;
    done_ = 0;
    ++nested_;
    const bool good = free(inner, true);
    --nested_;
    copy_to(source_.size());
    source_ = outer;
    context_ = context;
    done_ = behind;
    p_.ops_.push_back({Prompt::Op::Do::close, {}, 0});
    return good;
  }

  bool texts(JsonValue v) {
    if (v.is_string()) return text(v);
    if (!v.is_array()) return wrong("is neither words nor a list of them, as it must be");
    return each(v, [&](JsonValue e) {
      if (e.is_string()) return text(e);
      if (e.is_number()) {
        unreadable();
        return true;
      }
      if (!e.is_array()) return wrong("is no text");
      unreadable();
      return each(e, [&](JsonValue n) { return n.is_number() || wrong("is no token"); });
    });
  }

  bool free(JsonValue v, bool data) {
    if (v.is_object()) {
      const std::string_view context = context_;
      bool good = true;
      v.each_pair([&](JsonValue key, JsonValue m) {
        good = key_piece(key);
        context_ = meaning(key);
        good = good && free(m, data);
        return good;
      });
      context_ = context;
      return good;
    }
    if (v.is_array()) {
      bool good = true;
      v.each_element([&](JsonValue e) { return good = free(e, data); });
      return good;
    }
    if (v.is_string() && !data && is_program_key(v.text())) return piece(v, Prompt::As::key);
    if (v.is_string()) return text(v);
    if (v.is_number()) return piece(v, data && digits_of(v.raw()) >= 7 ? Prompt::As::long_number : Prompt::As::number);
    return true;
  }

  bool bias(JsonValue v) {
    if (!v.is_object()) return wrong("is not an object, as it must be");
    v.each_member([&](std::string_view key, JsonValue m) {
      const bool token = !key.empty() && key.size() <= 9 && digits_of(key) == key.size();
      return (token && m.is_number()) || wrong("holds what is no token id and number");
    });
    return !failed_;
  }

  bool media(JsonValue v) {
    if (!v.is_string()) return wrong("is not a string, as it must be");
    std::string spelled;
    const std::string_view value = v.meaning(spelled);
    if (!value.starts_with("data:") && !base64_like(value))
      return fail(Code::failed_precondition, "is no data in the request itself: what is kept or fetched elsewhere can't be governed");
    unreadable();
    return true;
  }

  bool store(JsonValue v, bool must_be_said) {
    if (v.raw() == "true")
      return fail(Code::failed_precondition, "asks the provider to keep the exchange: what is kept there can't be governed. Send false");
    if (!v.is_bool() && !v.is_null()) return wrong("is neither true nor false, as it must be");
    store_said_ = true;
    if (must_be_said && v.is_null()) {
      copy_to(v.offset());
      p_.insert_at_ = v.offset();
      p_.insert_to_ = v.offset() + v.raw().size();
      p_.insert_ = "false";
      p_.ops_.push_back({Prompt::Op::Do::copy, p_.insert_, 0});
      done_ = p_.insert_to_;
    }
    return true;
  }

  Prompt& p_;
  const std::size_t depth_max_;
  std::size_t text_left_;
  std::optional<Error> failed_;
  std::vector<std::pair<std::string_view, std::size_t>> path_;
  std::string_view source_, context_;
  std::size_t done_ = 0, nested_ = 0;
  std::unordered_map<std::string_view, std::uint32_t> keys_;
  bool store_said_ = false, store_first_ = false;
};

Result<Prompt> Prompt::read(PromptApi api, std::string_view path, std::string_view query, std::string_view body, const Limits& limits) {
  struct Endpoint {
    PromptApi api;
    std::string_view path;
    const PromptShape* shape;
  };
  static constexpr std::array<Endpoint, 5> kEndpoints = {{
      {PromptApi::openai, "/chat/completions", &internal::kChatCompletions},
      {PromptApi::openai, "/responses", &internal::kResponses},
      {PromptApi::openai, "/embeddings", &internal::kEmbeddings},
      {PromptApi::anthropic, "/messages", &internal::kMessages},
      {PromptApi::anthropic, "/messages/count_tokens", &internal::kMessages},
  }};
  if (path.starts_with("/v1/")) path.remove_prefix(3);
  const PromptShape* shape = nullptr;
  for (const Endpoint& e : kEndpoints)
    if (e.api == api && e.path == path) shape = e.shape;
  if (shape == nullptr)
    return Error{Code::not_found,
                 api == PromptApi::openai
                     ? "This route takes chat/completions, responses and embeddings; nothing else of the provider's can be judged."
                     : "This route takes messages and messages/count_tokens; nothing else of the provider's can be judged."};
  if (!query.empty() && query != "beta=true") return Error{Code::invalid_argument, "The address has a query, which prompts don't need."};
  Prompt prompt;
  prompt.body_ = body;
  PromptReader reader(prompt, limits);
  LICET_TRY_VOID(reader.whole(*shape));
  return prompt;
}

Prompt::~Prompt() {
  for (std::string& s : arena_) explicit_bzero(s.data(), s.size());
}

Result<void> Prompt::fits(bool placeholders) const {
  if (!unreadable_.empty())
    return Error{Code::failed_precondition,
                 fmt::format("{} holds what the gate can't read (an image, sound, a file, tokens, or what only the provider can open): "
                             "under this form prompts are words.",
                             unreadable_)};
  if (placeholders && !by_token_.empty())
    return Error{Code::failed_precondition,
                 fmt::format("{} asks for the answer token by token: names can't be put back into that.", by_token_)};
  return {};
}

std::string Prompt::as_is() const {
  std::string out;
  out.reserve(body_.size() + insert_.size());
  out += body_.substr(0, insert_at_);
  out += insert_;
  out += body_.substr(insert_to_);
  return out;
}

// The spans of each piece, one after the other: of piece p, spans[begin[p]] to spans[begin[p + 1]].
struct Prompt::Spans {
  std::vector<Span> spans;
  std::vector<std::uint32_t> begin;
  std::unordered_set<std::uint32_t> names;  // hashes of words that are names of somebody here and no ordinary words

  // "get_sandoval_labs", "getSandovalLabs", "chart_1234567"
  [[nodiscard]] bool in_name(std::string_view program) const {
    std::string word;
    for (std::size_t n = 0; n <= program.size(); ++n) {
      const char c = n < program.size() ? program[n] : '_';
      const bool upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9', lower = c >= 'a' && c <= 'z';
      const bool was_digit = !word.empty() && word.back() >= '0' && word.back() <= '9';
      if (upper || (!digit && !lower) || digit != was_digit) {
        if (was_digit ? word.size() >= 5 : names.contains(word_hash(word))) return true;
        word.clear();
      }
      if (upper || digit || lower) word += c;
    }
    return false;
  }
};

namespace {

// A name that the engine drew over the words between two ("Sandoval was seen. Plantedworth") is taken apart there: to a model they tell
// what happened. Only lower-case words of the dictionary that are nobody's name come free so.
void part_names(const Found& found, std::vector<Span>& out) {
  const auto between = [](const Token& t) {
    return t.look == Look::lower && t.size() >= 3 && (t.lexicon & (kCommon | kWord)) != 0 && (t.lexicon & (kFirst | kLast)) == 0;
  };
  std::size_t n = 0;
  for (const Span& s : found.spans) {
    if (s.kind != Kind::name) {
      out.push_back(s);
      continue;
    }
    while (n < found.tokens.size() && found.tokens[n].end <= s.start) ++n;
    Span part = s;
    bool open = false, parted = false;
    for (; n < found.tokens.size() && found.tokens[n].start < s.end; ++n) {
      const Token& t = found.tokens[n];
      if (between(t) && !t.glued) {
        if (open) out.push_back(part);
        open = false;
        parted = true;
      } else if (t.word() || t.number()) {
        if (!open) part.start = parted ? t.start : s.start;
        part.end = t.end;
        open = true;
      }
    }
    if (open) part.end = s.end;
    if (open || !parted) out.push_back(part);
  }
}

}  // namespace

// All texts are read as one: what the first message calls a name is one in the last tool's result. A value stands behind its key, so that
// "mrn": 1234567 is seen as what it is.
Prompt::Spans Prompt::find(const PromptMaker& maker) const {
  std::string joined;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> places(pieces_.size());
  const auto append_spaced = [&](std::string_view words) {  // patient_name is two words
    for (const char c : words) joined += c == '_' ? ' ' : c;
  };
  for (std::size_t n = 0; n < pieces_.size(); ++n) {
    const Piece& p = pieces_[n];
    if (p.as == As::handle || p.as == As::label || p.as == As::name || p.as == As::key) continue;
    if (!p.context.empty()) {
      append_spaced(p.context);
      joined += ": ";
    }
    const std::size_t begin = joined.size();
    if (is_snake(p.plain))
      append_spaced(p.plain);
    else
      joined += p.plain;
    places[n] = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(joined.size())};
    joined += '\n';
  }
  if (maker.placeholders != nullptr) {
    maker.placeholders->mark_theirs(joined);
    for (const Piece& p : pieces_)
      if (p.plain.find('_') != std::string_view::npos) maker.placeholders->mark_theirs(p.plain);
  }
  Found found;
  maker.engine.find(joined, Known(), found);
  std::vector<Span> spans;
  if (maker.placeholders != nullptr)
    part_names(found, spans);
  else  // as on files: what an expert judged
    spans = found.spans;

  // A number that was found once is one wherever it stands. (Names the engine follows itself, but not into what programs are called.)
  std::unordered_map<std::uint32_t, Kind> numbers;
  Spans out;
  std::size_t s = 0;
  for (const Token& t : found.tokens) {
    while (s < spans.size() && spans[s].end <= t.start) ++s;
    if (s == spans.size()) break;
    if (spans[s].start >= t.end) continue;
    if (t.number() && t.size() >= 5) numbers.emplace(t.hash, spans[s].kind);
    if (t.word() && t.size() >= 3 && spans[s].kind == Kind::name && (t.lexicon & (kCommon | kWord)) == 0) out.names.insert(t.hash);
  }
  if (!numbers.empty()) {
    std::vector<Span> all;
    s = 0;
    for (const Token& t : found.tokens) {
      while (s < spans.size() && spans[s].end <= t.start) all.push_back(spans[s++]);
      if (s < spans.size() && spans[s].start < t.end) continue;
      if (t.number() && t.size() >= 5)
        if (const auto at = numbers.find(t.hash); at != numbers.end()) all.push_back({t.start, t.end, at->second, 0.9F});
    }
    while (s < spans.size()) all.push_back(spans[s++]);
    spans = std::move(all);
  }

  out.begin.reserve(pieces_.size() + 1);
  std::size_t next = 0;
  for (std::size_t n = 0; n < pieces_.size(); ++n) {
    out.begin.push_back(static_cast<std::uint32_t>(out.spans.size()));
    const auto [begin, end] = places[n];
    if (begin == end) continue;
    while (next < spans.size() && spans[next].end <= begin) ++next;
    for (std::size_t k = next; k < spans.size() && spans[k].start < end; ++k) {
      Span span = spans[k];
      span.start = std::max(span.start, begin) - begin;
      span.end = std::min(span.end, end) - begin;
      if (span.end > span.start) out.spans.push_back(span);
    }
  }
  out.begin.push_back(static_cast<std::uint32_t>(out.spans.size()));
  explicit_bzero(joined.data(), joined.size());
  return out;
}

namespace {

// Whether the profile would leave it as it is.
bool stays(const Profile& profile, Kind kind, std::string_view original) {
  switch (profile.rule(kind).act) {
    case Act::keep:
      return true;
    case Act::age90: {
      const std::size_t first = original.find_first_of("0123456789");
      return first != std::string_view::npos && std::atoi(std::string(original.substr(first)).c_str()) < 90;
    }
    case Act::drop:
    case Act::redact:
    case Act::surrogate:
    case Act::code:
    case Act::shift:
    case Act::year:
    case Act::zip3:
    case Act::scrub:
      return false;
  }
  return false;
}

}  // namespace

// "Sandoval" is a part of "Maria Sandoval", and a model must be able to see that; where two people of the prompt bear it, it is nobody's.
void Prompt::issue_names(const Spans& found, const PromptMaker& maker) const {
  if (stays(maker.profile, Kind::name, {})) return;
  struct Words {
    std::string_view value;
    std::vector<std::uint32_t> hashes;
  };
  std::vector<Words> singles;
  std::map<std::vector<std::uint32_t>, std::string_view> whole;
  std::unordered_map<std::uint32_t, std::string_view> bearers;  // empty: more than one
  std::unordered_set<std::string_view> seen;
  std::vector<Token> tokens;
  for (std::size_t n = 0; n < pieces_.size(); ++n)
    for (std::size_t k = found.begin[n]; k < found.begin[n + 1]; ++k) {
      const Span& s = found.spans[k];
      const std::string_view value = pieces_[n].plain.substr(s.start, s.end - s.start);
      if (s.kind != Kind::name || !seen.insert(value).second) continue;
      Words words{value, {}};
      tokens.clear();
      tokenize(value, tokens);
      for (const Token& t : tokens)
        if (t.word() && t.look != Look::initial && t.size() >= 2) words.hashes.push_back(t.hash);
      std::sort(words.hashes.begin(), words.hashes.end());
      if (words.hashes.size() == 1) singles.push_back(std::move(words));
      if (words.hashes.size() < 2) continue;
      const auto [at, fresh] = whole.try_emplace(words.hashes, value);
      (void)maker.placeholders->issue(value, Kind::name, false, fresh ? std::string_view() : at->second);
      if (!fresh) continue;
      for (const std::uint32_t hash : words.hashes) {
        const auto [bearer, first] = bearers.try_emplace(hash, value);
        if (!first) bearer->second = {};  // in another name, or twice in this one: "Maria Sandoval and Mr. Jose Sandoval"
      }
    }
  for (const Words& w : singles)
    if (const auto at = bearers.find(w.hashes[0]); at != bearers.end() && !at->second.empty())
      (void)maker.placeholders->issue(w.value, Kind::name, false, at->second);
}

Result<std::string> Prompt::made(const PromptMaker& maker) const {
  LICET_TRY_VOID(fits(maker.placeholders != nullptr));
  const Spans found = find(maker);
  if (maker.placeholders != nullptr) issue_names(found, maker);
  const TextTransform transform(maker.library, maker.profile);
  const TextContext context{.as_of = maker.as_of, .codes = &maker.codes, .key = {}, .patient = {}};
  std::unordered_map<std::string_view, std::string> handles;
  std::vector<std::string> sinks(1);
  sinks[0].reserve(body_.size() + body_.size() / 8);
  std::string text;
  std::vector<Span> spans;
  for (const Op& op : ops_) {
    switch (op.what) {
      case Op::Do::copy:
        sinks.back() += op.raw;
        continue;
      case Op::Do::open:
        sinks.emplace_back();
        continue;
      case Op::Do::close: {
        const std::string inner = std::move(sinks.back());
        sinks.pop_back();
        codec::append_json_string(sinks.back(), inner);
        continue;
      }
      case Op::Do::piece:
        break;
    }
    const Piece& p = pieces_[op.piece];
    std::string& out = sinks.back();
    spans.assign(found.spans.begin() + found.begin[op.piece], found.spans.begin() + found.begin[op.piece + 1]);
    switch (p.as) {
      case As::handle: {
        // "call_abc" → "call_1": what ties a call to its result needs no name of its own, and might be one.
        std::string& made = handles[p.plain];
        if (made.empty()) {
          const std::string_view before = p.plain.substr(0, p.plain.find('_'));
          constexpr std::array<std::string_view, 6> kPrefixes = {"toolu", "fc", "msg", "rs", "ctc", "item"};
          const bool known = std::find(kPrefixes.begin(), kPrefixes.end(), before) != kPrefixes.end();
          made = fmt::format("{}_{:08}", known ? before : std::string_view("call"), handles.size());
        }
        codec::append_json_string(out, made);
        continue;
      }
      case As::label:
        codec::append_json_string(
            out, maker.placeholders != nullptr ? maker.placeholders->issue(p.plain, p.kind, true) : std::string(maker.codes.of(p.plain)));
        continue;
      case As::name:
        if (found.in_name(p.plain))
          return Error{Code::failed_precondition, fmt::format("{} seems to name somebody: a tool or format needs another name.", p.place)};
        out += op.raw;
        continue;
      case As::key:
        if (found.in_name(p.plain)) spans.assign(1, {0, static_cast<std::uint32_t>(p.plain.size()), Kind::name, 1});
        break;
      case As::number:
      case As::long_number: {
        // A number is an identifier as a whole, or it stays.
        Kind kind = spans.empty() ? Kind::id : spans[0].kind;
        if (spans.empty() && p.as == As::number) {
          out += op.raw;
          continue;
        }
        if (!spans.empty() && stays(maker.profile, kind, p.plain)) {
          out += op.raw;
          continue;
        }
        spans.assign(1, {0, static_cast<std::uint32_t>(p.plain.size()), kind, 1});
        break;
      }
      case As::text:
        break;
    }
    if (spans.empty()) {
      out += op.raw;
      continue;
    }
    text.clear();
    if (maker.placeholders == nullptr) {
      transform.apply(p.plain, spans, context, text);
    } else {
      std::size_t at = 0;
      for (const Span& s : spans) {
        text += p.plain.substr(at, s.start - at);
        const std::string_view original = p.plain.substr(s.start, s.end - s.start);
        at = s.end;
        if (stays(maker.profile, s.kind, original))
          text += original;
        else
          text += maker.placeholders->issue(original, s.kind);
      }
      text += p.plain.substr(at);
    }
    codec::append_json_string(out, text);
  }
  return std::move(sinks[0]);
}

}  // namespace licet::deid
