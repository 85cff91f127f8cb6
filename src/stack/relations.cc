// The mapping from documents to tables, by the rule in stack.h. First the tables of every kind are laid out from the schema, then each
// document is poured into them by the same walk; so a field that is added to the schema has its column or table at once.
#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string>

#include "stack/internal/typed.h"
#include "stack/schema.h"
#include "stack/stack.h"

namespace licet::stack {
namespace {

using schema::Field;
using schema::Shape;
using schema::Type;

std::string sql(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c == '-') c = '_';
  return out;
}

std::int64_t number(std::string_view text) {
  std::int64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

Cell cell(const Field& f, std::string_view text) {
  switch (f.type) {
    case Type::boolean:
      return static_cast<std::int64_t>(text == "true");
    case Type::integer:
      return number(text);
    case Type::text:
    case Type::date:
    case Type::duration:
    case Type::word:
    case Type::purpose:
    case Type::classes:
    case Type::prefix:
    case Type::url:
    case Type::path:
    case Type::sha256:
    case Type::pack:
    case Type::choice:
    case Type::ref:
      return std::string(text);
  }
  return std::monostate();
}

Cell text_or_null(std::string_view text) {
  return text.empty() ? Cell() : Cell(std::string(text));
}
Cell line_of(const Place& place) {
  return static_cast<std::int64_t>(place.line);
}

// The tables of one map of fields: its own columns, and one table for each list or open map below it, in the schema's order.
class Layout {
 public:
  Layout(Relations& out, const Stack& stack, const std::string& name, std::vector<std::string> keys, std::span<const Field> fields)
      : out_(out), stack_(stack), fields_(fields), own_(out.size()) {
    out_.push_back({name, std::move(keys), {}});
    lay(name, fields);
  }

  // keys: the cells that head the row; owner: those by which its lists refer to it.
  void pour(const Value& value, std::vector<Cell> keys, const std::vector<Cell>& owner) {
    std::size_t next = 0;
    std::vector<Cell> row = std::move(keys);
    row.reserve(out_[own_].columns.size());
    pour_fields(fields_, &value, row, owner, next);
    out_[own_].rows.push_back(std::move(row));
  }

 private:
  // Scalars become columns here; the others tables. `children_` lists those in the order in which pour() meets them.
  void lay(const std::string& prefix, std::span<const Field> fields, const std::string& flat = "") {
    const bool nested = out_[own_].columns.size() > 1 && out_[own_].columns[1] == "idx";
    for (const Field& f : fields) {
      const std::string column = flat + sql(f.name), table = prefix + "_" + sql(f.name);
      std::vector<std::string> keys = nested ? std::vector<std::string>{"owner", "idx"} : std::vector<std::string>{"owner"};
      switch (f.shape) {
        case Shape::one:
          out_[own_].columns.push_back(column);
          if (f.type == Type::duration) {
            out_[own_].columns.push_back(column + "_hours");
            out_[own_].columns.push_back(column + "_hours_least");
          }
          break;
        case Shape::many:
          keys.insert(keys.end(), {"value", "line"});
          children_.push_back({out_.size(), {}});
          out_.push_back({table, std::move(keys), {}});
          break;
        case Shape::map:
          keys.insert(keys.end(), {"key", "value", "hours", "hours_least", "at"});
          children_.push_back({out_.size(), {}});
          out_.push_back({table, std::move(keys), {}});
          lay(table, f.fields, column + "_");
          break;
        case Shape::maps:
          children_.push_back({0, {}});
          children_.back().layout.emplace_back(out_, stack_, table, std::vector<std::string>{"owner", "idx", "line"}, f.fields);
          break;
        case Shape::open:
          keys.insert(keys.end(), {"key", "value", "line"});
          children_.push_back({out_.size(), {}});
          out_.push_back({table, std::move(keys), {}});
          break;
      }
    }
  }

  void pour_fields(std::span<const Field> fields, const Value* map, std::vector<Cell>& row, const std::vector<Cell>& owner,
                   std::size_t& next) {
    for (const Field& f : fields) {
      const Value* v = map != nullptr ? map->find(f.name) : nullptr;
      switch (f.shape) {
        case Shape::one:
          row.push_back(v != nullptr ? cell(f, v->text) : Cell());
          if (f.type == Type::duration) {
            const auto span = v != nullptr ? hours(v->text) : std::nullopt;
            row.push_back(span ? Cell(span->most) : Cell());
            row.push_back(span ? Cell(span->least) : Cell());
          }
          break;
        case Shape::many: {
          std::size_t table = children_[next++].table;
          if (v != nullptr) list(table, owner, {}, f, *v);
          break;
        }
        case Shape::map: {
          const std::size_t table = children_[next++].table;
          if (v != nullptr) items(table, owner, f.fields, *v);
          pour_fields(f.fields, v, row, owner, next);
          break;
        }
        case Shape::maps: {
          Layout& items = children_[next++].layout.front();
          if (v == nullptr) break;
          for (std::size_t i = 0; i < v->items.size(); ++i) {
            const Cell idx = static_cast<std::int64_t>(i);
            items.pour(v->items[i], {owner[0], idx, line_of(v->items[i].place)}, {owner[0], idx});
          }
          break;
        }
        case Shape::open: {
          std::size_t table = children_[next++].table;
          if (v == nullptr) break;
          for (const Member& m : v->members) list(table, owner, {m.key}, f, m.value);
          break;
        }
      }
    }
  }

  void list(std::size_t table, const std::vector<Cell>& owner, const std::vector<Cell>& key, const Field& f, const Value& v) {
    const auto add = [&](const Value& item) {
      std::vector<Cell> row = owner;
      row.insert(row.end(), key.begin(), key.end());
      row.push_back(cell(f, item.text));
      row.push_back(line_of(item.place));
      out_[table].rows.push_back(std::move(row));
    };
    if (v.type == Value::Type::scalar) add(v);
    for (const Value& item : v.items) add(item);
  }

  // What a map says in single values, each with its own place: a clause is quoted where it stands.
  void items(std::size_t table, const std::vector<Cell>& owner, std::span<const Field> fields, const Value& map) {
    for (const Field& f : fields) {
      const Value* v = f.shape == Shape::one ? map.find(f.name) : nullptr;
      if (v == nullptr) continue;
      const auto span = f.type == Type::duration ? hours(v->text) : std::nullopt;
      std::vector<Cell> row = owner;
      row.insert(row.end(), {std::string(f.name), v->text, span ? Cell(span->most) : Cell(), span ? Cell(span->least) : Cell(),
                             stack_.where(v->place)});
      out_[table].rows.push_back(std::move(row));
    }
  }

  struct Child {
    std::size_t table;           // of many, map and open
    std::vector<Layout> layout;  // of maps: exactly one
  };
  Relations& out_;
  const Stack& stack_;
  std::span<const Field> fields_;
  std::size_t own_;
  std::vector<Child> children_;
};

// The facts, and what their kinds ask for besides: a row for each word.
std::array<Table, 2> fact_tables(std::span<const Fact> facts, const Zone& zone) {
  Table t{"fact",
          {"idx", "kind", "subject", "object", "patient", "data_class", "purpose", "from_date", "until_date", "recorded_date", "by"},
          {}};
  Table details{"fact_detail", {"idx", "name", "value"}, {}};
  // A fact can be revoked, and so can its revocation: the later one speaks first.
  std::vector<const Fact*> order;
  for (const Fact& f : facts) order.push_back(&f);
  std::sort(order.begin(), order.end(), [](const Fact* x, const Fact* y) { return x->index < y->index; });
  std::set<std::uint64_t> revoked;
  for (auto f = order.rbegin(); f != order.rend(); ++f)
    if ((*f)->kind == "revoked" && !revoked.contains((*f)->index)) revoked.insert(static_cast<std::uint64_t>(number((*f)->object)));
  for (const Fact* f : order) {
    if (revoked.contains(f->index)) continue;
    t.rows.push_back({static_cast<std::int64_t>(f->index), f->kind, text_or_null(f->subject), text_or_null(f->object),
                      text_or_null(f->patient), text_or_null(f->data_class), text_or_null(f->purpose),
                      f->from ? Cell(format(*f->from)) : Cell(), f->until ? Cell(format(*f->until)) : Cell(), format(zone.day(f->recorded)),
                      text_or_null(f->by)});
    for (const auto& [name, words] : f->details)
      for (std::string_view rest = words;;) {
        const std::size_t comma = rest.find(',');
        details.rows.push_back({static_cast<std::int64_t>(f->index), name, std::string(rest.substr(0, comma))});
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
      }
  }
  return {std::move(t), std::move(details)};
}

}  // namespace

Relations relations(const Stack& stack, std::span<const Fact> facts) {
  Relations out;
  out.push_back({"stack", {"tenant", "timezone"}, {{stack.tenant, stack.zone.name()}}});
  for (Table& t : fact_tables(facts, stack.zone)) out.push_back(std::move(t));
  for (const schema::Kind& kind : schema::kinds()) {
    if (kind.name == "stack") continue;
    Layout layout(out, stack, sql(kind.name), {"id", "layer", "file", "line"}, kind.fields);
    for (const Document* d : stack.all(kind.name)) {
      static constexpr std::string_view kLayers[] = {"imported", "authored", "decisions"};
      const Cell file = d->place.file < stack.files.size() ? Cell(stack.files[d->place.file]) : Cell();
      layout.pour(d->fields, {d->id, std::string(kLayers[static_cast<std::size_t>(d->layer)]), file, line_of(d->place)}, {d->id});
    }
  }
  return out;
}

}  // namespace licet::stack
