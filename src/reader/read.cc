// From sentences to clauses. A term has limbs: an act ("report"), what must stand near it, and what kind of sentence it must stand in. The
// best limb found anywhere wins, and a flat denial elsewhere makes it unclear.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/time.h"
#include "reader/internal/head.h"
#include "reader/internal/text.h"

namespace licet::reader {
namespace {

struct Hit {
  std::uint32_t begin = 0, end = 0;  // words
};

enum class Role : signed char { entity = -1, unknown = 0, associate = 1, other = 2, both = 3 };

// All class hits of one sentence.
class Hits {
 public:
  Hits(const Wording::Inside& wording, const Text& text)
      : w_(wording), t_(text), hits_(wording.classes.size()), from_(wording.classes.size()) {}

  void find(const Sentence& sentence) {
    const std::vector<Word>& words = sentence.words;
    words_ = &words;
    goes_on_ = sentence.goes_on;
    for (auto& h : hits_) h.clear();
    for (auto& f : from_) f.clear();
    const auto n = static_cast<std::uint32_t>(words.size());
    for (std::uint32_t i = 0; i < n; ++i)
      for (const Atom a : t_.atoms[words[i].id])
        for (const auto& [c, p] : w_.starts[a]) from_[c].emplace_back(i, p);
    for (ClassId c = 0; c < w_.classes.size(); ++c) {
      const Class& cls = w_.classes[c];
      auto& hits = hits_[c];
      for (const auto& [i, p] : from_[c])
        if (const auto end = match(cls.phrases[p], 0, i)) hits.push_back({i, *end});
      for (const Phrase& p : cls.phrases)
        if (p.front().what == Element::What::hit)
          for (const Hit& h : hits_[p.front().hit])
            if (const auto end = match(p, 1, h.end)) hits.push_back({h.begin, *end});
      for (const ClassId m : cls.minus)
        std::erase_if(hits, [&](const Hit& h) {
          return std::any_of(hits_[m].begin(), hits_[m].end(), [&](const Hit& o) { return o.begin < h.end && h.begin < o.end; });
        });
      std::sort(hits.begin(), hits.end(),
                [](const Hit& a, const Hit& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
      constexpr std::size_t kMost = 64;  // a sentence made of one class's words costs no more than this
      if (hits.size() > kMost) hits.resize(kMost);
    }
  }

  template <class F>
  void drop(ClassId c, F which) {
    std::erase_if(hits_[c], which);
  }
  [[nodiscard]] const std::vector<Hit>& of(ClassId c) const { return hits_[c]; }
  [[nodiscard]] std::size_t steps() const { return steps_; }
  [[nodiscard]] bool any(ClassId c) const { return !hits_[c].empty(); }
  [[nodiscard]] bool near(ClassId c, const Hit& act, unsigned within) const {
    return std::any_of(hits_[c].begin(), hits_[c].end(),
                       [&](const Hit& h) { return h.begin <= act.end + within && act.begin <= h.end + within; });
  }
  // The last hit that ends before `at`, at most `within` words before.
  [[nodiscard]] std::optional<Hit> before(ClassId c, std::uint32_t at, unsigned within) const {
    std::optional<Hit> best;
    for (const Hit& h : hits_[c])
      if (h.end <= at && at - h.end < within && (!best || h.end > best->end)) best = h;
    return best;
  }

 private:
  std::optional<std::uint32_t> match(const Phrase& phrase, std::size_t e, std::uint32_t at) const {
    const auto n = static_cast<std::uint32_t>(words_->size());
    ++steps_;
    for (; e < phrase.size(); ++e) {
      const Element& el = phrase[e];
      switch (el.what) {
        case Element::What::words: {
          if (at >= n) return std::nullopt;
          const auto& atoms = t_.atoms[(*words_)[at].id];
          if (std::none_of(atoms.begin(), atoms.end(),
                           [&](Atom a) { return std::find(el.words.begin(), el.words.end(), a) != el.words.end(); }))
            return std::nullopt;
          ++at;
          break;
        }
        case Element::What::any:
          for (std::uint32_t skip = 0; skip <= el.gap && at + skip <= n; ++skip)
            if (auto end = match(phrase, e + 1, at + skip)) return end;
          return std::nullopt;
        case Element::What::end:
          if (at != n || goes_on_) return std::nullopt;
          break;
        case Element::What::hit:
          for (const Hit& h : hits_[el.hit])
            if (h.begin == at)
              if (auto end = match(phrase, e + 1, h.end)) return end;
          return std::nullopt;
      }
    }
    return at;
  }

  const Wording::Inside& w_;
  const Text& t_;
  const std::vector<Word>* words_ = nullptr;
  bool goes_on_ = false;
  mutable std::size_t steps_ = 0;
  std::vector<std::vector<Hit>> hits_;
  std::vector<std::vector<std::pair<std::uint32_t, std::uint32_t>>> from_;
};

struct Candidate {
  Is is = Is::absent;
  const Limb* limb = nullptr;  // whose conditions on the whole document are still open
  double confidence = 0;
  std::size_t sentence = 0;
  std::uint32_t act = 0;
  std::string because;
};

int rank(Is is) {
  switch (is) {
    case Is::present:
      return 4;
    case Is::stricter:
      return 3;
    case Is::weaker:
      return 2;
    case Is::unclear:
      return 1;
    case Is::absent:
      return 0;
  }
  return 0;
}

struct Duration {
  std::uint32_t at = 0;
  std::string text;    // 5bd, 24h
  unsigned hours = 0;  // calendar hours; business days as 7/5
  bool bound = false;  // "within", "no later than"
};

class Reader {
 public:
  Reader(std::string_view bytes, const Wording& wording, const ReadLimits& limits)
      : w_(wording.inside()), t_(split(bytes, w_, limits)), hits_(w_, t_), most_steps_(limits.steps) {
#define LICET_CLASS(name, text) name##_ = w_.id(text)
    LICET_CLASS(entity, "entity"), LICET_CLASS(associate, "associate"), LICET_CLASS(party, "party-name"),
        LICET_CLASS(other, "other-person");
    LICET_CLASS(both, "both"), LICET_CLASS(subs, "subcontractor"), LICET_CLASS(phi, "phi"), LICET_CLASS(shall, "shall"),
        LICET_CLASS(may, "may");
    LICET_CLASS(soft, "soft"), LICET_CLASS(no_duty, "no-duty"), LICET_CLASS(conditional, "conditional"), LICET_CLASS(report, "report");
    LICET_CLASS(report_up, "report-up"), LICET_CLASS(breach, "phi-breach-any"), LICET_CLASS(incident, "incident"),
        LICET_CLASS(means, "means");
    LICET_CLASS(self, "self"), LICET_CLASS(made, "made-between"), LICET_CLASS(talk, "talk"), LICET_CLASS(talk_subject, "talk-subject");
    LICET_CLASS(blanket, "blanket"), LICET_CLASS(blanket_act, "blanket-act"), LICET_CLASS(ai, "ai-training"),
        LICET_CLASS(offshore, "offshore");
    LICET_CLASS(in_country, "in-country"), LICET_CLASS(consent, "consent"), LICET_CLASS(insurance, "insurance"),
        LICET_CLASS(audit, "audit");
    LICET_CLASS(survival, "survival"), LICET_CLASS(limit_on, "limit-on"), LICET_CLASS(deidentify, "deidentify"),
        LICET_CLASS(use_act, "use-act"), LICET_CLASS(provided, "provided"), LICET_CLASS(other_agreement, "other-agreement"),
        LICET_CLASS(only_use, "only-use"), LICET_CLASS(end_act, "end-act");
#undef LICET_CLASS
    for (std::uint32_t i = 0; i < t_.words.size(); ++i) ids_[t_.words[i]] = i;
  }

  Reading read() {
    vote();
    best_.resize(w_.terms.size());
    denied_.resize(w_.terms.size());
    near_.assign(w_.terms.size(), false);
    seen_.assign(w_.classes.size(), false);
    bool whole = true;
    for (std::size_t i = 0; i < t_.sentences.size() && whole; ++i) {
      sentence(i);
      whole = hits_.steps() <= most_steps_;
    }
    Reading r;
    r.pages = static_cast<std::size_t>(std::count(t_.bytes.begin(), t_.bytes.end(), '\f')) +
              (t_.bytes.ends_with('\f') || t_.bytes.empty() ? 0 : 1);
    r.kind = kind();
    if (r.kind == Kind::not_an_agreement) return r;
    clauses(r);
    for (auto& [key, term] : terms_) r.terms[key] = std::move(term);
    if (t_.blanks > 0)
      r.notes.push_back(fmt::format("{} blank{} not filled in, or optional wording not chosen", t_.blanks, t_.blanks == 1 ? "" : "s"));
    if (!whole) {
      r.notes.push_back("its text takes too long to read: it was read in part, and what was not found may stand in the rest");
      for (Clause& c : r.clauses)
        if (c.is == Is::absent) c.is = Is::unclear;
    }
    for (auto& n : notes_) r.notes.push_back(n);
    return r;
  }

  // Code points and pages of places, once all are known.
  void place(Reading& r) const {
    std::vector<Place*> places;
    for (Clause& c : r.clauses) places.push_back(&c.at);
    for (auto& [key, term] : r.terms) places.push_back(&term.at);
    std::erase_if(places, [](const Place* p) { return p->quote.empty(); });
    std::vector<std::pair<std::size_t, std::size_t*>> ends;
    for (Place* p : places) {
      p->page = p->start;  // bytes, until counted
      ends.emplace_back(p->start, &p->start);
      ends.emplace_back(p->end, &p->end);
    }
    std::sort(ends.begin(), ends.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::size_t> breaks;
    std::size_t at = 0, points = 0;
    const auto run_to = [&](std::size_t to) {
      for (; at < to; ++at) {
        if ((static_cast<unsigned char>(t_.bytes[at]) & 0xC0) != 0x80) ++points;
        if (t_.bytes[at] == '\f') breaks.push_back(at);
      }
    };
    for (auto& [byte, out] : ends) {
      run_to(byte);
      *out = points;
    }
    for (Place* p : places)
      p->page = 1 + static_cast<std::size_t>(std::upper_bound(breaks.begin(), breaks.end(), p->page) - breaks.begin());
  }

 private:
  [[nodiscard]] bool is(const Word& w, std::string_view text) const { return t_.words[w.id] == text; }

  // "Customer is a covered entity", ("Covered Entity" or "Customer"): two names of one party.
  [[nodiscard]] bool same(const Sentence& s, const Hit& name, const Hit& side) const {
    std::string between;
    const bool before = side.begin >= name.end;
    if (!before && name.begin < side.end) return false;
    const std::uint32_t from = before ? name.end : side.end, to = before ? side.begin : name.begin;
    if (to - from > 2) return false;
    for (std::uint32_t i = from; i < to; ++i) between += t_.words[s.words[i].id] + " ";
    if (between == "or " || between == "or the ") return true;
    static constexpr std::array kIs = {"a ", "an ", "is ", "is a ", "is the ", "as a ", "as the "};
    return before && std::find(kIs.begin(), kIs.end(), between) != kIs.end();
  }

  // --- who is who: parties go by many names, and what they do to each other tells the side ---
  void vote() {
    std::unordered_map<std::uint32_t, int> score;
    int associate_acts = 0, sub_acts = 0;
    for (const Sentence& s : t_.sentences) {
      if (hits_.steps() > most_steps_ / 2) break;
      if (s.heading) continue;
      hits_.find(s);
      const auto acts_after = [&](std::uint32_t at) {
        for (const ClassId c : {report_up_, subs_, breach_, incident_})
          for (const Hit& h : hits_.of(c))
            if (h.begin >= at && h.begin < at + 25) return true;
        return false;
      };
      const auto is_subject = [&](const Hit& h) {
        return std::any_of(hits_.of(shall_).begin(), hits_.of(shall_).end(),
                           [&](const Hit& m) { return m.begin >= h.end && m.begin < h.end + 2; });
      };
      const auto receives = [&](const Hit& h) {
        for (std::uint32_t back = 1; back <= 3 && back <= h.begin; ++back) {
          const Word& w = s.words[h.begin - back];
          if (is(w, "behalf")) return true;
          if (back <= 2 && (is(w, "notify") || is(w, "inform"))) return true;
          if (back <= 2 && is(w, "to") && hits_.before(report_, h.begin, 8)) return true;
        }
        return false;
      };
      for (const Hit& h : hits_.of(associate_))
        if (is_subject(h) && acts_after(h.end)) ++associate_acts;
      for (const Hit& h : hits_.of(party_)) {
        const std::uint32_t name = s.words[h.end - 1].id;
        if (is_subject(h) && acts_after(h.end)) {
          score[name] += 2;
          if (is(s.words[h.end - 1], "subcontractor")) ++sub_acts;
        }
        if (receives(h)) score[name] -= 2;
        for (const Hit& e : hits_.of(entity_))
          if (same(s, h, e)) score[name] -= 3;
        for (const Hit& a : hits_.of(associate_))
          if (same(s, h, a)) score[name] += 3;
      }
    }
    for (const auto& [name, votes] : score) {
      if (t_.words[name] == "subcontractor" || t_.words[name] == "sub") continue;
      if (votes != 0) role_[name] = votes > 0 ? Role::associate : Role::entity;
    }
    // A subcontract: the associate is the upper party.
    subcontract_ = sub_acts >= 3 && sub_acts > associate_acts;
    if (subcontract_)
      for (const char* name : {"subcontractor", "sub"})
        if (auto it = ids_.find(name); it != ids_.end()) role_[it->second] = Role::associate;
  }

  struct Subject {
    Role role = Role::unknown;
    std::uint32_t distance = 0;
  };
  // Who stands before `at` as a subject: not "of X", "to X", "by X".
  [[nodiscard]] Subject subject(const Sentence& s, std::uint32_t at, unsigned within) const {
    std::optional<Hit> best;
    Role role = Role::unknown;
    const auto consider = [&](ClassId c, Role r) {
      for (const Hit& h : hits_.of(c)) {
        if (h.end > at || at - h.end > within) continue;
        static constexpr std::array kBefore = {"of",   "to", "by",      "for",      "from", "with", "between", "notify", "against",
                                               "upon", "on", "provide", "provides", "than", "but",  "except",  "as"};
        bool object = false;
        for (std::uint32_t back = 1; back <= 2 && back <= h.begin && !object; ++back) {
          const std::string& w = t_.words[s.words[h.begin - back].id];
          if (std::find(kBefore.begin(), kBefore.end(), w) != kBefore.end()) object = true;
          if (w != "the" && w != "a" && w != "an" && w != "each" && w != "any" && w != "such" && w != "its" && w != "all") break;
        }
        if (object) continue;
        if (!best || h.end > best->end) {
          best = h;
          role = r;
          if (c == party_) {
            auto it = role_.find(s.words[h.end - 1].id);
            role = it == role_.end() ? Role::unknown : it->second;
          }
        }
      }
    };
    consider(entity_, Role::entity);
    consider(other_, Role::other);
    consider(party_, Role::unknown);
    consider(associate_, subcontract_ ? Role::entity : Role::associate);
    consider(both_, Role::both);
    // "Business Associate and its subcontractors shall": the associate is bound, with others.
    if (role == Role::other) {
      const auto with = [&](ClassId c) {
        return std::any_of(hits_.of(c).begin(), hits_.of(c).end(), [&](const Hit& h) {
          if (h.end > best->begin || best->begin - h.end > 8) return false;
          if (c == party_) {
            auto it = role_.find(s.words[h.end - 1].id);
            if (it == role_.end() || it->second != Role::associate) return false;
          } else if (subcontract_) {
            return false;
          }
          const auto between = [&](ClassId m) {
            return std::any_of(hits_.of(m).begin(), hits_.of(m).end(),
                               [&](const Hit& x) { return x.begin >= h.end && x.begin < best->begin; });
          };
          return !between(shall_) && !between(may_);
        });
      };
      if (with(associate_) || with(party_)) role = Role::associate;
    }
    return {role, best ? at - best->end : 0};
  }

  // The subject of a modal; of "Covered Entity shall report X, shall notify Y", the second shall has the first one's.
  [[nodiscard]] Subject governing(const Sentence& s, Hit mode) const {
    Subject far;
    for (int i = 0; i < 6; ++i) {
      const Subject who = subject(s, mode.begin, 12);
      if ((who.role != Role::unknown || who.distance != 0) && who.distance <= 6) return who;
      if (far.role == Role::unknown && far.distance == 0) far = who;
      const auto shall = hits_.before(shall_, mode.begin, 45), may = hits_.before(may_, mode.begin, 45);
      if (!shall && !may) break;
      mode = !may || (shall && shall->begin > may->begin) ? *shall : *may;
    }
    return far;
  }

  // --- one sentence against all terms ---
  void sentence(std::size_t index) {
    const Sentence& s = t_.sentences[index];
    if (s.question && !s.heading) {
      ++questions_;
      return;
    }
    hits_.find(s);
    for (ClassId c = 0; c < w_.classes.size(); ++c) seen_[c] = seen_[c] || hits_.any(c);
    // Or it names its parties: between HealthTech ("Business Associate") and City Hospital ("Covered Entity").
    const std::string_view own = t_.bytes.substr(s.begin, s.end - s.begin);
    titled_ = titled_ || (hits_.any(made_) && hits_.any(associate_) && hits_.any(entity_) &&
                          (own.find("(\"") != std::string_view::npos || own.find("(\u201C") != std::string_view::npos));
    titled_ = titled_ || (index < 6 && s.words.size() <= 10 && !s.question && hits_.any(associate_) && hits_.any(w_.id("agreement")));
    associates_ += hits_.of(associate_).size();
    others_ += hits_.of(other_agreement_).size();
    if (s.heading) {
      questions_ += s.question;
      selves_ += hits_.any(self_);
      mades_ += hits_.any(made_);
      return;
    }
    ++sentences_;
    selves_ += hits_.any(self_);
    mades_ += hits_.any(made_);
    talks_ += std::any_of(hits_.of(talk_).begin(), hits_.of(talk_).end(), [&](const Hit& h) { return h.end > s.own; });
    shalls_ += hits_.any(shall_);
    phis_ += hits_.any(phi_);
    if (definition(s)) return;
    if (s.recital) return;
    if (hits_.any(blanket_) && hits_.any(blanket_act_) && hits_.any(shall_) && !blanket_at_) {
      const Hit& b = hits_.of(blanket_).front();
      if (hits_.before(shall_, b.begin, 40)) blanket_at_ = index;
    }
    // In a subcontract the Subcontractor is a party; only its subcontractors are what the clauses call so.
    if (subcontract_)
      for (const ClassId c : {subs_, other_})
        hits_.drop(c, [&](const Hit& h) { return h.end - h.begin == 1 && is(s.words[h.begin], "subcontractor"); });
    for (std::size_t t = 0; t < w_.terms.size(); ++t)
      for (const Limb& l : w_.terms[t].says) limb(index, s, t, l);
    numbers(index, s);
  }

  [[nodiscard]] bool definition(const Sentence& s) const {
    const auto before = hits_.of(means_);
    return std::any_of(before.begin(), before.end(), [&](const Hit& h) { return h.begin < s.own + (s.quoted ? 24 : 10); });
  }

  [[nodiscard]] bool has(const std::vector<Word>& ws, ClassId c) const {
    for (const Word& w : ws)
      for (const Atom a : t_.atoms[w.id])
        for (const auto& [cls, p] : w_.starts[a])
          if (cls == c && w_.classes[c].phrases[p].size() == 1) return true;
    return false;
  }
  // In the sentence, or where the limb allows in the label or the heading above.
  [[nodiscard]] bool holds(const Sentence& s, const Limb& l, ClassId c, const Hit& act) const {
    return hits_.near(c, act, l.within) || (l.context && has(s.label, c)) ||
           (l.section && (has(s.label, c) || has(t_.sections[s.section], c)));
  }

  void limb(std::size_t index, const Sentence& s, std::size_t term, const Limb& l) {
    bool denied = false;
    for (const Hit& act : hits_.of(l.all[0][0])) {
      // The act must be the sentence's own, or stand in what leads into it while the rest is its own.
      bool all = true, own = act.end > s.own;
      for (std::size_t i = 1; i < l.all.size() && all; ++i) {
        all = std::any_of(l.all[i].begin(), l.all[i].end(), [&](ClassId c) { return holds(s, l, c, act); });
        for (const ClassId c : l.all[i])
          for (const Hit& h : hits_.of(c)) own = own || h.end > s.own;
        if (!all && i == 1) break;
        if (all && i == 1) near_[term] = true;
      }
      if (l.item && !(says_something(s) && std::all_of(l.all.begin(), l.all.end(), [&](const auto& any) {
                        return std::any_of(any.begin(), any.end(),
                                           [&](ClassId c) { return hits_.any(c) && hits_.of(c).front().end <= s.own; });
                      })))
        continue;
      if (!all || !(own || l.item)) continue;
      if (std::any_of(l.needs.begin(), l.needs.end(), [&](ClassId c) { return !hits_.any(c) && !has(s.label, c); })) continue;
      if (std::any_of(l.none.begin(), l.none.end(), [&](ClassId c) { return hits_.near(c, act, l.within); })) continue;
      if (std::any_of(l.not_after.begin(), l.not_after.end(), [&](const auto& n) {
            const auto hit = hits_.before(n.first, act.begin, n.second);
            return hit && !starts_anew(s, hit->end, act.begin);
          }))
        continue;
      denied = judge(index, s, term, l, act, denied) || denied;
    }
  }

  // "Business Associate reports breaches and, within ten days, notifies …": whom the sentence opens with.
  [[nodiscard]] Subject opens(const Sentence& s, const Hit& act) const {
    const std::uint32_t from = s.own + labeled(s);
    for (const ClassId c : {entity_, associate_, party_})
      for (const Hit& h : hits_.of(c))
        if (h.begin >= from && h.begin <= from + 1 && h.end <= act.begin) return subject(s, h.end, 1);
    return {};
  }

  // "These logs", "the report": a thing, where the act was looked for.
  [[nodiscard]] bool named(const Sentence& s, const Hit& act) const {
    static constexpr std::array kBefore = {"the", "these", "such", "all", "any", "a", "an", "of", "its", "this", "that", "each", "no"};
    return act.begin > s.own && std::find(kBefore.begin(), kBefore.end(), t_.words[s.words[act.begin - 1].id]) != kBefore.end();
  }

  // An item of a list: at least three words of its own, and none a blank.
  [[nodiscard]] bool says_something(const Sentence& s) const {
    return s.words.size() >= s.own + 3 &&
           std::none_of(s.words.begin() + s.own, s.words.end(), [&](const Word& w) { return is(w, kBlank); });
  }

  // "… by a third party, Company shall report": between `from` and `to` the associate is named and bound, and what stood before is past.
  [[nodiscard]] bool starts_anew(const Sentence& s, std::uint32_t from, std::uint32_t to) const {
    const auto& all = hits_.of(shall_);
    return std::any_of(all.begin(), all.end(), [&](const Hit& m) {
      if (m.begin < from || m.end > to) return false;
      const Subject who = subject(s, m.begin, 4);
      return who.role == Role::associate && who.distance <= 2 && m.begin - who.distance > from;
    });
  }

  // True where the sentence denies the duty: then it does so for every act behind this one, too.
  bool judge(std::size_t index, const Sentence& s, std::size_t term, const Limb& l, const Hit& act, bool denied) {
    // A guide says what "a business associate" must do, and what "the contract should include".
    if (hits_.before(talk_subject_, act.begin, 14)) {
      talk_terms_.insert(term);
      return false;
    }
    const auto shall = modal(shall_, act), may = modal(may_, act);
    const bool is_may = may && (!shall || may->begin > shall->begin);
    const std::optional<Hit> mode = is_may ? may : shall;
    const bool passive = act.begin > 0 && (is(s.words[act.begin - 1], "be") || is(s.words[act.begin - 1], "been") ||
                                           is(s.words[act.begin - 1], "is") || is(s.words[act.begin - 1], "are") ||
                                           is(s.words[act.begin - 1], "promptly") || is(s.words[act.begin - 1], "being"));
    Subject who = mode ? governing(s, *mode) : subject(s, act.begin, 8);
    if (!mode && who.role == Role::unknown && who.distance == 0) who = opens(s, act);
    if (l.item && (!mode || mode->end > s.own)) return false;
    if (l.duty == Duty::right) {
      if (who.role == Role::associate && !hits_.near(associate_, act, 0)) {
        // "Business Associate authorizes termination by Covered Entity" grants it; "Business Associate may terminate" does not.
        const bool authorizes = mode && t_.words[s.words[mode->begin].id].starts_with("authoriz");
        if (!authorizes && who.distance <= 4) return false;
      }
    } else if (l.by != By::any && !passive) {
      if (who.role == Role::entity && who.distance <= 6) return false;
      if (l.by == By::associate && who.role == Role::other && who.distance <= 4 && mode) return false;
      if (who.role == Role::unknown && who.distance == 0 && duties_heading(s, Role::entity)) return false;
    }
    Candidate c{l.is, &l, 0.6, index, act.begin, {}};
    if (l.duty == Duty::denied) {
      if (hits_.before(limit_on_, act.begin, 14)) offer(term, c);
      return false;
    }
    if (l.duty != Duty::ban && l.duty != Duty::any && (denied || denies(s, act, mode, l.duty))) {
      if (l.duty == Duty::grant) return false;  // to forbid other uses denies no permission
      c.is = Is::absent;
      c.because = "it says that there is no such duty";
      if (!hits_.any(conditional_) && l.is == Is::present) denied_[term] = c;
      return l.duty == Duty::must;
    }
    const auto less = [&](Is is, const char* because) {
      if (rank(is) < rank(c.is)) {
        c.is = is;
        c.because = because;
      }
    };
    if (l.duty == Duty::grant && !mode && who.role != Role::associate && !uses_heading(s) && !hits_.near(only_use_, act, 0))
      less(Is::unclear, "nobody is said to be permitted it");
    if (l.duty == Duty::must) {
      // "may use subcontractors, provided that it obliges them …" binds.
      const auto provided = is_may ? hits_.before(provided_, act.begin, 30) : std::nullopt;
      if (is_may && !(provided && provided->begin >= may->end))
        less(Is::weaker, "it may, and need not");
      else if (mode)
        c.confidence += 0.1;
      else if ((act.begin > s.own + 2 + labeled(s) || named(s, act)) && who.role != Role::associate &&
               !(labeled(s) > 0 && duties_heading(s, Role::associate)))
        less(Is::unclear, "nobody is said to be bound to it");
    }
    if (l.duty == Duty::must || l.duty == Duty::ban || l.duty == Duty::any)
      for (const Hit& h : hits_.of(soft_))
        if (h.begin <= act.end + 8 && act.begin <= h.end + 10) less(Is::weaker, "efforts or discretion, not a duty");
    for (const ClassId w : l.weaker_if)
      if (hits_.near(w, act, 30)) less(Is::weaker, kInPart);
    for (const When& w : l.when)
      if (!w.document && hits_.near(w.if_class, act, 30) &&
          std::none_of(w.then.begin(), w.then.end(), [&](ClassId then) { return hits_.near(then, act, l.within); }))
        less(Is::weaker, kInPart);
    if (l.blank_unclear)
      for (std::size_t i = 1; i < l.all.size(); ++i)
        for (const ClassId k : l.all[i])
          for (const Hit& h : hits_.of(k))
            for (std::uint32_t at = h.begin; at < std::min<std::size_t>(h.end + 5, s.words.size()); ++at)
              if (is(s.words[at], kBlank)) less(Is::unclear, "a blank is not filled in");
    if (who.role == Role::associate) c.confidence += 0.1;
    if (cites(s, w_.terms[term].cite)) c.confidence += 0.15;
    offer(term, c);
    return false;
  }

  static constexpr const char* kInPart = "only in part, or only in some cases";

  // Words of its own label at its head ("Access: Make PHI available").
  [[nodiscard]] static std::uint32_t labeled(const Sentence& s) {
    const bool here = !s.label.empty() && s.own < s.words.size() && s.label.front().begin == s.words[s.own].begin;
    return here ? static_cast<std::uint32_t>(s.label.size()) : 0;
  }

  [[nodiscard]] std::optional<Hit> modal(ClassId c, const Hit& act) const { return hits_.before(c, act.begin, 45); }

  // The heading speaks of the duties of this side alone.
  [[nodiscard]] bool duties_heading(const Sentence& s, Role side) const {
    const auto& h = t_.sections[s.section];
    bool duties = false, entity = false, associate = false;
    for (const Word& word : h) {
      const std::string& w = t_.words[word.id];
      duties = duties || w.starts_with("obligation") || w.starts_with("responsibilit") || w == "duties";
      entity = entity || w == "entity" || w == "ce";
      associate = associate || w == "associate" || w == "ba";
      if (auto it = role_.find(word.id); it != role_.end()) {
        entity = entity || it->second == Role::entity;
        associate = associate || it->second == Role::associate;
      }
    }
    return duties && entity != associate && (side == Role::entity ? entity : associate);
  }

  // "Permitted Uses and Disclosures" above it, or before it.
  [[nodiscard]] bool uses_heading(const Sentence& s) const {
    const auto speaks = [&](const Word& w) { return t_.words[w.id].starts_with("permit") || t_.words[w.id].starts_with("use"); };
    const auto& h = t_.sections[s.section];
    return std::any_of(h.begin(), h.end(), speaks) || std::any_of(s.label.begin(), s.label.end(), speaks);
  }

  [[nodiscard]] bool denies(const Sentence& s, const Hit& act, const std::optional<Hit>& mode, Duty duty) const {
    if (const auto no = hits_.before(no_duty_, act.begin, 14); no && (!mode || no->begin + 3 >= mode->begin || no->end > mode->begin))
      return !supposed(s, no->begin);
    if (!mode) return false;
    for (std::uint32_t at = mode->end; at < act.begin && at < mode->end + 4; ++at)
      if (is(s.words[at], "not") || is(s.words[at], "never")) {
        // "shall not use PHI except to perform the services" grants the exception.
        for (std::uint32_t i = at; i < s.words.size() && duty == Duty::grant; ++i)
          for (const char* but : {"except", "other", "unless", "only", "beyond", "than"})
            if (is(s.words[i], but)) return false;
        for (std::uint32_t next = at + 1; next < std::min<std::size_t>(at + 3, s.words.size()); ++next)  // "may not be feasible to"
          if (is(s.words[next], "limited") || is(s.words[next], "feasible") || is(s.words[next], "possible") ||
              is(s.words[next], "practicable"))
            return false;
        return !(at + 1 < s.words.size() &&
                 (is(s.words[at + 1], "unreasonably") || is(s.words[at + 1], "fail") || is(s.words[at + 1], "only")));
      }
    return false;
  }

  // "if Business Associate cannot return …": a case, not a denial.
  [[nodiscard]] bool supposed(const Sentence& s, std::uint32_t at) const {
    for (std::uint32_t back = 1; back <= 6 && back <= at; ++back)
      for (const char* word : {"if", "event", "where", "when", "extent", "unless"})
        if (is(s.words[at - back], word)) return true;
    return false;
  }

  [[nodiscard]] bool cites(const Sentence& s, std::string_view cite) const {
    std::string folded(cite);
    std::transform(folded.begin(), folded.end(), folded.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto match = [&](const Word& w) { return t_.words[w.id] == folded; };
    return std::any_of(s.words.begin(), s.words.end(), match) || std::any_of(s.label.begin(), s.label.end(), match);
  }

  void offer(std::size_t term, const Candidate& c) {
    auto& best = best_[term];
    if (c.is == Is::present || c.is == Is::weaker) found_.insert(term);
    if (!best || rank(c.is) > rank(best->is) || (c.is == best->is && c.confidence > best->confidence)) best = c;
  }

  // --- numbers and bounds ---
  [[nodiscard]] std::vector<Duration> durations(const Sentence& s) const {
    static const std::unordered_map<std::string_view, unsigned> kNumbers = {
        {"one", 1},      {"two", 2},         {"three", 3},    {"four", 4},    {"five", 5},      {"six", 6},
        {"seven", 7},    {"eight", 8},       {"nine", 9},     {"ten", 10},    {"twelve", 12},   {"fourteen", 14},
        {"fifteen", 15}, {"twenty", 20},     {"thirty", 30},  {"forty", 40},  {"fifty", 50},    {"sixty", 60},
        {"ninety", 90},  {"forty-five", 45}, {"seventy", 70}, {"eleven", 11}, {"thirteen", 13}, {"eighteen", 18}};
    const auto number = [&](std::uint32_t at) -> std::optional<unsigned> {
      const std::string& w = t_.words[s.words[at].id];
      if (auto it = kNumbers.find(w); it != kNumbers.end()) return it->second;
      if (w.empty() || w.size() > 4 || w.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
      return static_cast<unsigned>(std::atoi(w.c_str()));
    };
    std::vector<Duration> out;
    for (std::uint32_t at = 0; at < s.words.size(); ++at) {
      auto value = number(at);
      if (!value || *value == 0) continue;
      std::uint32_t next = at + 1;
      bool business = false;
      // "five (5) business days", "fourteen business (14) days", "forty eight (48) hours": the last number before the unit is the figure.
      while (next < s.words.size() && next < at + 5) {
        const std::string& w = t_.words[s.words[next].id];
        if (w == "business" || w == "working")
          business = true;
        else if (auto again = number(next))
          value = *value >= 20 && *value % 10 == 0 && *again < 10 && t_.words[s.words[next].id].size() > 2 ? *value + *again
                                                                                                           : *again;  // forty-five
        else if (w != "calendar" && w != "consecutive" && w != "full")
          break;
        ++next;
      }
      if (next >= s.words.size()) break;
      const std::string& unit = t_.words[s.words[next].id];
      Duration d;
      d.at = at;
      if (unit == "hour" || unit == "hours")
        d.text = fmt::format("{}h", *value), d.hours = *value;
      else if (unit == "day" || unit == "days")
        d.text = fmt::format("{}{}", *value, business ? "bd" : "d"), d.hours = business ? *value * 24 * 7 / 5 : *value * 24;
      else if (unit == "week" || unit == "weeks")
        d.text = fmt::format("{}d", *value * 7), d.hours = *value * 24 * 7;
      else if (unit == "month" || unit == "months")
        d.text = fmt::format("{}d", *value * 30), d.hours = *value * 24 * 30;
      else
        continue;
      for (std::uint32_t back = 1; back <= 7 && back <= at; ++back) {
        const std::string& w = t_.words[s.words[at - back].id];
        if (w == "within" || w == "than" || w == "exceed" || w == "exceeding") d.bound = true;
      }
      if (!out.empty() && out.back().at + 6 > at && out.back().text == d.text) continue;
      out.push_back(d);
      at = next;
    }
    return out;
  }

  void clock(const char* key, std::size_t index, const Sentence& s, const Hit& about) {
    for (const Duration& d : durations(s)) {
      if (!d.bound) continue;
      if (d.at + 60 < about.begin) continue;
      auto it = clocks_.find(key);
      if (it == clocks_.end()) {
        clocks_[key] = {d, index};
        set(key, d.text, index, d.at, 0.8);
      } else if (d.hours > it->second.first.hours && index != it->second.second &&
                 t_.sentences[it->second.second].paragraph != s.paragraph) {
        notes_.push_back(
            fmt::format("{}: {} in one place and {} in another; the later one is proposed", key, it->second.first.text, d.text));
        it->second = {d, index};
        set(key, d.text, index, d.at, 0.5);
      }
      return;
    }
  }

  void set(const std::string& key, std::string value, std::size_t index, std::uint32_t at, double confidence) {
    terms_[key] = Term{std::move(value), quote(index, at), confidence};
  }
  void set_once(const std::string& key, std::string value, std::size_t index, std::uint32_t at, double confidence) {
    if (!terms_.contains(key)) set(key, std::move(value), index, at, confidence);
  }

  void numbers(std::size_t index, const Sentence& s) {
    // Clocks: in the sentence that asks for the report, or in one of the same paragraph or section that speaks of the report.
    if (hits_.any(report_up_) && !hits_.any(end_act_)) {  // "terminate upon notice of breach" has the clock of a cure
      const Hit& act = hits_.of(report_up_).front();
      const Subject who = subject(s, act.begin, 25);
      if (who.role != Role::entity && who.role != Role::other) {
        const bool breach = hits_.any(breach_), incident = hits_.any(incident_);
        if (breach) clock("breach-notice", index, s, act);
        if (incident) clock("incident-notice", index, s, act);
        if (!breach && !incident && hits_.any(shall_)) {  // "Notice shall be given within 5 days": of what was last spoken of
          if (breach_section_ == s.section + 1 && !clocks_.contains("breach-notice")) clock("breach-notice", index, s, act);
          if (incident_section_ == s.section + 1 && !clocks_.contains("incident-notice")) clock("incident-notice", index, s, act);
        }
        if (breach) breach_section_ = s.section + 1;
        if (incident) incident_section_ = s.section + 1;
      }
    }
    const auto first = [&](ClassId c) { return hits_.of(c).front(); };
    const auto limited = [&](ClassId c) { return hits_.before(limit_on_, first(c).begin, 20).has_value(); };
    if (hits_.any(ai_)) {
      const bool no = limited(ai_), de = hits_.any(deidentify_);
      if (no || hits_.any(may_) || hits_.any(shall_))
        set_once("ai-training",
                 no   ? (de && hits_.any(w_.id("conditional")) ? "deidentified" : "prohibited")
                 : de ? "deidentified"
                      : "allowed",
                 index, first(ai_).begin, 0.7);
    }
    if (hits_.any(in_country_) && hits_.any(shall_))
      set_once("offshore", "prohibited", index, first(in_country_).begin, 0.7);
    else if (hits_.any(offshore_) && (hits_.any(shall_) || hits_.any(may_))) {
      const bool no = limited(offshore_);
      if (no && hits_.any(consent_))
        set_once("offshore", "prior-consent", index, first(offshore_).begin, 0.8);
      else if (no)
        set_once("offshore", "prohibited", index, first(offshore_).begin, 0.8);
      else if (hits_.any(may_))
        set_once("offshore", "allowed", index, first(offshore_).begin, 0.6);
    }
    if (hits_.any(insurance_) && hits_.any(shall_) && !limited(insurance_) && !hits_.any(no_duty_)) {
      static constexpr std::array kKeep = {"maintain", "carry", "procure", "obtain", "keep", "purchase", "maintains", "carries"};
      for (std::uint32_t i = 0; i < first(insurance_).end; ++i)
        for (const char* k : kKeep)
          if (is(s.words[i], k)) set_once("insurance", "true", index, first(insurance_).begin, 0.7);
    }
    if (hits_.any(audit_)) {
      const Subject who = subject(s, first(audit_).begin, 25);
      if ((who.role == Role::entity || who.role == Role::unknown) && (hits_.any(may_) || hits_.any(shall_)) && !hits_.any(no_duty_) &&
          !limited(audit_))
        set_once("audit", "true", index, first(audit_).begin, who.role == Role::entity ? 0.8 : 0.5);
    }
    if (hits_.any(survival_) && hits_.any(shall_)) set_once("survival", "true", index, first(survival_).begin, 0.8);
    if (hits_.any(subs_) && hits_.any(consent_) && hits_.any(shall_) &&
        (limited(subs_) || hits_.before(limit_on_, first(consent_).end, 10)) && subject(s, first(subs_).begin, 20).role != Role::entity)
      set("subcontractors", "prior-consent", index, first(subs_).begin, 0.7);
  }

  // --- what it is, and the answer ---
  [[nodiscard]] Kind kind() const {
    std::size_t bound = 0, telling = 0;
    for (const std::size_t t : found_) bound += w_.terms[t].required, telling += w_.terms[t].telling;
    const bool talk = sentences_ > 0 &&
                      (talks_ * 100 > sentences_ * 30 || (talks_ * 100 > sentences_ * 14 && (questions_ >= 2 || talk_terms_.size() >= 2)));
    const bool itself = selves_ >= 2 || (titled_ && mades_ + selves_ >= 1) || (selves_ >= 1 && mades_ >= 1);
    // A data use agreement; a service agreement with a paragraph on PHI that leaves the rest to a BAA; a playbook that binds nobody.
    const bool another = others_ > associates_ || (!titled_ && (telling == 0 || (bound < 7 && phis_ * 20 < sentences_)));
    const bool binds = titled_ || shalls_ * 20 >= sentences_;
    const bool speaks = bound >= 3 && itself && phis_ >= 2 && bound > talk_terms_.size() && !(talk && talk_terms_.size() * 2 >= bound);
    const bool much_talk = talks_ * 100 > sentences_ * 30;
    if (speaks && binds && !another && !much_talk) return Kind::baa;
    if (talk || sentences_ == 0) return Kind::not_an_agreement;
    return mades_ >= 2 && selves_ >= 3 && shalls_ >= 4 ? Kind::agreement : Kind::not_an_agreement;
  }

  [[nodiscard]] Place quote(std::size_t index, std::uint32_t act) const {
    const Sentence& s = t_.sentences[index];
    std::size_t begin = s.begin, end = s.end;
    constexpr std::size_t kMost = 1200;
    if (end - begin > kMost && act < s.words.size()) {  // around the act
      const std::size_t middle = std::clamp<std::size_t>(s.words[act].begin, begin, end);
      begin = std::max(begin, middle - std::min<std::size_t>(middle, kMost / 2));
      end = std::min(end, begin + kMost);
      while (begin < end && (static_cast<unsigned char>(t_.bytes[begin]) & 0xC0) == 0x80) ++begin;
      while (end > begin && end < t_.bytes.size() && (static_cast<unsigned char>(t_.bytes[end]) & 0xC0) == 0x80) --end;
    }
    Place p;
    p.quote = std::string(t_.bytes.substr(begin, end - begin));
    p.start = begin;
    p.end = end;
    return p;
  }

  void clauses(Reading& r) {
    for (std::size_t t = 0; t < w_.terms.size(); ++t) {
      const TermRule& rule = w_.terms[t];
      Clause c{rule.cite, rule.id, rule.name, rule.required, Is::absent, {}, near_[t] ? 0.6 : 0.9, {}};
      if (const auto& best = best_[t]) {
        c.is = best->is;
        c.confidence = std::min(best->confidence, 0.95);
        c.because = best->because;
        c.at = quote(best->sentence, best->act);
        for (const When& w : best->limb->when)
          if (w.document && c.is == Is::present && seen_[w.if_class] &&
              (w.then.empty() || std::any_of(w.then.begin(), w.then.end(), [&](ClassId then) { return !seen_[then]; }))) {
            c.is = Is::weaker;
            c.because = kInPart;
          }
        if (c.is == Is::present && denied_[t] && rule.required) {
          c.is = Is::unclear;
          c.confidence = 0.4;
          c.because = "elsewhere it says that there is no such duty";
        }
        if (c.is == Is::unclear || c.is == Is::weaker) c.confidence = std::min(c.confidence, 0.7);
        if (c.is == Is::present) also(rule.id, best->sentence, best->act);
        if (c.is == Is::stricter && (rule.id == "aggregation" || rule.id == "management-use"))
          r.terms[rule.id == "aggregation" ? "aggregation" : "management"] = Term{"false", c.at, 0.7};
        if (c.is == Is::stricter && rule.id == "deidentification") r.terms["deidentify"] = Term{"false", c.at, 0.7};
      } else if (denied_[t]) {
        c.at = quote(denied_[t]->sentence, denied_[t]->act);
        c.because = denied_[t]->because;
        c.confidence = 0.8;
      } else if (blanket_at_ && rule.required) {
        c.is = Is::unclear;
        c.confidence = 0.3;
        c.because = "not written out; it promises what 164.504(e) asks for as a whole";
        c.at = quote(*blanket_at_, 0);
      }
      r.clauses.push_back(std::move(c));
    }
  }

  // A clause that is there settles a term, too.
  void also(const std::string& id, std::size_t index, std::uint32_t act) {
    const Sentence& s = t_.sentences[index];
    if (id == "return-destroy") set_once("return-or-destroy", "true", index, act, 0.8);
    if (id == "subcontractors") set_once("subcontractors", "same-terms", index, act, 0.7);
    if (id == "aggregation") set_once("aggregation", "true", index, act, 0.7);
    if (id == "management-use") set_once("management", "true", index, act, 0.7);
    if (id == "deidentification") set_once("deidentify", "true", index, act, 0.7);
    const char* help = id == "access"       ? "access-help"
                       : id == "amendment"  ? "amendment-help"
                       : id == "accounting" ? "accounting-help"
                                            : nullptr;
    if (help != nullptr)
      for (const Duration& d : durations(s))
        if (d.bound) {
          set_once(help, d.text, index, d.at, 0.7);
          break;
        }
  }

  const Wording::Inside& w_;
  Text t_;
  Hits hits_;
  std::unordered_map<std::string_view, std::uint32_t> ids_;
  std::unordered_map<std::uint32_t, Role> role_;
  std::size_t most_steps_;
  bool subcontract_ = false;
  std::vector<std::optional<Candidate>> best_, denied_;
  std::vector<bool> near_, seen_;  // of terms: an act and its first company; of classes: anywhere
  std::set<std::size_t> found_, talk_terms_;
  std::optional<std::size_t> blanket_at_;
  std::map<std::string, Term> terms_;
  std::map<std::string, std::pair<Duration, std::size_t>> clocks_;
  std::vector<std::string> notes_;
  std::size_t sentences_ = 0, questions_ = 0, selves_ = 0, mades_ = 0, talks_ = 0, shalls_ = 0, phis_ = 0;
  std::size_t associates_ = 0, others_ = 0;
  bool titled_ = false;  // its title names it: "Business Associate Agreement"
  std::uint32_t breach_section_ = 0, incident_section_ = 0;
  ClassId entity_, associate_, party_, other_, both_, subs_, phi_, shall_, may_, soft_, no_duty_, conditional_, report_, report_up_,
      breach_, incident_, means_, self_, made_, talk_, talk_subject_, blanket_, blanket_act_, ai_, offshore_, in_country_, consent_,
      insurance_, audit_, survival_, limit_on_, deidentify_, use_act_, provided_, other_agreement_, only_use_, end_act_;
};

}  // namespace

Reading read(std::string_view text, const Wording& wording, const ReadLimits& limits) {
  Reader reader(text, wording, limits);
  Reading r = reader.read();
  reader.place(r);
  head(text, r);
  return r;
}

}  // namespace licet::reader
