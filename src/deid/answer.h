// Answers of language models, with what placeholders stand for put back: whole, or event by event.
//
//   LICET_TRY(whole, restore_answer(map, body, options));            // JSON in, JSON out; whole.unresolved
//   StreamRestorer stream(map, options);
//   LICET_TRY_VOID(stream.feed(piece, out));                         // any piece of the bytes, cut anywhere; out: whole events
//   LICET_TRY_VOID(stream.finish(out));
//
// A placeholder may come in parts of several events: each text, tool call and choice of the answer is followed apart from the others, and
// what may be the beginning of one waits for the next event of the same text (placeholders.h: at most 40 bytes). An event may so leave with
// an empty delta; what still waits when its text ends leaves as one delta more, and OpenAI's sequence numbers are counted on. Everything
// else of an event stays as it came. Tool arguments are JSON in a string, and values are escaped as it needs.
//
// What looks like a placeholder and could not be put back stays, and is said in an SSE comment before the last event, which clients pass
// over:
// ": licet: 1 placeholder could not be put back".
//
// Pure; one thread at a time. Errors: invalid_argument (not JSON, not events), exhausted (an event beyond event_bytes). What `feed`
// appended before an error may be sent. Source: WHATWG HTML §9.2 (server-sent events); the providers' references of their streams.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "codec/json.h"
#include "deid/placeholders.h"
#include "deid/prompt.h"

namespace licet::deid {

struct AnswerOptions {
  PromptApi api = PromptApi::openai;
  bool json = false;  // Prompt::json_answer()
  Limits limits;
};

struct RestoredAnswer {
  std::string bytes;
  std::uint64_t unresolved = 0;
};
[[nodiscard]] Result<RestoredAnswer> restore_answer(const Placeholders& map, std::string_view body, const AnswerOptions& options);

class StreamRestorer {
 public:
  StreamRestorer(const Placeholders& map, AnswerOptions options)
      : map_(map), options_(std::move(options)), json_(options_.limits.json_depth) {}
  [[nodiscard]] Result<void> feed(std::string_view bytes, std::string& out);
  [[nodiscard]] Result<void> finish(std::string& out);
  [[nodiscard]] std::uint64_t unresolved() const { return unresolved_; }
  // Bytes of an event that isn't whole yet.
  [[nodiscard]] std::size_t held() const { return line_.size() + data_.size(); }

 private:
  // One text that comes in parts.
  struct Channel {
    std::string what;  // "content", "tool", "response.output_text.delta"
    std::int64_t a = 0, b = 0, c = 0;
    TextRestorer text;
    std::uint64_t counted = 0;  // of its unresolved
    std::string members;        // of the event that it waits since, without what was in it
  };
  struct Spot {  // a channel's string in the event at hand
    std::size_t offset;
    Channel* channel;
    bool ends;  // nothing more comes
  };

  [[nodiscard]] Result<void> line(std::string_view line, std::string& out);
  [[nodiscard]] Result<void> event(std::string& out);
  void locate(codec::JsonValue root);
  void locate_choice(codec::JsonValue choice);
  void spot(codec::JsonValue string, std::string_view what, std::int64_t a, std::int64_t b, std::int64_t c, TextRestorer::As as, bool ends);
  void rewrite(codec::JsonValue value, bool json, bool top, std::string& out);
  void put_string(codec::JsonValue string, bool json, std::string& out);
  // Sends what the channel holds as an event of its own.
  void flush(Channel& channel, std::string& out);
  void count(Channel& channel);
  void tell(std::string& out);
  [[nodiscard]] bool ends(const Channel& channel) const;

  const Placeholders& map_;
  AnswerOptions options_;
  codec::JsonText json_;
  std::string line_, event_, data_;  // of what isn't whole yet
  bool any_ = false, skip_lf_ = false, first_ = true;
  std::deque<Channel> channels_;
  std::vector<Spot> spots_;
  std::string root_members_, type_;  // of the event at hand
  std::int64_t index_ = -1, sequence_ = 0, shift_ = 0;
  std::vector<std::int64_t> ended_choices_;
  std::uint64_t unresolved_ = 0, told_ = 0;
  std::string scratch_, spelled_;
};

}  // namespace licet::deid
