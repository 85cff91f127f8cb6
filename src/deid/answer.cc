#include "deid/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "codec/fhir.h"

namespace licet::deid {

using codec::JsonValue;

namespace {

using As = TextRestorer::As;

constexpr std::size_t kChannels = 1024;  // choices, tool calls and parts of one answer

std::int64_t integer(JsonValue v) {
  std::int64_t n = -1;
  const std::string_view raw = v.raw();
  std::from_chars(raw.data(), raw.data() + raw.size(), n);
  return n;
}

// A string or key, with what stands in it put back; as it is where nothing does.
void put_back(const Placeholders& map, JsonValue string, bool json, std::string& scratch, std::string& spelled, std::uint64_t& unresolved,
              std::string& out) {
  TextRestorer text(map, json ? As::json : As::text);
  scratch.clear();
  const std::string_view meant = string.meaning(spelled);
  text.feed(meant, scratch);
  text.finish(scratch);
  unresolved += text.unresolved();
  if (scratch == meant)
    out += string.raw();
  else
    codec::append_json_string(out, scratch);
}

bool holds_json(std::string_view key) {
  return key == "arguments" || key == "partial_json";
}

struct Whole {
  const Placeholders& map;
  RestoredAnswer made = {};
  std::string scratch = {}, spelled = {}, spelled_key = {};

  void put(JsonValue v, bool json) {
    if (v.is_object()) {
      bool first = true;
      made.bytes += '{';
      v.each_pair([&](JsonValue key, JsonValue m) {
        if (!first) made.bytes += ',';
        first = false;
        put_back(map, key, false, scratch, spelled, made.unresolved, made.bytes);
        made.bytes += ':';
        put(m, json || holds_json(key.meaning(spelled_key)));
        return true;
      });
      made.bytes += '}';
    } else if (v.is_array()) {
      bool first = true;
      made.bytes += '[';
      v.each_element([&](JsonValue e) {
        if (!first) made.bytes += ',';
        first = false;
        put(e, json);
        return true;
      });
      made.bytes += ']';
    } else if (v.is_string()) {
      put_back(map, v, json, scratch, spelled, made.unresolved, made.bytes);
    } else {
      made.bytes += v.raw();
    }
  }
};

}  // namespace

Result<RestoredAnswer> restore_answer(const Placeholders& map, std::string_view body, const AnswerOptions& options) {
  codec::JsonText json(options.limits.json_depth);
  auto root = json.parse(body);
  if (!root) return Error{Code::invalid_argument, "The provider's answer is not JSON as it must be: " + root.error().message + "."};
  Whole whole{map};
  whole.made.bytes.reserve(body.size() + body.size() / 8);
  whole.put(*root, options.json);
  return std::move(whole.made);
}

// ---- events -----------------------------------------------------------------------------------------------------------------------------

Result<void> StreamRestorer::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    if (skip_lf_) {
      skip_lf_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + data_.size() + part.size() > options_.limits.event_bytes)
      return Error{Code::exhausted, fmt::format("An event of the provider's answer is longer than {} bytes.", options_.limits.event_bytes)};
    if (end == std::string_view::npos) {
      line_ += part;
      return {};
    }
    skip_lf_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      LICET_TRY_VOID(line(part, out));
    } else {
      line_ += part;
      const std::string whole = std::exchange(line_, {});
      LICET_TRY_VOID(line(whole, out));
    }
  }
  return {};
}

Result<void> StreamRestorer::line(std::string_view line, std::string& out) {
  if (first_) {
    first_ = false;
    if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  }
  if (line.empty()) {
    if (!any_) {
      event_.clear();
      return {};
    }
    auto done = event(out);
    any_ = false;
    event_.clear();
    data_.clear();
    return done;
  }
  const std::size_t colon = line.find(':');
  if (colon == 0) {  // a comment: it keeps the connection open, and what it says is nobody's business
    if (!any_) out += ":\n\n";
    return {};
  }
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (any_ && !data_.empty()) data_ += '\n';
    data_ += value;
    any_ = true;
  } else if (field == "event") {
    const bool plain = value.size() <= 64 && std::all_of(value.begin(), value.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
                       });
    if (!plain) return Error{Code::invalid_argument, "An event of the provider's answer has a name that is none."};
    event_ = value;
  } else if (field != "id" && field != "retry") {
    return Error{Code::invalid_argument, "The provider's answer holds a line that is no part of an event."};
  }
  return {};
}

Result<void> StreamRestorer::event(std::string& out) {
  if (data_ == "[DONE]") {
    for (Channel& c : channels_) flush(c, out);
    tell(out);
    out += "data: [DONE]\n\n";
    return {};
  }
  auto root = json_.parse(data_);
  if (!root || !root->is_object())
    return Error{Code::invalid_argument, "An event of the provider's answer is not JSON as it must be" +
                                             (root ? std::string(".") : ": " + root.error().message + ".")};
  locate(*root);
  if (channels_.size() > kChannels)
    return Error{Code::exhausted, fmt::format("The provider's answer holds more than {} texts at once.", kChannels)};
  for (Channel& c : channels_)
    if (c.text.holds() && ends(c) && std::none_of(spots_.begin(), spots_.end(), [&](const Spot& s) { return s.channel == &c; }))
      flush(c, out);
  const bool last =
      type_ == "message_stop" || type_ == "response.completed" || type_ == "response.failed" || type_ == "response.incomplete";
  std::string made;
  made.reserve(data_.size() + 64);
  rewrite(*root, options_.json, true, made);
  if (last) tell(out);
  if (!event_.empty()) out.append("event: ").append(event_).append("\n");
  out.append("data: ").append(made).append("\n\n");  // on one line: nothing of it is written with white space between
  return {};
}

// Finds the strings of this event that go on a text, and which texts end with it.
void StreamRestorer::locate(JsonValue root) {
  spots_.clear();
  ended_choices_.clear();
  root_members_.clear();
  type_.clear();
  index_ = -1;
  std::int64_t index = 0, inner = 0;
  std::vector<JsonValue> delta, choices;
  root.each_pair([&](JsonValue key, JsonValue v) {
    const std::string_view name = key.text();
    if (name == "type" && v.is_string()) type_ = v.text();
    if (name == "output_index" || name == "index") index = integer(v);
    if (name == "content_index" || name == "summary_index") inner = integer(v);
    if (name == "sequence_number") {
      sequence_ = integer(v);
      return true;
    }
    if (name == "delta") {
      delta.push_back(v);
      return true;
    }
    if (name == "choices") {
      choices.push_back(v);
      return true;
    }
    if (name != "obfuscation" && !v.is_object() && !v.is_array()) root_members_.append(key.raw()).append(":").append(v.raw()).append(",");
    return true;
  });
  if (!choices.empty() && choices[0].is_array()) {
    choices[0].each_element([&](JsonValue choice) {
      if (choice.is_object()) locate_choice(choice);
      return true;
    });
    return;
  }
  index_ = index;
  if (delta.empty()) return;
  if (type_ == "content_block_delta" && delta[0].is_object()) {
    delta[0].each_member([&](std::string_view key, JsonValue v) {
      if (v.is_string() && (key == "text" || key == "thinking" || key == "partial_json"))
        spot(v, key, index, 0, 0, key == "partial_json" ? As::json : As::text, false);
      return true;
    });
  } else if (type_.ends_with(".delta") && delta[0].is_string()) {
    spot(delta[0], type_, index, inner, 0, type_.find("arguments") != std::string::npos ? As::json : As::text, false);
  }
}

void StreamRestorer::locate_choice(JsonValue choice) {
  std::int64_t index = 0;
  bool ends = false;
  std::vector<JsonValue> delta;
  choice.each_member([&](std::string_view key, JsonValue v) {
    if (key == "index") index = integer(v);
    if (key == "finish_reason" && v.is_string()) ends = true;
    if (key == "delta" && v.is_object()) delta.push_back(v);
    return true;
  });
  if (ends) ended_choices_.push_back(index);
  if (delta.empty()) return;
  const auto arguments = [&](JsonValue called, std::string_view what, std::int64_t call) {
    if (!called.is_object()) return;
    called.each_member([&](std::string_view key, JsonValue v) {
      if (v.is_string() && (key == "arguments" || key == "input"))
        spot(v, what, index, call, 0, key == "arguments" ? As::json : As::text, ends);
      return true;
    });
  };
  delta[0].each_member([&](std::string_view key, JsonValue v) {
    if (v.is_string() && (key == "content" || key == "refusal" || key == "reasoning_content" || key == "reasoning"))
      spot(v, key, index, 0, 0, As::text, ends);
    if (key == "function_call") arguments(v, "function_call", 0);
    if (key == "tool_calls" && v.is_array())
      v.each_element([&](JsonValue call) {
        if (!call.is_object()) return true;
        std::int64_t number = 0;
        call.each_member([&](std::string_view k, JsonValue m) {
          if (k == "index") number = integer(m);
          return true;
        });
        call.each_member([&](std::string_view k, JsonValue m) {
          if (k == "function") arguments(m, "function", number);
          if (k == "custom") arguments(m, "custom", number);
          return true;
        });
        return true;
      });
    return true;
  });
}

void StreamRestorer::spot(JsonValue string, std::string_view what, std::int64_t a, std::int64_t b, std::int64_t c, As as, bool ends) {
  for (Channel& channel : channels_)
    if (channel.a == a && channel.b == b && channel.c == c && channel.what == what) {
      spots_.push_back({string.offset(), &channel, ends});
      return;
    }
  if (options_.json) as = As::json;
  Channel& fresh = channels_.emplace_back(Channel{std::string(what), a, b, c, TextRestorer(map_, as), 0, {}});
  spots_.push_back({string.offset(), &fresh, ends});
}

bool StreamRestorer::ends(const Channel& channel) const {
  if (!ended_choices_.empty()) return std::find(ended_choices_.begin(), ended_choices_.end(), channel.a) != ended_choices_.end();
  if (type_ == "content_block_stop") return index_ == channel.a;
  if (type_ == "message_stop" || type_ == "response.completed" || type_ == "response.failed" || type_ == "response.incomplete") return true;
  return type_.starts_with("response.") && type_.ends_with(".done") && index_ == channel.a;
}

void StreamRestorer::rewrite(JsonValue v, bool json, bool top, std::string& out) {
  if (v.is_object()) {
    bool first = true;
    out += '{';
    v.each_pair([&](JsonValue key, JsonValue m) {
      if (!first) out += ',';
      first = false;
      put_string(key, false, out);
      out += ':';
      if (top && shift_ != 0 && key.text() == "sequence_number" && m.is_number())
        out += fmt::format("{}", sequence_ + shift_);
      else
        rewrite(m, json || holds_json(key.text()), false, out);
      return true;
    });
    out += '}';
  } else if (v.is_array()) {
    bool first = true;
    out += '[';
    v.each_element([&](JsonValue e) {
      if (!first) out += ',';
      first = false;
      rewrite(e, json, false, out);
      return true;
    });
    out += ']';
  } else if (v.is_string()) {
    put_string(v, json, out);
  } else {
    out += v.raw();
  }
}

void StreamRestorer::put_string(JsonValue string, bool json, std::string& out) {
  for (const Spot& s : spots_) {
    if (s.offset != string.offset()) continue;
    Channel& c = *s.channel;
    scratch_.clear();
    const std::string_view meant = string.meaning(spelled_);
    c.text.feed(meant, scratch_);
    if (s.ends) c.text.finish(scratch_);
    count(c);
    c.members = c.text.holds() ? root_members_ : std::string();
    if (scratch_ == meant)
      out += string.raw();
    else
      codec::append_json_string(out, scratch_);
    return;
  }
  put_back(map_, string, json, scratch_, spelled_, unresolved_, out);
}

void StreamRestorer::count(Channel& c) {
  unresolved_ += c.text.unresolved() - std::exchange(c.counted, c.text.unresolved());
}

void StreamRestorer::flush(Channel& c, std::string& out) {
  if (!c.text.holds()) return;
  std::string text, quoted;
  c.text.finish(text);
  count(c);
  codec::append_json_string(quoted, text);
  if (options_.api == PromptApi::anthropic) {
    const std::string_view type = c.what == "text" ? "text_delta" : c.what == "thinking" ? "thinking_delta" : "input_json_delta";
    out +=
        fmt::format("event: content_block_delta\ndata: {{{}\"delta\":{{\"type\":\"{}\",\"{}\":{}}}}}\n\n", c.members, type, c.what, quoted);
  } else if (c.what.ends_with(".delta")) {
    out += fmt::format("event: {}\ndata: {{{}\"delta\":{},\"sequence_number\":{}}}\n\n", c.what, c.members, quoted, sequence_ + shift_);
    ++shift_;
  } else {
    std::string delta = c.what == "function_call" ? fmt::format("\"function_call\":{{\"arguments\":{}}}", quoted)
                        : c.what == "function"
                            ? fmt::format("\"tool_calls\":[{{\"index\":{},\"function\":{{\"arguments\":{}}}}}]", c.b, quoted)
                        : c.what == "custom" ? fmt::format("\"tool_calls\":[{{\"index\":{},\"custom\":{{\"input\":{}}}}}]", c.b, quoted)
                                             : fmt::format("\"{}\":{}", c.what, quoted);
    out += fmt::format("data: {{{}\"choices\":[{{\"index\":{},\"delta\":{{{}}},\"finish_reason\":null}}]}}\n\n", c.members, c.a, delta);
  }
  c.members.clear();
}

void StreamRestorer::tell(std::string& out) {
  const std::uint64_t fresh = unresolved_ - std::exchange(told_, unresolved_);
  if (fresh > 0) out += fmt::format(": licet: {} placeholder{} could not be put back\n\n", fresh, fresh == 1 ? "" : "s");
}

Result<void> StreamRestorer::finish(std::string& out) {
  if (const std::string rest = std::exchange(line_, {}); !rest.empty()) LICET_TRY_VOID(line(rest, out));
  if (data_ == "[DONE]") LICET_TRY_VOID(line("", out));  // some leave out the empty line behind it
  if (any_) return Error{Code::invalid_argument, "The provider's answer ended inside an event."};
  for (Channel& c : channels_) flush(c, out);
  tell(out);
  return {};
}

}  // namespace licet::deid
