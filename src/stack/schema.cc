#include "stack/schema.h"

namespace licet::stack::schema {
namespace {

using enum Type;

constexpr Field one(std::string_view name, Type type, std::string_view doc) {
  return {.name = name, .type = type, .doc = doc};
}
constexpr Field pick(std::string_view name, std::string_view choices, std::string_view doc) {
  return {.name = name, .type = choice, .choices = choices, .doc = doc};
}
constexpr Field to(std::string_view name, std::string_view refs, std::string_view doc, std::string_view also = {}) {
  return {.name = name, .type = ref, .choices = also, .refs = refs, .doc = doc};
}
constexpr Field map(std::string_view name, std::span<const Field> fields, std::string_view doc) {
  return {.name = name, .shape = Shape::map, .fields = fields, .doc = doc};
}
constexpr Field maps(std::string_view name, std::span<const Field> fields, std::string_view doc) {
  return {.name = name, .shape = Shape::maps, .fields = fields, .doc = doc};
}
constexpr Field open(std::string_view name, std::string_view doc) {
  return {.name = name, .shape = Shape::open, .doc = doc};
}
constexpr Field many(Field field) {
  field.shape = Shape::many;
  return field;
}
constexpr Field must(Field field) {
  field.required = true;
  return field;
}

constexpr Field kStack[] = {
    must(one("format", integer, "Version of this format: 1. A newer one is refused.")),
    must(one("tenant", word, "Whose declaration this is. Goes into the ledger's origin and into every key.")),
    must(one("timezone", word, "IANA zone in which its dates are read: America/New_York.")),
    many(one("packs", pack, "The law to judge by: id@version.")),
    one("name", text, "A title for people."),
};

constexpr Field kOrganization[] = {
    must(one("name", text, "Its name as people know it.")),
    many(pick("functions",
              "provider|plan|clearinghouse|public-health|oversight|law-enforcement|court|hhs|researcher|exchange|employer|vendor|patient-"
              "safety|protective-services|coroner|funeral-director|organ-procurement|disaster-relief|workers-compensation|correctional|"
              "military|national-security|government-program|manufacturer|school|other",
              "What it does, whoever it does it for.")),
    one("covered", boolean, "Is it a HIPAA covered entity? Business associate and subcontractor follow from flows and are never declared."),
    to("part-of", "organization", "The organization of which it is a part: components of a hybrid or affiliated entity."),
    pick("component", "health-care|other", "Of a hybrid entity: is this part a designated health care component (164.105(a)(2))?"),
    one("sud-program", boolean, "A federally assisted program under 42 CFR Part 2."),
    many(to("ohca", "organization", "With whom it is in an organized health care arrangement (160.103).")),
    one("npi", word, "National Provider Identifier."),
    one("contact", text, "Whom to call there: a role or a mailbox."),
    one("country", word, "Where it is established: us."),
    one("verified", date, "When somebody last verified what it says it is."),
    many(to("officers", "person", "Privacy and security officials (164.530(a), 164.308(a)(2)).")),
    to("security-official", "person", "The one person who answers for its security policies (164.308(a)(2))."),
};

constexpr Field kProof[] = {
    one("mtls-san", word, "DNS name in the client certificate."),
    one("uri", text, "URI name in the client certificate (SPIFFE)."),
    one("issuer", url, "Issuer of the access token; the configuration may say where it is."),
    one("client", word, "client_id in the access token."),
};
constexpr Field kSystem[] = {
    one("name", text, "Its name as people know it."),
    must(to("owner", "organization", "Whose system it is: who answers for what goes there.")),
    to("for", "organization", "On whose behalf its owner runs it, where that is not the owner."),
    to("offer", "offer", "The vendor's plan that is in use."),
    to("environment", "environment", "Where in the life of software it stands.", "production|staging|development|test"),
    one("region", word, "Where it keeps and handles data: us-east."),
    one("country", word, "The country of that region (us), where its name does not begin with it as us-east does."),
    one("service", text, "The vendor's own name of the service that it is, as offers and agreements name it."),
    to("facility", "facility", "Where it stands, if it is a machine of one's own."),
    to("hosted-by", "system", "The system on which it runs."),
    pick("keeps", "none|transient|persistent", "What it does with PHI. A vendor that keeps none is still a business associate."),
    many(one("holds", classes, "Data classes that rest in it.")),
    one("people", integer, "About how many people's PHI it holds: for `licet report exposure`."),
    maps("proves", kProof, "How it shows who it is: any of these."),
    one("encrypted", boolean, "Is what rests in it encrypted?"),
    one("url", url, "Where its documentation or its front door is."),
    one("critical", boolean, "Must it be restored first (164.308(a)(7)(ii)(E))?"),
};

constexpr Field kFlow[] = {
    must(to("from", "system", "The system that PHI leaves.")),
    must(to("to", "system", "The system that receives it.")),
    must(many(one("data", classes, "What flows."))),
    must(many(one("purposes", purpose, "What for. A request without a purpose is refused, unless its flow declares exactly one."))),
    to("on-behalf-of", "organization", "The covered entity, or the associate of one, that the recipient works for in this flow."),
    to("via", "route", "The gate's route that carries it. Without one it runs outside the gate, and says so."),
    one("encrypted", boolean, "Is it encrypted on the way? Flows through a route with an https address are."),
    one("people", integer, "About how many people's PHI it carries in a year: for `licet report exposure`."),
    one("protocol", word, "How it travels, where no route says so: https, sftp, fax, paper."),
    pick("medium", "electronic|paper|oral", "electronic, unless said otherwise."),
    one("description", text, "A sentence for people."),
    to("app", "app", "The app through which it goes to individuals or staff."),
    to("project", "project", "The project for which it runs."),
};

constexpr Field kCovers[] = {
    many(to("systems", "system", "Systems of the lower party that it covers; absent: all.")),
    many(one("regions", word, "Regions in which data may be; absent: any.")),
    many(one("data", classes, "Data classes; absent: any but special ones.")),
    many(one("purposes", purpose, "Purposes; absent: any that the upper party has.")),
    many(one("services", text, "Services by the vendor's own names.")),
};
constexpr Field kExcludes[] = {
    many(to("systems", "system", "Systems that it does not cover.")),
    many(one("data", classes, "Data classes that it does not cover.")),
    many(one("purposes", purpose, "Purposes that it does not cover.")),
    many(one("regions", word, "Regions that it does not cover.")),
    many(one("services", text, "Services, by the vendor's own names, that it does not cover.")),
};
constexpr Field kTerms[] = {
    one("breach-notice", duration, "How soon a breach is reported upward. The rule's own limit is 60d (164.410(b))."),
    one("incident-notice", duration, "How soon a security incident is reported upward."),
    pick("subcontractors", "same-terms|prior-consent|prohibited", "May the lower party use others, and how?"),
    one("return-or-destroy", boolean, "At the end everything is returned or destroyed (164.504(e)(2)(ii)(J))."),
    one("deidentify", boolean, "May the lower party de-identify for its own use?"),
    one("pseudonymize", boolean, "Must identifiers be replaced in line before anything is sent?"),
    one("aggregation", boolean, "Data aggregation (164.504(e)(2)(i)(B))."),
    one("management", boolean, "Own management and administration (164.504(e)(4))."),
    pick("ai-training", "prohibited|deidentified|allowed", "May models be trained on it?"),
    pick("offshore", "prohibited|prior-consent|allowed", "May it be handled outside the country?"),
    pick("reidentify", "prohibited|allowed", "Of a limited data set: may people be identified or contacted (164.514(e)(4)(ii)(C)(5))?"),
    one("access-help", duration, "How soon it helps with an individual's access (164.524)."),
    one("amendment-help", duration, "How soon it helps with an amendment (164.526)."),
    one("accounting-help", duration, "How soon it helps with an accounting (164.528)."),
    one("retention", duration, "How long it may keep data at most."),
    one("termination-notice", duration, "How long before its end a termination is announced."),
    one("delegated", boolean, "Does the lower party carry out duties of the upper one (164.504(e)(2)(ii)(H))?"),
    one("audit", boolean, "May the upper party audit the lower one?"),
    one("insurance", boolean, "Must the lower party be insured?"),
    one("survival", boolean, "Do its duties outlast it while it keeps data?"),
    one("minimum-necessary", boolean,
        "Is the lower party given no more than the minimum necessary (164.502(b))? A permit then lists fields."),
};
constexpr Field kReview[] = {
    to("assigned", "person", "Who reviews it."),
    one("due", date, "By when."),
    one("approved", date, "When it was approved."),
    to("approved-by", "person", "By whom."),
};
constexpr Field kClause[] = {
    must(one("cite", text, "The clause that the rule asks for: 164.504(e)(2)(ii)(D).")),
    must(pick("is", "present|absent|weaker|stricter|unclear", "What a person found, against what the rule asks.")),
    one("at", text, "Where in the document: page 3."),
    one("quote-sha256", sha256, "Digest of the quoted words."),
    one("checked-by", text, "Who read it."),
    one("checked", date, "When."),
};
constexpr Field kSignature[] = {
    must(to("party", "organization", "For whom.")),
    one("by", text, "Who signed."),
    one("on", date, "When."),
};
constexpr Field kAgreement[] = {
    must(pick("is", "baa|dua|msa|terms|qsoa",
              "Business associate agreement (also of a subcontractor), data use agreement, master agreement, a vendor's terms, "
              "qualified service organization agreement.")),
    must(to("up", "organization", "The party nearer to the patient's covered entity.")),
    must(to("down", "organization", "The party that receives.")),
    pick("status", "draft|review|negotiation|signature|signed|renewal|terminated",
         "Where it stands; renewal: in force, and its successor is being made. Without it, `signed` says whether it is signed."),
    map("review", kReview, "Who reviews it before it is signed or renewed, and by when."),
    one("signed", date, "When the last party signed. Without it, it is not known to be signed."),
    one("effective", date, "First day in force."),
    one("expires", date, "Last day in force; absent: until terminated."),
    one("terminated", date, "Last day in force, where it was ended early."),
    one("next-review", date, "When somebody looks at it again."),
    one("document", path, "The file, below the stack folder."),
    one("sha256", sha256, "Digest of that file."),
    to("part-of", "agreement", "The agreement of which it is a part."),
    to("renews", "agreement", "The agreement that it follows when that ends."),
    one("url", url, "Where the other party publishes its text (terms, an agreement by click); `sha256` is then that page's, as agreed."),
    map("covers", kCovers, "What it covers."),
    map("excludes", kExcludes, "What it does not cover, whatever `covers` says."),
    many(one("recipients", text, "Of a data use agreement: who may use or receive the data (164.514(e)(4)(ii)(B)).")),
    map("terms", kTerms, "What was agreed, as data."),
    maps("clauses", kClause, "What the document says of each clause that the rule asks for."),
    maps("signatures", kSignature, "Who signed for whom."),
};

constexpr Field kWhen[] = {
    many(one("region", word, "Only where the recipient is in one of these regions.")),
    one("mfa", boolean, "Only where the person logged in with a second factor."),
    one("training", boolean, "Only where the person's required training is current."),
};
constexpr Field kPermit[] = {
    must(to("to", "system|role|person", "Who may: a system, a role, a person, or `individual`: the patient or a representative.",
            "individual")),
    many(to("through", "system", "For people: the systems through which they act.")),
    must(many(one("for", purpose, "What for."))),
    pick("whose", "all|compartment|members|panel|named",
         "Whose records: everybody's; one's own; those of a plan's members; those tied to the holder; those that an authorization names."),
    one("panel-days", integer, "How many days a visit ties a patient to the panel."),
    open("reads", "Resource type → elements that may be read; '*' is every element."),
    open("searches", "Resource type → search parameters, beyond those on elements that may be read."),
    open("creates", "Resource type → elements that may be written; '*' is every element."),
    open("updates", "Resource type → elements that may be written; '*' is every element."),
    open("deletes", "Resource type → elements; list `id`."),
    many(one("data", classes, "Data classes, where the route does not speak FHIR, or to narrow a full view; special ones by name.")),
    pick("view", "full", "Every element: where minimum necessary does not apply, or a whole record is what is necessary."),
    pick("form", "identified|pseudonymized|limited|deidentified",
         "At most in this form; identified, unless said otherwise. pseudonymized: prompts alone, with placeholders that are put back in the answer."),
    pick("otherwise", "refuse|deidentify", "Where the form isn't lawful: refuse, or pass de-identified where the route can."),
    one("hold", boolean, "Refuse each use with a reference until a person releases it."),
    map("when", kWhen, "Conditions. mfa and training speak of the person in the request."),
    one("from", date, "First day."),
    one("until", date, "Last day."),
    one("description", text, "A sentence for people."),
};

constexpr Field kRoute[] = {
    must(one("listens", prefix, "Path below which it listens: /fhir/.")),
    one("forwards", url, "Where it forwards to; the configuration may override the address."),
    must(pick("speaks", "fhir-r4|http|llm.openai|llm.anthropic", "What is spoken on it.")),
    to("serves", "system", "PHI comes out of this system, in answers."),
    to("reaches", "system", "PHI goes to this system, in requests."),
    many(pick("accepts", "transaction-token|mtls|oidc", "How callers may show who they are; absent: all three.")),
    pick("mode", "enforce|observe", "Observing passes everything, records what it would refuse, and is itself a failing finding."),
    one("observe-until", date, "Last day of observing."),
    one("description", text, "A sentence for people."),
};

constexpr Field kRole[] = {
    must(one("name", text, "Its name as people know it.")),
    to("organization", "organization", "Where it exists."),
    many(to("inherits", "role", "Roles whose permits it has too.")),
    one("description", text, "What somebody in it does and therefore needs (164.514(d)(2)(i))."),
};
constexpr Field kTeam[] = {
    must(one("name", text, "Its name as people know it.")),
    to("organization", "organization", "Where it exists."),
    many(to("members", "person", "Who is in it.")),
    to("lead", "person", "Who leads it."),
};
constexpr Field kLogin[] = {
    one("issuer", url, "Issuer of the access token."),
    one("subject", text, "`sub` there."),
    one("user", word, "Name at Licet's own log-in."),
};
constexpr Field kPerson[] = {
    one("name", text, "Work name."),
    must(to("organization", "organization", "Under whose direct control this person works (160.103 workforce).")),
    many(to("roles", "role", "What they do.")),
    maps("logins", kLogin, "How they log in."),
    pick("status", "active|leave|ended", "active, unless said otherwise."),
    pick("is", "employee|volunteer|trainee|contractor", "What ties them to the organization."),
    one("started", date, "First day of work."),
    one("ended", date, "Last day of work."),
    one("npi", word, "National Provider Identifier."),
    to("manager", "person", "To whom they report."),
};

constexpr Field kFacility[] = {
    must(one("name", text, "Its name as people know it.")),
    must(to("organization", "organization", "Whose it is.")),
    one("address", text, "Where it is."),
    one("region", word, "In which region."),
    many(one("controls", text, "What keeps others out: badge, locks, visitor log (164.310(a)).")),
    to("security-plan", "plan", "Facility security plan (164.310(a)(2)(ii))."),
};
constexpr Field kDevice[] = {
    one("name", text, "What it says on it."),
    must(to("owner", "organization", "Whose it is.")),
    pick("is", "workstation|laptop|tablet|phone|server|medical-device|printer|network|other", "What it is."),
    to("assigned-to", "person", "Who uses it."),
    to("facility", "facility", "Where it stands."),
    to("system", "system", "The system that runs on it."),
    one("encrypted", boolean, "Is its storage encrypted?"),
    one("managed", boolean, "Can it be locked and wiped from afar?"),
    one("holds-phi", boolean, "Does PHI rest on it?"),
    one("malware-protection", boolean, "Is it guarded against malicious software (164.308(a)(5)(ii)(B))?"),
    one("guarded", boolean, "Can only those who may use it get at it: a locked room, a cable, a screen turned away (164.310(c))?"),
    one("auto-logoff", duration, "After what idle time it locks (164.312(a)(2)(iii))."),
    pick("status", "in-use|spare|lost|wiped|retired", "in-use, unless said otherwise."),
};
constexpr Field kMedia[] = {
    one("name", text, "What it says on it."),
    must(to("owner", "organization", "Whose it is.")),
    pick("is", "tape|disk|usb|optical|paper|film", "What it is."),
    to("facility", "facility", "Where it is kept."),
    to("custodian", "person", "Who answers for it (164.310(d)(2)(iii))."),
    one("encrypted", boolean, "Is it encrypted?"),
    pick("status", "in-use|stored|disposed|reused", "Where it is in its life."),
    one("disposed", date, "When it was disposed of or cleared for re-use."),
    pick("method", "shredded|degaussed|overwritten|crypto-erased|incinerated", "How (NIST SP 800-88)."),
};
constexpr Field kTraining[] = {
    must(one("name", text, "Its title.")),
    to("organization", "organization", "Whose workforce it is for."),
    one("every", duration, "How long having done it counts; absent: once is enough."),
    many(to("required-for", "role", "Roles that must have done it.")),
    one("within", duration, "How soon after starting work."),
    many(one("covers", text, "What it teaches.")),
};
constexpr Field kRisk[] = {
    must(one("name", text, "Threat and weakness in a sentence.")),
    many(to("about", "*", "The declared things that it concerns.")),
    pick("likelihood", "low|medium|high", "How likely."),
    pick("impact", "low|medium|high", "How bad."),
    pick("level", "low|medium|high|critical", "The level that was determined."),
    pick("treatment", "mitigate|accept|transfer|avoid", "What is done about it."),
    pick("status", "open|mitigated|accepted|closed", "Where it stands."),
    to("owner", "person", "Who answers for it."),
    one("assessed", date, "When it was last assessed."),
    one("due", date, "When the treatment is done."),
    many(one("controls", text, "What is in place against it.")),
};
constexpr Field kPlan[] = {
    must(one("name", text, "Its title.")),
    must(pick("is",
              "security|risk-analysis|risk-management|sanction|activity-review|workforce|access|training|password|incident-response|"
              "contingency|backup|disaster-recovery|emergency-mode|evaluation|facility-security|workstation|device-media|emergency-access|"
              "integrity|plan-document|breach|privacy|notice|complaints|minimum-necessary|other",
              "What it is a plan, policy or procedure for.")),
    many(one("addresses", text, "Citations that it answers beyond what `is` says: 164.308(a)(3)(ii)(A).")),
    to("organization", "organization", "Whose it is."),
    to("owner", "person", "Who answers for it."),
    one("document", path, "The file, below the stack folder."),
    one("sha256", sha256, "Digest of that file."),
    one("version", text, "Which version it is."),
    one("approved", date, "When it was approved."),
    to("approved-by", "person", "Who approved it; absent: its owner."),
    one("review", date, "When it is looked at again."),
    one("retired", date, "Last day on which it was in force. It is kept for six years from then (164.316(b)(2)(i))."),
    one("tested", date, "When it was last tried."),
    one("every", duration, "How often what it asks for is done: the entity's own rhythm, as the rule gives none."),
    many(to("available-to", "role|team", "Who carries it out and can read it (164.316(b)(2)(ii)).")),
};
constexpr Field kEvidence[] = {
    must(pick("is", "runtime|config|test|document|attestation|interview|expert-determination|safe-harbor|waiver|order|request",
              "What kind of proof it is.")),
    many(to("about", "*", "The declared things that it is about.")),
    many(one("supports", text, "Requirement ids or citations that it supports.")),
    one("effective", date, "First day of the period that it proves."),
    one("expires", date, "Last day on which it still counts."),
    one("recorded", date, "When it was put on record."),
    one("document", path, "The file, below the stack folder."),
    one("sha256", sha256, "Digest of that file."),
    one("by", text, "Who made it: a person, a tool, an expert."),
    one("description", text, "What it shows."),
};
constexpr Field kFactors[] = {
    one("size", text, "Size, complexity and capabilities (164.306(b)(2)(i))."),
    one("infrastructure", text, "Technical infrastructure, hardware and software (164.306(b)(2)(ii))."),
    one("cost", text, "Cost (164.306(b)(2)(iii))."),
    one("risk", text, "Probability and criticality of the risk (164.306(b)(2)(iv))."),
};
constexpr Field kDecision[] = {
    must(many(one("about", text, "Requirement ids or ids of declared things; a trailing * is a wildcard."))),
    must(pick("choice", "implemented|alternative|not-reasonable|conduit|not-associate|accept-risk|exception",
              "For an addressable specification: implemented, an alternative, or not reasonable; or what was found or accepted.")),
    must(one("reason", text, "Why.")),
    must(to("by", "person", "Who decided.")),
    one("on", date, "When."),
    one("until", date, "Last day on which it stands; then it is looked at again."),
    one("alternative", text, "What is done instead."),
    map("factors", kFactors, "What was weighed (164.306(b)(2))."),
    many(to("subjects", "*", "The declared things to which it is limited; absent: all.")),
    one("document", path, "The file, below the stack folder."),
};
constexpr Field kOfferService[] = {
    must(one("service", text, "The service: the vendor's name of it, or the id of a system.")),
    pick("baa", "yes|no", "Does the agreement extend to it? yes, unless said otherwise."),
    many(one("regions", word, "Where it may run under the agreement; absent: where the plan may.")),
};
constexpr Field kOffer[] = {
    must(to("owner", "organization", "Who offers it.")),
    one("name", text, "The plan's name at the vendor."),
    must(pick("baa", "yes|no", "Does the vendor sign a business associate agreement for this plan?")),
    many(one("services", text, "What it includes: services by the vendor's names, or ids of systems; absent: all of the plan.")),
    many(one("excludes", text, "What the agreement does not extend to, though the plan has it.")),
    many(one("regions", word, "Where it may run under the agreement; absent: anywhere.")),
    maps("by-service", kOfferService, "What the agreement extends to, service by service."),
    one("zero-retention", boolean, "Does the vendor keep nothing after answering?"),
    one("url", url, "Where the vendor says so."),
    one("document", path, "A saved copy of what the vendor says, below the stack folder."),
    one("checked", date, "When somebody last looked."),
    one("checked-by", text, "Who."),
};
constexpr Field kEnvironment[] = {
    must(one("name", text, "Its name as people know it.")),
    to("owner", "organization", "Whose it is."),
    one("region", word, "Where it runs."),
    one("real-data", boolean, "May it hold PHI?"),
};
constexpr Field kApp[] = {
    one("name", text, "Its name as people know it."),
    must(to("system", "system", "The system that it is.")),
    must(pick("for", "entity|individual", "Whose app: offered on behalf of an entity, or chosen by the individual.")),
    many(one("cors-origins", url, "Origins from which browsers may call.")),
    many(one("redirects", url, "Where log-ins may return to.")),
};
constexpr Field kProject[] = {
    must(one("name", text, "Its title.")),
    to("organization", "organization", "Who runs it."),
    many(one("purposes", purpose, "What for.")),
    many(to("systems", "system", "Systems that take part.")),
    many(to("members", "person", "Who works on it.")),
    one("from", date, "First day."),
    one("until", date, "Last day."),
    one("approval", text, "Review board and number."),
};
constexpr Field kBackup[] = {
    must(to("system", "system", "What is backed up.")),
    to("to", "system|media|facility", "Where to."),
    one("every", duration, "How often."),
    one("keeps", duration, "How long a copy is kept."),
    one("encrypted", boolean, "Are the copies encrypted?"),
    one("tested", date, "When restoring was last tried."),
};
constexpr Field kAssessment[] = {
    one("nature", text, "Nature and extent of the PHI, and how easily people can be told from it (164.402(2)(i))."),
    one("recipient", text, "Who used it or got it (164.402(2)(ii))."),
    one("acquired", text, "Was it really acquired or viewed (164.402(2)(iii))?"),
    one("mitigation", text, "How far the risk was mitigated (164.402(2)(iv))."),
    one("on", date, "When it was assessed."),
    to("by", "person", "Who assessed it."),
    pick("finds", "low-probability|breach", "Low probability that PHI was compromised, or a breach."),
};
constexpr Field kIncident[] = {
    must(one("name", text, "What happened, without naming a patient.")),
    many(to("about", "*", "The declared things that it concerns.")),
    one("occurred", date, "When it happened."),
    must(one("discovered", date, "When it was known, or would have been with reasonable diligence.")),
    one("reported", date, "When the lower party told the upper one."),
    one("closed", date, "When it was closed."),
    pick("severity", "low|medium|high|critical", "How bad."),
    pick("status", "open|contained|closed", "Where it stands."),
    pick("breach", "undetermined|no|yes", "Is it a breach of unsecured PHI (164.402)?"),
    pick("exception", "unintentional|inadvertent|not-retained", "The exception of 164.402(1) that applies."),
    map("assessment", kAssessment, "The four factors of 164.402(2), without naming a patient."),
    one("affected", integer, "How many individuals."),
    one("most-in-one-state", integer, "How many of them live in the one State or jurisdiction with the most (164.406)."),
    one("unsecured", boolean, "Was the PHI unsecured: readable to whoever got it (164.402)?"),
    to("agreement", "agreement", "Of an associate's incident: the agreement under which it reports upward (164.410)."),
    one("response", text, "What was done about it."),
    one("outcome", text, "How it ended and what was learned."),
};

constexpr Kind kKinds[] = {
    {"stack", "The declaration as a whole: exactly one document.", kStack},
    {"organization", "A legal entity, or a part of one.", kOrganization},
    {"system", "A tool, app, store or API of an organization.", kSystem},
    {"flow", "PHI moving between two systems.", kFlow},
    {"agreement", "An edge between two organizations: what was agreed.", kAgreement},
    {"permit", "What the owner wants to allow. A license is what is lawful of it.", kPermit},
    {"route", "A path of the gate.", kRoute},
    {"role", "What somebody does, and therefore needs.", kRole},
    {"team", "People who work together.", kTeam},
    {"person", "A work identity. Nothing about anybody's health or sanctions is ever in git.", kPerson},
    {"facility", "A place.", kFacility},
    {"device", "A machine that people use or that stands somewhere.", kDevice},
    {"media", "Something that data is stored on and that can be carried away.", kMedia},
    {"training", "Something that people must have learned; who did is a recorded fact.", kTraining},
    {"risk", "A risk that was found.", kRisk},
    {"plan", "A plan, policy or procedure.", kPlan},
    {"evidence", "A proof of something, for a period.", kEvidence},
    {"decision", "A person's decision, with its reason and its end.", kDecision},
    {"offer", "What a vendor offers: a plan, and what its agreement extends to.", kOffer},
    {"environment", "Production, staging and the like.", kEnvironment},
    {"app", "Software in the hands of individuals or staff.", kApp},
    {"project", "Work with a beginning and an end: research, a migration.", kProject},
    {"backup", "Copies against loss.", kBackup},
    {"incident", "Something that went wrong.", kIncident},
};

}  // namespace

std::span<const Kind> kinds() {
  return kKinds;
}

const Kind* find(std::string_view kind) {
  for (const Kind& k : kKinds)
    if (k.name == kind) return &k;
  return nullptr;
}

const Field* find(std::span<const Field> fields, std::string_view name) {
  for (const Field& f : fields)
    if (f.name == name) return &f;
  return nullptr;
}

bool one_of(std::string_view choices, std::string_view text) {
  while (!choices.empty()) {
    const std::size_t bar = choices.find('|');
    if (choices.substr(0, bar) == text) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
  return false;
}

std::string_view hl7_purposes() {
  return "TREAT|CLINTRL|COC|ETREAT|BTG|ERTREAT|POPHLTH|"
         "HPAYMT|CLMATTCH|COVAUTH|COVERAGE|ELIGDTRM|ELIGVER|ENROLLM|MILDCRG|REMITADV|"
         "HOPERAT|CAREMGT|DONAT|FRAUD|GOV|HACCRED|HCOMPL|HDECD|HDIRECT|HDM|HLEGAL|HOUTCOMS|HPRGRP|HQUALIMP|HSYSADMIN|LABELING|METAMGT|"
         "MEMADMIN|MILCDM|PATADMIN|PATSFTY|PERFMSR|RECORDMGT|SYSDEV|HTEST|TRAIN|"
         "HMARKT|HRESCH|BIORCH|CLINTRCH|CLINTRCHNPC|CLINTRCHPC|PRECLINTRCH|DSRCH|POARCH|TRANSRCH|"
         "PATRQT|FAMRQT|PWATRNY|SUPNWK|PUBHLTH|DISASTER|THREAT";
}

}  // namespace licet::stack::schema
