#include <algorithm>

#include "codec/fhir.h"
#include "codec/internal/framer.h"

namespace licet::codec {
namespace {

std::string text_of(std::string_view raw) {
  if (raw.size() < 2 || raw[0] != '"') return {};
  return internal::unescape(raw.substr(1, raw.size() - 2));
}

// A code: letters, digits and hyphens. Nothing else fits through.
bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}
// FHIR instant or an HTTP status line's code and reason.
bool is_plain(std::string_view text) {
  return text.size() <= 64 && std::all_of(text.begin(), text.end(),
                                          [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' && c != '/' && c != '?'; });
}

// Empty where no link may be shown. `lost`: one of them leads to a next page that the client would never find.
std::string links(std::string_view raw, const Rebase& rebase, bool reduced, bool& lost) {
  // raw: an array of {relation, url}. Under a full view other members (extensions) are kept, under a reduced one not.
  internal::Tape tape;
  internal::Indexer indexer;
  internal::Walker walker(1024);
  std::string out;
  if (raw.empty() || raw[0] != '[') return out;
  indexer.run(raw.data(), raw.size(), true, tape);
  tape.pos[tape.count] = tape.pos[tape.count - 1];
  walker.text(tape, raw.size());
  if (walker.walk(tape, 0)) {
    internal::each_element(tape, 0, [&](std::uint32_t link) {
      if (tape.at(link) != '{') return true;
      std::string one = "{";
      bool shown = false, next = false;
      internal::each_member(tape, link, [&](std::uint32_t key_token, std::uint32_t value) {
        const std::string key = internal::unescape(tape.text(key_token));
        const std::size_t before = one.size();
        if (one.size() > 1) one += ',';
        if (key == "url" && tape.at(value) == '"') {
          std::string url;
          shown = rebase(internal::unescape(tape.text(value)), url);
          one += "\"url\":";
          append_json_string(one, url);
        } else if (key == "relation" && tape.at(value) == '"' && is_code(tape.text(value))) {
          next = tape.text(value) == "next";
          one.append("\"relation\":").append(tape.raw(value));
        } else if (!reduced) {
          append_json_string(one, key);
          one.append(":").append(tape.raw(value));
        } else {
          one.resize(before);
        }
        return true;
      });
      lost |= next && !shown;
      if (!shown) return true;
      out.append(out.empty() ? "[" : ",").append(one).append("}");
      return true;
    });
  }
  return out.empty() ? out : out + ']';
}

struct OutcomeText {
  std::string_view code;  // of http://hl7.org/fhir/issue-type
  std::string_view text;
};

OutcomeText outcome_of(Reason reason) {
  const std::string_view title = row(reason).title;
  switch (reason) {
    case Reason::malformed:
      return {"invalid", title};
    case Reason::not_found:
      return {"not-found", title};
    case Reason::no_identity:
    case Reason::token_spent:
      return {"login", title};
    case Reason::wrong_node:
    case Reason::no_purpose:
    case Reason::undeclared:
    case Reason::prohibited:
    case Reason::no_permit:
    case Reason::lapsed:
    case Reason::no_ground:
    case Reason::out_of_scope:
    case Reason::condition:
    case Reason::held:
      return {"forbidden", title};
    case Reason::suspended:
    case Reason::restricted:
      return {"suppressed", title};
    case Reason::too_large:
      return {"too-long", title};
    case Reason::busy:
      return {"throttled", title};
    case Reason::not_recorded:
    case Reason::upstream:
      return {"transient", title};
    case Reason::unfilterable:
      return {"not-supported", title};
    case Reason::none:
      break;
  }
  return {"processing", "The request was not carried out."};
}

std::string outcome(OutcomeText what, std::string_view reference) {
  std::string out = R"({"resourceType":"OperationOutcome","issue":[{"severity":"error","code":")";
  out.append(what.code).append(R"(","details":{"text":)");
  append_json_string(out, what.text);
  out += '}';
  const bool fits = !reference.empty() && reference.size() <= 128 && std::all_of(reference.begin(), reference.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
  if (fits) out.append(R"(,"diagnostics":"reference )").append(reference).append("\"");
  return out += "}]}";
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(done, at - done));
    done = at + 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  out.append(text.substr(done));
  out += '"';
}

Rebase prefix_rebase(std::vector<std::string> bases, std::string to) {
  for (std::string& from : bases)
    while (from.ends_with('/')) from.pop_back();
  while (to.ends_with('/')) to.pop_back();
  return [bases = std::move(bases), to = std::move(to)](std::string_view url, std::string& out) {
    for (const std::string& from : bases) {
      if (from.empty() || !url.starts_with(from)) continue;
      const std::string_view rest = url.substr(from.size());
      // `..` could climb out of the base, whatever the client makes of it.
      if ((!rest.empty() && rest[0] != '/' && rest[0] != '?' && rest[0] != '#') || rest.find("..") != std::string_view::npos) continue;
      out.append(to).append(rest);
      return true;
    }
    if (url.starts_with("urn:") || url.starts_with('#')) {
      out += url;
      return true;
    }
    // Relative to the base as it is: "Patient/1", "?page=2". Not "//host", "/elsewhere", "other:scheme".
    const std::string_view path = url.substr(0, url.find_first_of("?#"));
    if (url.empty() || url[0] == '/' || url[0] == '\\' || path.find(':') != std::string_view::npos ||
        url.find("..") != std::string_view::npos)
      return false;
    out += url;
    return true;
  };
}

BundleWriter::BundleWriter(std::string& out, Options options) : out_(out), options_(std::move(options)) {
  out_ += R"({"resourceType":"Bundle")";
}

void BundleWriter::open(std::string_view name) {
  if (in_entries_) out_ += ']';
  in_entries_ = false;
  out_ += ',';
  append_json_string(out_, name);
  out_ += ':';
}

void BundleWriter::member(std::string_view name, std::string_view raw) {
  if (name == "resourceType" || name == "entry") return;
  if (name == "link") {
    const std::string shown = options_.links ? links(raw, options_.rebase, options_.reduced, lost_page_) : std::string();
    if (shown.empty()) return;
    open(name);
    out_ += shown;
    return;
  }
  if (options_.reduced) {
    const bool keeps =
        (name == "type" && is_code(text_of(raw))) || (name == "timestamp" && is_plain(text_of(raw))) || name == "implicitRules";
    if (!keeps) return;
  }
  open(name);
  out_ += raw;
}

void BundleWriter::entry(const BundleEntry& entry, std::string_view resource) {
  if (!in_entries_) {
    open("entry");
    out_ += '[';
    in_entries_ = true;
  } else {
    out_ += ',';
  }
  ++entries_;
  out_ += '{';
  const auto key = [&](std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    out_.append("\"").append(name).append("\":");
  };
  url_.clear();
  if (!entry.full_url.empty() && !options_.rebase(entry.full_url, url_)) {
    url_.clear();
    if (!options_.reduced)
      url_ = entry.full_url;  // an identity (urn:uuid:…, another server's), by which references inside the bundle resolve
  }
  if (!url_.empty()) {
    key("fullUrl");
    append_json_string(out_, url_);
  }
  if (!resource.empty()) {
    key("resource");
    out_ += resource;
  }
  if (!options_.reduced) {
    bool lost = false;  // an entry has no pages
    if (const std::string shown = links(entry.link, options_.rebase, false, lost); !shown.empty()) {
      key("link");
      out_ += shown;
    }
    if (!entry.search.empty()) {
      key("search");
      out_ += entry.search;
    }
    if (!entry.request.empty()) {
      key("request");
      out_ += entry.request;
    }
    if (!entry.response.empty()) {
      key("response");
      out_ += entry.response;
    }
    out_ += '}';
    return;
  }
  if (is_code(entry.search_mode)) {
    key("search");
    out_.append(R"({"mode":")").append(entry.search_mode).append("\"}");
  }
  if (!entry.status.empty() && is_plain(entry.status)) {
    key("response");
    out_.append(R"({"status":")").append(entry.status);
    if (!entry.last_modified.empty() && is_plain(entry.last_modified)) out_.append(R"(","lastModified":")").append(entry.last_modified);
    out_.append("\"}");
  }
  out_ += '}';
}

void BundleWriter::end() {
  if (in_entries_) out_ += ']';
  in_entries_ = false;
  out_ += '}';
}

std::string operation_outcome(Reason reason, std::string_view reference) {
  return outcome(outcome_of(reason), reference);
}

std::string sanitized_error(int status) {
  switch (status) {
    case 400:
    case 422:
      return outcome({"invalid", "The system behind the gate did not accept the request."}, {});
    case 401:
    case 403:
      return outcome({"forbidden", "The system behind the gate did not allow the request."}, {});
    case 404:
      return outcome({"not-found", "The system behind the gate has nothing at this address."}, {});
    case 405:
    case 501:
      return outcome({"not-supported", "The system behind the gate does not support this."}, {});
    case 409:
    case 412:
      return outcome({"conflict", "The request conflicts with the state of the record."}, {});
    case 410:
      return outcome({"deleted", "What was at this address is gone."}, {});
    case 429:
    case 503:
      return outcome({"throttled", "The system behind the gate is busy."}, {});
    default:
      return outcome({"processing", "The system behind the gate could not carry out the request."}, {});
  }
}

}  // namespace licet::codec
