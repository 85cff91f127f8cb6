// The views, from the declared to the derived: who belongs to whom, what flows where, who acts for whom, which contract carries it.
//
// Everything that the law's packs share is derived here once (closures over parts, roles, flows and contracts), so that a requirement is
// a plain join. Nothing here decides whether anything is lawful. Names with a leading v_ are documented; those with m_ are scaffolding.
#include "rules/internal/views.h"

namespace licet::rules {

std::string_view views_sql() {
  return R"sql(
-- ---- who

create table v_organization as
with recursive up(id, top, depth) as (
  select id, id, 0 from organization
  union all
  -- A component that was not designated stands behind the hybrid entity's wall: it is a third party (164.105(a)(2)).
  select up.id, o.part_of, depth + 1 from up join organization o on o.id = up.top
  where o.part_of is not null and o.component is not 'other'
), root as (select id, top, max(depth) from up group by id)
select o.id, o.name, o.name || ' (' || o.id || ')' as label, root.top as entity, e.name || ' (' || e.id || ')' as entity_label,
       (select max(coalesce(a.covered, 0)) from up join organization a on a.id = up.top where up.id = o.id) as covered,
       o.component, coalesce(o.sud_program, 0) as sud_program, o.country, o.verified, o.file || ':' || o.line as at
from organization o join root on root.id = o.id join organization e on e.id = root.top order by o.id;
create unique index m_organization on v_organization(id);
create index m_organization_entity on v_organization(entity);

create table v_function as  -- a part without functions of its own has those of its entity
select owner as organization, value as function from organization_functions
union
select o.id, f.value from v_organization o join organization_functions f on f.owner = o.entity
where o.id not in (select owner from organization_functions);
create index m_function on v_function(organization, function);

create table v_thing as
select id, 'organization' as kind, file || ':' || line as at from organization
union all select id, 'system', file || ':' || line from system
union all select id, 'flow', file || ':' || line from flow
union all select id, 'agreement', file || ':' || line from agreement
union all select id, 'permit', file || ':' || line from permit
union all select id, 'route', file || ':' || line from route
union all select id, 'role', file || ':' || line from role
union all select id, 'team', file || ':' || line from team
union all select id, 'person', file || ':' || line from person
union all select id, 'facility', file || ':' || line from facility
union all select id, 'device', file || ':' || line from device
union all select id, 'media', file || ':' || line from media
union all select id, 'training', file || ':' || line from training
union all select id, 'risk', file || ':' || line from risk
union all select id, 'plan', file || ':' || line from plan
union all select id, 'evidence', file || ':' || line from evidence
union all select id, 'decision', file || ':' || line from decision
union all select id, 'offer', file || ':' || line from offer
union all select id, 'environment', file || ':' || line from environment
union all select id, 'app', file || ':' || line from app
union all select id, 'project', file || ':' || line from project
union all select id, 'backup', file || ':' || line from backup
union all select id, 'incident', file || ':' || line from incident;
create unique index m_thing on v_thing(id);

-- ---- recorded facts

create table v_fact as
select idx, 'ledger:' || idx as id, kind, subject, object, patient, data_class, purpose, from_date, until_date, recorded_date, by,
       coalesce(from_date, '') <= as_of and coalesce(until_date, '9999-12-31') >= as_of as current
from fact, v_judged;
create index m_fact on v_fact(kind, subject);
create table v_fact_detail as select d.idx as fact, d.name, d.value from fact_detail d;
create index m_fact_detail on v_fact_detail(fact, name);

-- ---- people

create table v_person as
select p.id, coalesce(p.name || ' (' || p.id || ')', p.id) as label, p.organization, o.entity, coalesce(p.status, 'active') as status,
       p.started, p.ended, p.npi,
       (select min(coalesce(f.from_date, f.recorded_date)) from v_fact f where f.kind = 'access-ended' and f.subject = p.id and f.current) as access_ended,
       (select min(f.id) from v_fact f where f.kind = 'access-ended' and f.subject = p.id and f.current) as access_ended_fact,
       0 as active, p.file || ':' || p.line as at
from person p join v_organization o on o.id = p.organization order by p.id;
update v_person set active = status = 'active' and coalesce(started, '') <= (select as_of from v_judged)
  and coalesce(ended, '9999-12-31') >= (select as_of from v_judged) and access_ended is null;
create unique index m_person on v_person(id);

create table v_person_role as
with recursive has(person, role) as (
  select owner, value from person_roles
  union
  select has.person, i.value from has join role_inherits i on i.owner = has.role
)
select person, role from has order by person, role;
create index m_person_role on v_person_role(role, person);
create index m_person_role_person on v_person_role(person, role);

create table v_login as select owner as person, issuer, subject, user, line from person_logins;
create index m_login on v_login(person);

create table v_training as
with needed(person, training) as (
  select r.person, t.value_owner from (select owner as value_owner, value from training_required_for) t join v_person_role r on r.role = t.value
  union
  select p.id, t.id from training t join v_person p on t.id not in (select owner from training_required_for)
    and (t.organization is null or p.organization = t.organization or p.entity = t.organization)
), done as (
  select n.person, n.training, max(coalesce(f.from_date, f.recorded_date)) as done, f.id as fact, f.until_date
  from needed n, v_judged join v_fact f on f.kind = 'training' and f.subject = n.person and f.object = n.training
    and coalesce(f.from_date, f.recorded_date) <= as_of
  group by n.person, n.training
)
select n.person, n.training, t.name as training_name, p.entity, d.done, d.fact,
       date(p.started, '+' || coalesce(t.within_hours / 24, 0) || ' days') as due,
       coalesce(d.until_date, date(d.done, '+' || (t.every_hours / 24) || ' days')) as valid_until,
       d.done is not null and coalesce(d.until_date, date(d.done, '+' || (t.every_hours / 24) || ' days'), '9999-12-31') >= as_of as current
from needed n join v_judged join training t on t.id = n.training join v_person p on p.id = n.person
  left join done d on d.person = n.person and d.training = n.training
order by n.person, n.training;
create index m_training on v_training(person);
create view v_training_current as select * from v_training where current;

-- ---- what people decided, what proves what, what is open

create table v_evidence as  -- a rule that joins this one and names an expired one in `facts` is called stale by the engine
select e.id, e."is" as kind, a.value as about, e.effective, e.expires, e.by,
       coalesce(e.effective, '') <= as_of and coalesce(e.expires, '9999-12-31') >= as_of as current, e.file || ':' || e.line as at
from evidence e join evidence_about a on a.owner = e.id, v_judged order by e.id, a.value;
create index m_evidence on v_evidence(about, kind);
create view v_evidence_current as select * from v_evidence where current;
create table v_evidence_supports as select owner as evidence, value as supports from evidence_supports;

create table v_decision as
select d.id, d.choice, a.value as about, d.by, d."on", d.until,
       coalesce(d."on", '') <= as_of and coalesce(d.until, '9999-12-31') >= as_of as current, d.file || ':' || d.line as at
from decision d join decision_about a on a.owner = d.id, v_judged order by d.id, a.value;
create table v_decision_subject as select owner as decision, value as subject from decision_subjects;

create table v_issue as
select i.id, 'incident' as kind, a.value as about, i.severity as level, coalesce(i.status, 'open') as state, i.discovered as since, i.file || ':' || i.line as at
from incident i left join incident_about a on a.owner = i.id where coalesce(i.status, 'open') <> 'closed'
union all
select r.id, 'risk', a.value, r.level, coalesce(r.status, 'open'), r.assessed, r.file || ':' || r.line
from risk r left join risk_about a on a.owner = r.id where coalesce(r.status, 'open') = 'open';

-- ---- systems and flows

create table v_offer as
select f.id, coalesce(f.name || ' (' || f.id || ')', f.id) as label, f.owner, f.baa, f.checked, f.zero_retention, coalesce(f.url, f.document) as source, f.file || ':' || f.line as at from offer f;
create unique index m_offer on v_offer(id);

create table v_system as
select s.id, s.name, coalesce(s.name || ' (' || s.id || ')', s.id) as label, s.owner, o.label as owner_label, o.entity, o.covered,
       coalesce(s."for", s.owner) as party, p.entity as party_entity, p.covered as party_covered,
       coalesce(s.region, env.region, fac.region) as region,
       -- us-east begins with its country; of other names the declaration says it.
       coalesce(s.country, case when coalesce(s.region, env.region, fac.region) glob '[a-z][a-z]-*' then substr(coalesce(s.region, env.region, fac.region), 1, 2) end) as country,
       s.service, s.offer, s.environment, coalesce(s.keeps, 'persistent') as keeps, s.encrypted,
       s.hosted_by, s.critical, (select min(a."for") from app a where a.system = s.id) as app_for, s.file || ':' || s.line as at
from system s join v_organization o on o.id = s.owner join v_organization p on p.id = coalesce(s."for", s.owner)
  left join environment env on env.id = s.environment left join facility fac on fac.id = s.facility
order by s.id;
create unique index m_system on v_system(id);
create table m_service as  -- the names under which offers and agreements may know a system
select id as system, id as name from system union select id, lower(name) from system where name is not null union select id, lower(service) from system where service is not null;
create index m_service_1 on m_service(system, name);

create table v_proof as
select owner as system, case when mtls_san is not null or uri is not null then 'mtls' else 'oidc' end as kind,
       coalesce(mtls_san, uri, issuer || ' ' || client) as value, line from system_proves;
create index m_proof on v_proof(system);

create table v_route as
select r.id, r.listens, r.forwards, r.speaks, r.serves, r.reaches, coalesce(r.mode, 'enforce') as mode, r.observe_until, r.file || ':' || r.line as at
from route r order by r.id;
create table v_route_accepts as
select owner as route, value as accepts from route_accepts
union select r.id, a.value from route r, json_each('["transaction-token","mtls","oidc"]') a where r.id not in (select owner from route_accepts);

create table v_flow_data as select distinct owner as flow, value as pattern from flow_data order by 1, 2;
create index m_flow_data on v_flow_data(flow);
create table v_flow_purpose as select distinct owner as flow, value as purpose from flow_purposes order by 1, 2;
create index m_flow_purpose on v_flow_purpose(flow, purpose);

-- HL7 PurposeOfUse by the families of 164.501. A clinical trial is research and population health is operations there.
create table v_purpose as
select a.value as purpose, 'treatment' as family from json_each('["TREAT","COC","ETREAT","BTG","ERTREAT"]') a
union all select a.value, 'payment' from json_each('["HPAYMT","CLMATTCH","COVAUTH","COVERAGE","ELIGDTRM","ELIGVER","ENROLLM","MILDCRG","REMITADV"]') a
union all select a.value, 'operations' from json_each('["HOPERAT","POPHLTH","CAREMGT","DONAT","FRAUD","GOV","HACCRED","HCOMPL","HDECD","HDIRECT","HDM","HLEGAL","HOUTCOMS","HPRGRP","HQUALIMP","HSYSADMIN","LABELING","METAMGT","MEMADMIN","MILCDM","PATADMIN","PATSFTY","PERFMSR","RECORDMGT","SYSDEV","HTEST","TRAIN"]') a
union all select a.value, 'research' from json_each('["HRESCH","CLINTRL","BIORCH","CLINTRCH","CLINTRCHNPC","CLINTRCHPC","PRECLINTRCH","DSRCH","POARCH","TRANSRCH"]') a
union all select a.value, 'marketing' from json_each('["HMARKT"]') a
union all select a.value, 'individual' from json_each('["PATRQT","FAMRQT","PWATRNY","SUPNWK"]') a
union all select a.value, 'public-health' from json_each('["PUBHLTH","DISASTER","THREAT"]') a
-- What HL7 has no code for: what people ask for in their own name (164.512), and what the individual may object to (164.510).
union all select 'licet:' || a.value, 'public-interest' from json_each('["required-by-law","product-safety","workplace-surveillance","immunization","abuse","oversight","legal-process","law-enforcement","decedent","research-preparation","research-decedents","military","national-security","custody","government-program","workers-compensation","hhs"]') a
union all select 'licet:directory', 'opportunity';
create unique index m_purpose on v_purpose(purpose);

create table v_flow as
select f.id, f."from" as source, f."to" as target, s.label as source_label, t.label as target_label, t.name as target_name,
       s.owner as source_owner, s.owner_label as source_owner_label, s.entity as source_entity, s.covered as source_covered,
       t.owner as target_owner, t.owner_label as target_owner_label, t.entity as target_entity, t.covered as target_covered,
       t.party as target_party, t.party_entity as target_party_entity, t.offer as target_offer, t.region as target_region, t.country as target_country, t.keeps as target_keeps,
       f.on_behalf_of as declared_behalf,
       -- A system that its owner runs for somebody acts for them; an associate's own systems act for whom the associate acts.
       coalesce(f.on_behalf_of, case when t.party_entity <> t.entity then t.party end,
                case when s.entity = t.entity and t.covered = 0 then t.owner end) as acts_on_behalf_of,
       b.entity as behalf_entity, b.covered as behalf_covered, b.label as behalf_label,
       f.via, r.speaks, r.mode, r.serves, r.reaches,
       coalesce(f.encrypted, case when r.forwards like 'https:%' then 1 when r.forwards like 'http:%' then 0 end) as encrypted,
       f.protocol, coalesce(f.medium, 'electronic') as medium, f.app, coalesce(a."for", t.app_for) as app_for, f.project,
       (select json_group_array(pattern) from v_flow_data d where d.flow = f.id) as data,
       (select group_concat(pattern, ', ') from v_flow_data d where d.flow = f.id) as data_words,
       (select json_group_array(purpose) from v_flow_purpose d where d.flow = f.id) as purposes,
       f.file || ':' || f.line as at
from flow f join v_system s on s.id = f."from" join v_system t on t.id = f."to"
  left join route r on r.id = f.via left join app a on a.id = f.app
  left join v_organization b on b.id = coalesce(f.on_behalf_of, case when t.party_entity <> t.entity then t.party end,
                                                case when s.entity = t.entity and t.covered = 0 then t.owner end)
order by f.id;
create unique index m_flow on v_flow(id);
create index m_flow_source on v_flow(source);
create index m_flow_target on v_flow(target);

-- PHI spreads from covered entities' systems, and from systems that work on somebody's behalf, along the flows; an individual's own app ends it.
create table v_taint as
with recursive taint(system) as (
  select id from v_system where covered or party_covered
  union select source from v_flow where acts_on_behalf_of is not null
  union select f.target from taint join v_flow f on f.source = taint.system where f.app_for is not 'individual'
)
select system from taint order by system;
create unique index m_taint on v_taint(system);

-- What the recipient is in this flow. Roles belong to edges: a provider may be somebody's associate in the next one.
create table v_phi_hop as
select f.*,
  case
    when f.app_for = 'individual' then 'individual'
    when f.source_entity = f.target_entity then case when f.target_covered then 'workforce' else 'associate' end
    when f.target_entity = f.behalf_entity then 'return'
    when f.target_party_entity <> f.source_entity
         and f.target_party_entity is not (select entity from v_organization where id = f.declared_behalf)
         and exists (select 1 from v_function where organization = f.target_party and function = 'provider')
         and not exists (select 1 from v_flow_purpose p left join v_purpose k using (purpose) where p.flow = f.id and k.family is not 'treatment')
      then 'treatment'
    when f.acts_on_behalf_of is not null then 'associate'
    -- Courts, agencies and those who come with an order ask in their own name, whatever else they do.
    when not exists (select 1 from v_flow_purpose p left join v_purpose k using (purpose) where p.flow = f.id and coalesce(k.family, '') not in ('public-interest', 'opportunity') and p.purpose not in ('FAMRQT', 'SUPNWK'))
      then 'third-party'
    when exists (select 1 from v_function where organization = f.target_party and function not in ('exchange', 'vendor', 'other')) then 'third-party'
    when f.target_covered then 'third-party'
    else 'unknown'
  end as recipient_role
from v_flow f where f.source in (select system from v_taint) order by f.id;
create unique index m_phi_hop on v_phi_hop(id);
create index m_phi_hop_to on v_phi_hop(target_entity, recipient_role);
create index m_phi_hop_owner on v_phi_hop(target_owner, recipient_role);

-- ---- agreements

create table v_agreement as
with g as (
  select a.*, min(coalesce(a.terminated, '9999-12-31'), coalesce(e.last_day, '9999-12-31')) as ended_on, e.fact as ended_fact, up.label as up_label, up.entity as up_entity, down.label as down_label, down.entity as down_entity,
         coalesce(a.signed, (select max("on") from agreement_signatures s where s.owner = a.id)) as signed_on,
         case when not exists (select 1 from agreement_signatures s where s.owner = a.id) then null
              when not exists (select 1 from agreement_signatures s where s.owner = a.id and s.party = a.up) then up.label
              when not exists (select 1 from agreement_signatures s where s.owner = a.id and s.party = a.down) then down.label end as not_signed_by
  from agreement a join v_organization up on up.id = a.up join v_organization down on down.id = a.down
    -- A recorded termination takes effect on its day; the day before is the last one in force.
    left join (select subject, min(date(coalesce(from_date, recorded_date), '-1 day')) as last_day, min(id) as fact from v_fact where kind = 'terminated' group by subject) e on e.subject = a.id
)
select id, "is" as kind, up, down, up_label, down_label, up_entity, down_entity, signed_on, not_signed_by, effective, expires, nullif(ended_on, '9999-12-31') as terminated,
       max(coalesce(effective, signed_on, ''), coalesce(signed_on, '')) as live_from,
       nullif(min(coalesce(expires, '9999-12-31'), ended_on), '9999-12-31') as live_until,
       case
         when status in ('draft', 'review', 'negotiation', 'signature') then 'draft'
         when (status = 'terminated' and terminated is null) or ended_on < as_of then 'terminated'
         when signed_on is null and coalesce(status, '') not in ('signed', 'renewal', 'terminated') then 'unsigned'
         when not_signed_by is not null then 'half-signed'
         when max(coalesce(effective, signed_on, ''), coalesce(signed_on, '')) > as_of then 'future'
         when expires < as_of then 'expired'
         else 'live'
       end as state,
       document, sha256, next_review, part_of, terms_breach_notice, terms_breach_notice_hours, terms_incident_notice, terms_incident_notice_hours,
       terms_subcontractors, terms_return_or_destroy, terms_deidentify, terms_pseudonymize, terms_aggregation, terms_management, terms_ai_training,
       terms_offshore, terms_reidentify, terms_access_help_hours, terms_amendment_help_hours, terms_accounting_help_hours, terms_retention,
       terms_retention_hours, terms_delegated, terms_minimum_necessary, status, review_assigned, review_due, review_approved, renews, url, ended_fact,
       null as stage, null as followed_by, file || ':' || line as at
from g, v_judged order by id;
create unique index m_agreement on v_agreement(id);
create index m_agreement_pair on v_agreement(down_entity, up_entity);
-- What carries on when it ends: of the same kind and parties, or declared as its renewal; signed, and in force by the day after.
create index m_agreement_renews on v_agreement(renews) where renews is not null;
create table m_successor as
select a.id as agreement, n.id as next from v_agreement a join v_agreement n on n.renews = a.id
union select a.id, n.id from v_agreement a join v_agreement n on n.down_entity = a.down_entity and n.up_entity = a.up_entity and n.id <> a.id;
create index m_successor_1 on m_successor(agreement);
update v_agreement as a set followed_by = (
  select min(n.id) from m_successor s join v_agreement n on n.id = s.next where s.agreement = a.id and n.kind = a.kind
    and n.state in ('live', 'future') and n.live_from <= date(a.live_until, '+1 day') and coalesce(n.live_until, '9999-12-31') > a.live_until)
where live_until is not null;
update v_agreement as a set stage = case
  when state in ('expired', 'terminated') then 'ended'
  when status = 'review' then 'review'
  when status in ('draft', 'negotiation') then 'draft'
  when status = 'signature' or state in ('unsigned', 'half-signed') then 'signature'
  when state = 'future' then 'signed'
  when status = 'renewal' or exists (select 1 from v_agreement n where n.renews = a.id and n.state not in ('expired', 'terminated')) then 'renewal'
  else 'in-force' end;
create table v_agreement_live as select * from v_agreement where state = 'live';
create unique index m_agreement_live on v_agreement_live(id);
create index m_agreement_live_up on v_agreement_live(up_entity);
create index m_agreement_live_down on v_agreement_live(down_entity, kind);

create table v_agreement_covers as
select owner as agreement, 'system' as what, value from agreement_covers_systems
union all select owner, 'region', value from agreement_covers_regions
union all select owner, 'data', value from agreement_covers_data
union all select id, 'data', '*' from agreement where id not in (select owner from agreement_covers_data)  -- any but special ones
union all select owner, 'purpose', value from agreement_covers_purposes
union all select owner, 'service', value from agreement_covers_services;
create index m_agreement_covers on v_agreement_covers(agreement, what, value);
create table v_agreement_excludes as
select owner as agreement, 'system' as what, value from agreement_excludes_systems
union all select owner, 'region', value from agreement_excludes_regions
union all select owner, 'data', value from agreement_excludes_data
union all select owner, 'purpose', value from agreement_excludes_purposes
union all select owner, 'service', value from agreement_excludes_services;
create index m_agreement_excludes on v_agreement_excludes(agreement, what, value);
create table v_term as  -- what it says, as written, and where
select owner as agreement, key as term, value, hours, hours_least, at from agreement_terms;
create index m_term on v_term(agreement, term);
create table v_clause as select owner as agreement, cite, "is" as state, at, checked_by, line from agreement_clauses;
create index m_clause on v_clause(agreement, cite);

-- ---- the chain of live contracts from a covered entity downward, at any depth

create table v_chain as
with recursive chain(top, org, last_up, last, agreements, orgs, words, depth, live_until) as (
  select a.up_entity, a.down_entity, a.up_entity, a.id, json_array(a.id), '|' || a.up_entity || '|' || a.down_entity || '|',
         a.up_entity || ' > ' || a.id || ' > ' || a.down_entity, 1, a.live_until
  from v_agreement_live a join v_organization o on o.id = a.up_entity and o.covered where a.kind = 'baa' and a.up_entity <> a.down_entity
  union all
  select c.top, a.down_entity, a.up_entity, a.id, json_insert(c.agreements, '$[#]', a.id), c.orgs || a.down_entity || '|',
         c.words || ' > ' || a.id || ' > ' || a.down_entity, c.depth + 1,
         nullif(min(coalesce(c.live_until, '9999-12-31'), coalesce(a.live_until, '9999-12-31')), '9999-12-31')
  from chain c join v_agreement_live a on a.kind = 'baa' and a.up_entity = c.org
  where c.depth < 12 and instr(c.orgs, '|' || a.down_entity || '|') = 0
)
select row_number() over (order by top, agreements) as id, * from chain order by top, agreements;
create unique index m_chain on v_chain(id);
create index m_chain_org on v_chain(org, last_up);
create index m_chain_top on v_chain(top, org);
create table v_chain_step as select c.id as chain, s.key + 1 as step, s.value as agreement from v_chain c, json_each(c.agreements) s;
create index m_chain_step on v_chain_step(chain, step);
create index m_chain_step_agreement on v_chain_step(agreement);

-- ---- which chain carries a flow to an associate, and what the first thing is that it does not cover

create table m_hop_chain as
select h.id as flow, c.id as chain
from v_phi_hop h join v_chain c on c.org = h.target_entity
where h.recipient_role = 'associate' and instr(c.orgs, '|' || h.behalf_entity || '|') > 0
  and (not h.behalf_covered or c.top = h.behalf_entity)
  and (h.source_entity = h.target_entity
       or c.last_up = h.source_entity
       -- An entity may send to an associate's subcontractor directly: the contract it needs is the associate's (164.502(e)(1)(i)), and that
       -- must name the system, lest any contract of a cloud with anybody carry everything sent there.
       or (h.source_entity = h.behalf_entity and (c.last_up = h.behalf_entity
           or exists (select 1 from v_agreement_covers e where e.agreement = c.last and e.what = 'system' and e.value = h.target)))
       -- Two associates of one entity need no contract with each other, but each needs its own with that entity.
       or (c.last_up = h.behalf_entity
           and exists (select 1 from v_chain own where own.org = h.source_entity and instr(own.orgs, '|' || h.behalf_entity || '|') > 0)));
create index m_hop_chain_1 on m_hop_chain(flow, chain);

create table m_offer_service as
select owner, lower(value) as name from offer_services union select owner, lower(service) from offer_by_service;
create index m_offer_service_1 on m_offer_service(owner, name);
create table m_offer_region as  -- where a plan may run, for each system on it: what is said of its service, else of the plan
select s.id as system, r.value as region from system s join offer_by_service e on e.owner = s.offer join m_service n on n.system = s.id and n.name = lower(e.service)
  join offer_by_service_regions r on r.owner = e.owner and r.idx = e.idx
union
select s.id, r.value from system s join offer_regions r on r.owner = s.offer
where not exists (select 1 from offer_by_service e join m_service n on n.system = s.id and n.name = lower(e.service)
                  join offer_by_service_regions q on q.owner = e.owner and q.idx = e.idx where e.owner = s.offer);
create index m_offer_region_1 on m_offer_region(system, region);
create table m_offshore as  -- agreements that keep data in the country, and whether a recipient's place was consented to
select a.id as agreement, a.terms_offshore as term,
       exists (select 1 from v_fact f where f.kind = 'offshore-consent' and f.subject = a.id and f.current) as consented
from v_agreement a where a.terms_offshore in ('prohibited', 'prior-consent');
create unique index m_offshore_1 on m_offshore(agreement);

create table m_hop as  -- what the search below reads of each pair, in narrow rows: it reads them a dozen times
select x.flow, x.chain, h.target, h.target_label, h.target_offer, h.target_region, h.target_country, h.target_owner, c.last, c.top
from m_hop_chain x join v_phi_hop h on h.id = x.flow join v_chain c on c.id = x.chain;

create table m_defect as
-- 1: the plan
select x.flow, x.chain, 1 as rank, 'plan-without-baa' as code, null as agreement, o.label as detail
from m_hop x join v_offer o on o.id = x.target_offer and o.baa = 'no'
-- 2: excluded by plan or agreement
union all
select x.flow, x.chain, 2, 'plan-excludes', x.last, o.label
from m_hop x join v_offer o on o.id = x.target_offer
where exists (select 1 from offer_excludes e join m_service n on n.system = x.target and n.name = lower(e.value) where e.owner = o.id)
   or exists (select 1 from offer_by_service e join m_service n on n.system = x.target and n.name = lower(e.service) where e.owner = o.id and e.baa = 'no')
union all
select x.flow, x.chain, 2, 'agreement-excludes', x.last, x.target_label
from m_hop x
where exists (select 1 from v_agreement_excludes e where e.agreement = x.last and
              ((e.what = 'system' and e.value = x.target) or (e.what = 'service' and exists (select 1 from m_service n where n.system = x.target and n.name = lower(e.value)))))
union all
-- An agreement that says nothing of training allows none: the entity itself could not (164.504(e)(2)(i)).
select x.flow, x.chain, 2, case a.terms_ai_training when 'prohibited' then 'ai-training' when 'deidentified' then 'ai-training-identified' else 'ai-training-unknown' end, s.agreement, null
from m_hop_chain x join v_chain_step s on s.chain = x.chain join v_agreement a on a.id = s.agreement and a.terms_ai_training is not 'allowed'
where exists (select 1 from v_flow_purpose p where p.flow = x.flow and p.purpose = 'licet:ai-training')
-- 3: not among the plan's services
union all
select x.flow, x.chain, 3, 'plan-lacks', x.last, o.label
from m_hop x join v_offer o on o.id = x.target_offer
where exists (select 1 from m_offer_service e where e.owner = o.id)
  and not exists (select 1 from m_offer_service e join m_service n on n.system = x.target and n.name = e.name where e.owner = o.id)
-- 4: not among the agreement's systems and services
union all
select x.flow, x.chain, 4, 'system', x.last, (select group_concat(value, ', ') from v_agreement_covers e where e.agreement = x.last and e.what in ('system', 'service'))
from m_hop x
where exists (select 1 from v_agreement_covers e where e.agreement = x.last and e.what in ('system', 'service'))
  and not exists (select 1 from v_agreement_covers e where e.agreement = x.last and
                  ((e.what = 'system' and e.value = x.target) or (e.what = 'service' and exists (select 1 from m_service n where n.system = x.target and n.name = lower(e.value)))))
-- 5, 6: where
union all
select x.flow, x.chain, 5, 'region', s.agreement, x.target_region
from m_hop x join v_chain_step s on s.chain = x.chain
where exists (select 1 from v_agreement_excludes e where e.agreement = s.agreement and e.what = 'region' and e.value = x.target_region)
   or (x.target_region is not null and exists (select 1 from v_agreement_covers e where e.agreement = s.agreement and e.what = 'region')
       and not exists (select 1 from v_agreement_covers e where e.agreement = s.agreement and e.what = 'region' and e.value = x.target_region))
union all
select x.flow, x.chain, 5, 'plan-region', x.last, o.label
from m_hop x join v_offer o on o.id = x.target_offer
where x.target_region is not null and exists (select 1 from m_offer_region r where r.system = x.target)
  and not exists (select 1 from m_offer_region r where r.system = x.target and r.region = x.target_region)
union all
-- Abroad is where the system stands, or where those are who run it.
select x.flow, x.chain, 5, case f.term when 'prohibited' then 'offshore' else 'offshore-consent' end, s.agreement,
       case when x.target_country <> coalesce(top.country, 'us') then x.target_country else o.country end
from m_hop x join v_organization top on top.id = x.top
  join v_organization o on o.id = x.target_owner join v_chain_step s on s.chain = x.chain join m_offshore f on f.agreement = s.agreement
where (x.target_country <> coalesce(top.country, 'us') or o.country <> coalesce(top.country, 'us')) and (f.term = 'prohibited' or not f.consented)
union all
select x.flow, x.chain, 6, 'whereabouts-unknown', s.agreement, f.term
from m_hop x join v_chain_step s on s.chain = x.chain join m_offshore f on f.agreement = s.agreement
where x.target_country is null and (f.term = 'prohibited' or not f.consented)
union all
select x.flow, x.chain, 6, 'plan-region-unknown', x.last, o.label
from m_hop x join v_offer o on o.id = x.target_offer
where x.target_region is null and exists (select 1 from m_offer_region r where r.system = x.target)
union all
select x.flow, x.chain, 6, 'region-unknown', s.agreement, null
from m_hop x join v_chain_step s on s.chain = x.chain
where x.target_region is null and (exists (select 1 from v_agreement_covers e where e.agreement = s.agreement and e.what = 'region')
                                   or exists (select 1 from v_agreement_excludes e where e.agreement = s.agreement and e.what = 'region'))
-- 7: what
union all
select x.flow, x.chain, 7, 'data', s.agreement, min(d.pattern)
from m_hop_chain x join v_chain_step s on s.chain = x.chain join v_flow_data d on d.flow = x.flow
where not exists (select 1 from v_agreement_covers e join v_covers k on k.pattern = e.value and k.class = d.pattern where e.agreement = s.agreement and e.what = 'data')
   or exists (select 1 from v_agreement_excludes e join v_covers k on (k.pattern = e.value and k.class = d.pattern) or (k.pattern = d.pattern and k.class = e.value)
              where e.agreement = s.agreement and e.what = 'data')
group by x.flow, x.chain, s.agreement
-- 8: what for
union all
select x.flow, x.chain, 8, 'purpose', s.agreement, min(p.purpose)
from m_hop_chain x join v_chain_step s on s.chain = x.chain join v_flow_purpose p on p.flow = x.flow
where exists (select 1 from v_agreement_excludes e where e.agreement = s.agreement and e.what = 'purpose' and e.value = p.purpose)
   or (exists (select 1 from v_agreement_covers e where e.agreement = s.agreement and e.what = 'purpose')
       and not exists (select 1 from v_agreement_covers e where e.agreement = s.agreement and e.what = 'purpose' and e.value = p.purpose))
group by x.flow, x.chain, s.agreement;
create index m_defect_1 on m_defect(flow, chain);

-- One row per flow and chain; best = 1 marks, per covered entity on top, the chain that gets furthest.
create table v_hop_chain as
with first as (
  select x.flow, x.chain, d.rank, d.code, d.agreement, d.detail,
         row_number() over (partition by x.flow, x.chain order by d.rank, d.agreement, d.code) as nth
  from m_hop_chain x left join m_defect d on d.flow = x.flow and d.chain = x.chain
)
select f.flow, f.chain, c.top, c.agreements, c.words, c.depth, c.last, c.live_until, coalesce(f.rank, 9) as rank, coalesce(f.code, 'covered') as code,
       f.agreement, f.detail, row_number() over (partition by f.flow, c.top order by coalesce(f.rank, 9) desc, c.live_until is null desc, c.live_until desc, c.depth, c.agreements) = 1 as best
from first f join v_chain c on c.id = f.chain where f.nth = 1 order by f.flow, f.chain;
create index m_hop_chain_2 on v_hop_chain(flow);

-- One row per flow to an associate: the contract's verdict on it, by the entity that fares worst.
create table v_hop_contract as
with worst as (
  select *, row_number() over (partition by flow order by rank, top) as nth from v_hop_chain where best
), pair as (  -- where no chain of live contracts leads there: the agreement that comes nearest
  select h.id as flow, a.id as agreement, a.state,
         row_number() over (partition by h.id order by case a.state when 'live' then 0 when 'expired' then 1 when 'terminated' then 1 when 'future' then 2
                            when 'half-signed' then 3 else 4 end, coalesce(a.live_until, '') desc, a.id) as nth
  from v_phi_hop h join v_agreement a on a.kind = 'baa' and a.down_entity = h.target_entity
    and (a.up_entity in (h.source_entity, h.behalf_entity) or h.source_entity = h.target_entity
         or (h.source_entity = h.behalf_entity and exists (select 1 from v_chain c where c.top = h.behalf_entity and c.org = a.up_entity)
             and exists (select 1 from v_agreement_covers e where e.agreement = a.id and e.what = 'system' and e.value = h.target)))
  where h.recipient_role = 'associate'
), above as (  -- and the one that should carry the sender
  select h.id as flow, a.id as agreement, a.state,
         row_number() over (partition by h.id order by a.state = 'live', coalesce(a.live_until, '') desc, a.id) as nth
  from v_phi_hop h join v_agreement a on a.kind = 'baa' and a.down_entity = case when h.behalf_covered then h.source_entity else h.behalf_entity end
  where h.recipient_role = 'associate'
)
select h.id as flow,
       coalesce(w.code, case when o.baa = 'no' then 'plan-without-baa' when p.state is null then 'none' when p.state = 'live' then 'upstream' else p.state end) as code,
       coalesce(w.agreement, w.last, p.agreement) as agreement,
       coalesce(w.detail, case when w.flow is null and o.baa = 'no' then o.label when p.state = 'live' then u.agreement end) as detail,
       w.chain, w.top, w.agreements, w.words, w.live_until
from v_phi_hop h left join worst w on w.flow = h.id and w.nth = 1 left join pair p on p.flow = h.id and p.nth = 1
  left join above u on u.flow = h.id and u.nth = 1 left join v_offer o on o.id = h.target_offer
where h.recipient_role = 'associate' order by h.id;
create unique index m_hop_contract on v_hop_contract(flow);

-- ---- whose security program is judged, and what is on record of it

-- The tenant's own entity, where it is regulated. Where no organization bears the tenant's name: those whose people are declared.
create table v_regulated as
select o.id as organization, o.label, o.at
from v_organization o, stack s
where o.id = o.entity
  and (o.covered or exists (select 1 from v_phi_hop h where h.target_entity = o.id and h.recipient_role = 'associate'))
  and (o.id = s.tenant or (s.tenant not in (select id from organization)
                           and (o.id in (select entity from v_person) or not exists (select 1 from v_person))))
order by o.id;
create unique index m_regulated on v_regulated(organization);

create table v_regulated_system as
select s.id as system, s.label, s.entity as organization, s.encrypted, s.critical, s.keeps, y.facility, s.at
from v_system s join v_regulated r on r.organization = s.entity join v_taint t on t.system = s.id join system y on y.id = s.id
where s.app_for is not 'individual' order by s.id;
create unique index m_regulated_system on v_regulated_system(system);

create table v_plan as
select p.id, p.name || ' (' || p.id || ')' as label, p."is" as kind, r.organization, p.version, p.sha256, p.document, p.approved,
       coalesce(p.approved_by, p.owner) as approver, p.review, p.retired, p.tested, p.every_hours,
       case when p.retired < as_of then 'retired'
            when p.approved is null or p.approved > as_of then 'draft'
            when p.review < as_of then 'overdue'
            when coalesce(p.version, p.sha256) is null or coalesce(p.approved_by, p.owner) is null then 'unversioned'
            else 'in-force' end as state, p.file || ':' || p.line as at
from v_judged join plan p left join v_organization o on o.id = p.organization join v_regulated r on p.organization is null or o.entity = r.organization
order by p.id, r.organization;
create index m_plan on v_plan(id, organization);
create table v_plan_topic as  -- the word of `is`, and each citation of `addresses`
select id as plan, "is" as topic from plan union select owner, value from plan_addresses;
create index m_plan_topic on v_plan_topic(topic, plan);

create table v_last_done as  -- of each kind of recorded act, the last one about each subject
select kind, subject, max(coalesce(from_date, recorded_date)) as done, id as fact, object, until_date
from v_fact, v_judged where coalesce(from_date, recorded_date) <= as_of and subject is not null group by kind, subject;
create unique index m_last_done on v_last_done(kind, subject);
)sql";
}

}  // namespace licet::rules
