// load(): bytes → trees (yaml.cc) → typed documents (internal/typed.cc) → layers merged → the whole checked (internal/check.cc).
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "stack/internal/check.h"
#include "stack/internal/typed.h"
#include "stack/internal/words.h"
#include "stack/schema.h"
#include "stack/stack.h"
#include "stack/yaml.h"

namespace licet::stack {
namespace {

constexpr std::size_t kProblemsShown = 200;
constexpr std::size_t kProblemsKept = 5000;  // so that a hostile declaration can't fill memory with sentences about itself
constexpr std::int64_t kFormat = 1;

struct Draft {
  Document document;
  std::vector<std::string_view> unreadable;  // required keys that were there, but wrong
};

bool earlier(const Place& x, const Place& y) {
  return std::tie(x.file, x.line, x.column) < std::tie(y.file, y.line, y.column);
}

class Loader {
 public:
  Loader(std::span<const Source> sources, const Limits& limits) : limits_(limits) {
    for (const Source& s : sources) sources_.push_back(&s);
    std::sort(sources_.begin(), sources_.end(), [](const Source* x, const Source* y) { return x->path < y->path; });
  }

  Loaded run() && {
    if (read()) {
      // Beyond this point every document of every file was seen; what is still missing is missing.
      merge();
      required();
      the_stack();
      check(stack_, hurt_, dropped_, report_);
    }
    return finish();
  }

 private:
  // False where a file isn't YAML: then nothing can be said about what is missing.
  bool read() {
    std::size_t bytes = 0;
    bool whole = true;
    for (const Source* source : sources_) {
      const auto file = static_cast<std::uint32_t>(stack_.files.size());
      stack_.files.push_back(source->path);
      if (file > 0 && sources_[file - 1]->path == source->path) report_({file, 1, 1}, "this file was given twice");
      bytes += std::min(source->bytes.size(), limits_.stack_bytes + 1);
      if (bytes > limits_.stack_bytes) {
        report_({file, 1, 1}, fmt::format("the declaration is larger than {} bytes", limits_.stack_bytes));
        return false;
      }
      yaml::Parsed parsed = yaml::parse(source->bytes, file, limits_);
      for (yaml::Fault& fault : parsed.faults) report_(fault.place, std::move(fault.message));
      for (const yaml::Node& node : parsed.documents) document(node, source->layer);
      whole = whole && parsed.whole;
    }
    return whole;
  }

  void document(const yaml::Node& node, Layer layer) {
    if (node.type != Value::Type::map) return report_(node.place, "a document is a map: kind, id and fields");
    const yaml::Node *kind = node.find("kind"), *id = node.find("id");
    const auto drop = [&] {
      if (id != nullptr) dropped_.insert(id->text);
    };
    if (kind == nullptr || kind->type != Value::Type::scalar) {
      drop();
      return report_(node.place, "a document needs kind: organization, system, flow …");
    }
    const schema::Kind* known = schema::find(kind->text);
    if (known == nullptr) {
      std::vector<std::string_view> names;
      for (const schema::Kind& k : schema::kinds()) names.push_back(k.name);
      const std::string guess = did_you_mean(kind->text, names);
      drop();
      return report_(kind->place,
                     fmt::format("unknown kind {}{}", quoted(kind->text), guess.empty() ? "; there are " + join(names, " and ") : guess));
    }
    const bool stack = kind->text == "stack";
    if (!stack && (id == nullptr || id->type != Value::Type::scalar))
      return report_(node.place, fmt::format("{} needs an id", a(kind->text)));
    if (id != nullptr && !is_id(id->text)) {
      drop();
      return report_(id->place, fmt::format("the id {} is not allowed: write a lower-case letter, then at most 62 of a-z 0-9 _ . -",
                                            quoted(id->text)));
    }
    const std::size_t before = found_;
    Draft draft;
    draft.document = {.kind = kind->text,
                      .id = id != nullptr ? id->text : "stack",
                      .layer = layer,
                      .place = node.place,
                      .fields = typed_map(known->fields, node, a(kind->text), true, report_)};
    for (const schema::Field& f : known->fields)
      if (f.required && node.find(f.name) != nullptr && draft.document.fields.find(f.name) == nullptr) draft.unreadable.push_back(f.name);
    if (found_ != before) hurt_.insert(draft.document.id);
    drafts_.push_back(std::move(draft));
  }

  // One document per id: fields of a higher layer win; two of one layer are a clash.
  void merge() {
    std::sort(drafts_.begin(), drafts_.end(), [](const Draft& x, const Draft& y) {
      const Document &a = x.document, &b = y.document;
      if (a.id != b.id) return a.id < b.id;
      if (a.layer != b.layer) return a.layer < b.layer;
      return earlier(a.place, b.place);
    });
    std::vector<Draft> merged;
    for (Draft& next : drafts_) {
      if (merged.empty() || merged.back().document.id != next.document.id) {
        merged.push_back(std::move(next));
        continue;
      }
      Document &under = merged.back().document, &over = next.document;
      const std::string first = stack_.where(under.place);
      if (under.kind != over.kind) {
        report_(over.place,
                fmt::format("the id {} is taken by {} ({}): ids are unique over all kinds", quoted(over.id), a(under.kind), first));
      } else if (under.layer == over.layer) {
        report_(over.place, fmt::format("{} is declared twice: first at {}", quoted(over.id), first));
      } else {
        for (Member& m : over.fields.members) {
          const auto same =
              std::find_if(under.fields.members.begin(), under.fields.members.end(), [&](const Member& u) { return u.key == m.key; });
          if (same != under.fields.members.end())
            same->value = std::move(m.value);
          else
            under.fields.members.push_back(std::move(m));
        }
        under.layer = over.layer;
        under.place = over.place;
        merged.back().unreadable.insert(merged.back().unreadable.end(), next.unreadable.begin(), next.unreadable.end());
      }
    }
    drafts_ = std::move(merged);
  }

  void required() {
    for (Draft& d : drafts_) {
      for (const schema::Field& f : schema::find(d.document.kind)->fields) {
        if (!f.required || d.document.fields.find(f.name) != nullptr) continue;
        if (std::find(d.unreadable.begin(), d.unreadable.end(), f.name) != d.unreadable.end()) continue;
        report_(d.document.place, fmt::format("the {} {} needs the key {}", d.document.kind, quoted(d.document.id), quoted(f.name)));
        hurt_.insert(d.document.id);
      }
      stack_.documents.push_back(std::move(d.document));
    }
    std::sort(stack_.documents.begin(), stack_.documents.end(),
              [](const Document& x, const Document& y) { return std::tie(x.kind, x.id) < std::tie(y.kind, y.id); });
  }

  void the_stack() {
    const auto all = stack_.all("stack");
    if (all.empty()) {
      if (dropped_.empty()) problem({"stack", 0, 0, "no document is of kind stack: declare one with format: 1, tenant and timezone"});
      return;
    }
    for (std::size_t i = 1; i < all.size(); ++i)
      report_(all[i]->place, fmt::format("a second document of kind stack: the first is at {}", stack_.where(all[0]->place)));
    const Document& d = *all[0];
    if (const Value* format = d.find("format"); format != nullptr && format->text != "1") {
      const bool newer = std::stoll(format->text) > kFormat;
      report_(format->place, newer ? fmt::format("format {} is newer than this program reads ({}): update licet", format->text, kFormat)
                                   : fmt::format("there is no format {}: write format: {}", format->text, kFormat));
    }
    stack_.tenant = d.text("tenant");
    if (const Value* tenant = d.find("tenant"); tenant != nullptr && !is_id(tenant->text))
      report_(tenant->place, "tenant: write a lower-case letter, then at most 62 of a-z 0-9 _ . -");
    if (const Value* name = d.find("timezone")) {
      if (auto zone = Zone::find(name->text))
        stack_.zone = *std::move(zone);
      else
        report_(name->place, "timezone: " + zone.error().message);
    }
    for (const std::string_view pack : d.list("packs")) {
      const std::size_t mark = pack.find('@');
      stack_.packs.push_back({std::string(pack.substr(0, mark)), std::string(pack.substr(mark + 1))});
    }
  }

  void problem(Problem p) {
    ++found_;
    if (problems_.size() < kProblemsKept) problems_.emplace_back(Place{0, p.line, p.column}, std::move(p));
  }

  Loaded finish() {
    std::stable_sort(problems_.begin(), problems_.end(), [](const auto& x, const auto& y) { return earlier(x.first, y.first); });
    Loaded out;
    for (auto& [place, p] : problems_)
      if (out.problems.size() < kProblemsShown) out.problems.push_back(std::move(p));
    if (out.problems.empty()) out.stack = std::move(stack_);
    return out;
  }

  const Limits& limits_;
  std::vector<const Source*> sources_;  // by path, so that their order doesn't matter
  Stack stack_;
  std::vector<Draft> drafts_;
  Ids hurt_, dropped_;
  std::vector<std::pair<Place, Problem>> problems_;
  std::size_t found_ = 0;
  Report report_ = [this](Place place, std::string message) {
    ++found_;
    if (problems_.size() < kProblemsKept)
      problems_.emplace_back(place, Problem{stack_.files[place.file], place.line, place.column, std::move(message)});
  };
};

}  // namespace

Loaded load(std::span<const Source> sources, const Limits& limits) {
  return Loader(sources, limits).run();
}

}  // namespace licet::stack
