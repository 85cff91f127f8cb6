# Twenty requirements of the shipped packs, as Rego: subject and status of each, without the sentences, witnesses and facts that Licet gives.
# run.py checks that both say the same of every subject. Input: {"as_of", "docs": {kind: {id: document}}}.
package licet

import rego.v1

docs := input.docs

day(text) := time.parse_rfc3339_ns(sprintf("%sT00:00:00Z", [text])) / 86400000000000

today := day(input.as_of)

# ---- who and where

covered(org) if docs.organization[org].covered == true

clinic_systems contains id if {
	some id, s in docs.system
	covered(s.owner)
}

behalf contains id if {
	some id, f in docs.flow
	f["on-behalf-of"]
}

edges[from] contains f.to if {
	some f in docs.flow
	from := f.from
}

begins := clinic_systems | {docs.flow[id].from | some id in behalf}

graph_of := {s: object.get(edges, s, set()) | some s, _ in docs.system}

taint := graph.reachable(graph_of, begins)

hops contains id if {
	some id, f in docs.flow
	f.from in taint
	object.get(f, "medium", "electronic") == "electronic"
}

regulated := {org | some org, o in docs.organization; o.covered == true; org == input.tenant}

regulated_systems := {id | some id in taint; docs.system[id].owner in regulated}

# ---- agreements

state(a) := "draft" if {
	object.get(a, "status", "") in {"draft", "review", "negotiation", "signature"}
} else := "unsigned" if {
	not a.signed
} else := "future" if {
	day(live_from(a)) > today
} else := "expired" if {
	day(a.expires) < today
} else := "live"

live_from(a) := max([object.get(a, "effective", a.signed), a.signed])

states := {id: state(a) | some id, a in docs.agreement; a.is == "baa"}

in_use := {id | some id, s in states; s in {"live", "future"}}

clause_of[id][c.cite] := c.is if {
	some id in in_use
	some c in docs.agreement[id].clauses
}

clause_status(id, cite) := "pass" if {
	clause_of[id][cite] in {"present", "stricter"}
} else := "fail" if {
	clause_of[id][cite] == "absent"
} else := "unknown"

clause_rules := {
	"hipaa-164.504.e.2.i.uses": "164.504(e)(2)(i)",
	"hipaa-164.504.e.2.ii.A.no-other-use": "164.504(e)(2)(ii)(A)",
	"hipaa-164.504.e.2.ii.B.safeguards": "164.504(e)(2)(ii)(B)",
	"hipaa-164.504.e.2.ii.C.report": "164.504(e)(2)(ii)(C)",
	"hipaa-164.504.e.2.ii.D.subcontractors": "164.504(e)(2)(ii)(D)",
	"hipaa-164.504.e.2.ii.E.access": "164.504(e)(2)(ii)(E)",
	"hipaa-164.504.e.2.ii.F.amendment": "164.504(e)(2)(ii)(F)",
	"hipaa-164.504.e.2.ii.G.accounting": "164.504(e)(2)(ii)(G)",
	"hipaa-164.504.e.2.ii.I.hhs": "164.504(e)(2)(ii)(I)",
	"hipaa-164.504.e.2.ii.J.return": "164.504(e)(2)(ii)(J)",
	"hipaa-164.504.e.2.iii.termination": "164.504(e)(2)(iii)",
}

raw contains [rule, id, clause_status(id, cite)] if {
	some rule, cite in clause_rules
	some id in in_use
}

delegated(id) if object.get(docs.agreement[id], ["terms", "delegated"], false) == true

delegated(id) if clause_of[id]["164.504(e)(2)(ii)(H)"]

raw contains ["hipaa-164.504.e.2.ii.H.delegated", id, clause_status(id, "164.504(e)(2)(ii)(H)")] if {
	some id in in_use
	delegated(id)
}

# ---- an end in sight

followers[pair] contains id if {
	some id in in_use
	a := docs.agreement[id]
	pair := [a.up, a.down]
}

followed(id) if {
	a := docs.agreement[id]
	some next in followers[[a.up, a.down]]
	next != id
	n := docs.agreement[next]
	day(live_from(n)) <= day(a.expires) + 1
	object.get(n, "expires", "9999-12-31") > a.expires
}

sight(id) := "pass" if {
	not docs.agreement[id].expires
} else := "pass" if {
	followed(id)
} else := "pass" if {
	day(docs.agreement[id].expires) - today > 90
} else := "fail" if {
	day(docs.agreement[id].expires) - today <= 7
} else := "unknown"

raw contains ["hipaa-164.308.b.3.end-in-sight", id, sight(id)] if {
	some id, "live" in states
}

# ---- flows

current(d) if {
	object.get(d, "on", "") <= input.as_of
	object.get(d, "until", "9999-12-31") >= input.as_of
}

decided[about] contains d.choice if {
	some d in docs.decision
	current(d)
	some about in d.about
}

compensated(id) if {
	some c in decided[id]
	c in {"alternative", "not-reasonable"}
}

risk_taken(id) if {
	some c in decided[id]
	c in {"accept-risk", "exception"}
}

shown contains about if {
	some e in docs.evidence
	"164.312(b)" in e.supports
	some about in e.about
}

says(f) := "yes" if {
	f.encrypted == true
} else := "no" if {
	f.encrypted == false
} else := "unsaid"

transmission(id) := "unknown" if {
	says(docs.flow[id]) == "unsaid"
} else := "pass" if {
	says(docs.flow[id]) == "yes"
} else := "pass" if {
	compensated(id)
} else := "fail"

encrypted(id) := {"yes": "pass", "no": "fail", "unsaid": "unknown"}[says(docs.flow[id])]

logged(id) := "pass" if {
	docs.flow[id].via
} else := "pass" if {
	id in shown
} else := "fail" if {
	risk_taken(id)
} else := "unknown"

raw contains ["hipaa-164.312.e.1.transmission", id, transmission(id)] if some id in hops

raw contains ["hipaa-164.312.e.2.ii.encryption-in-transit", id, encrypted(id)] if some id in hops

raw contains ["hipaa-164.312.e.2.i.integrity-controls", id, encrypted(id)] if some id in hops

raw contains ["hipaa-164.312.b.passes-the-gate", id, logged(id)] if some id in hops

# ---- the program

official(org) := "unknown" if {
	not docs.organization[org]["security-official"]
} else := "pass" if {
	p := docs.person[docs.organization[org]["security-official"]]
	object.get(p, "status", "active") == "active"
	object.get(p, "ended", "9999-12-31") >= input.as_of
} else := "fail"

raw contains ["hipaa-164.308.a.2.security-official", org, official(org)] if some org in regulated

rests contains [id, docs.system[id]] if {
	some id in regulated_systems
	object.get(docs.system[id], "keeps", "persistent") == "persistent"
}

rests contains [id, d] if {
	some id, d in docs.device
	d["holds-phi"] == true
	object.get(d, "status", "in-use") in {"in-use", "spare", "lost"}
}

rests contains [id, m] if {
	some id, m in docs.media
	object.get(m, "status", "in-use") in {"in-use", "stored"}
	not object.get(m, "is", "disk") in {"paper", "film"}
}

raw contains ["hipaa-164.312.a.2.iv.encryption-at-rest", id, {"yes": "pass", "no": "fail", "unsaid": "unknown"}[says(d)]] if {
	some [id, d] in rests
}

any_critical if {
	some id in regulated_systems
	docs.system[id].critical == true
}

critical(id) := "unknown" if {
	not is_boolean(object.get(docs.system[id], "critical", null))
} else := "pass" if {
	any_critical
} else := "fail"

raw contains ["hipaa-164.308.a.7.ii.E.criticality", id, critical(id)] if some id in regulated_systems

# ---- what a person's decision lifts: addressable specifications only

addressable := {
	"hipaa-164.312.e.2.ii.encryption-in-transit", "hipaa-164.312.e.2.i.integrity-controls",
	"hipaa-164.312.a.2.iv.encryption-at-rest", "hipaa-164.308.a.7.ii.E.criticality",
}

lifted(rule, id, status) := "accepted" if {
	rule in addressable
	status in {"fail", "unknown"}
	some c in decided[id]
	not c in {"implemented", "conduit", "not-associate"}
} else := status

findings contains [r[0], r[1], lifted(r[0], r[1], r[2])] if some r in raw
