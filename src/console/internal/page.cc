#include "console/internal/page.h"

#include "base/html.h"
#include "console/internal/print.h"

namespace licet::console {
namespace {

constexpr std::string_view kStyle = R"CSS(
:root{color-scheme:light dark;--ink:#16191d;--soft:#586069;--paper:#fff;--field:#f5f7f9;--line:#dce1e6;--link:#0a5bb5;--ok:#176b3a;--less:#0a5bb5;--warn:#8a5a00;--bad:#b3261e;--banner:#fff5e0}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaee;--soft:#9aa5b1;--paper:#13161a;--field:#1b1f25;--line:#2e353d;--link:#7db4f5;--ok:#6fcf97;--less:#7db4f5;--warn:#e2b04a;--bad:#ff8a80;--banner:#2b2413}}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--ink);background:var(--paper)}
a{color:var(--link)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.3rem .6rem}
.wrap{max-width:80rem;margin:0 auto;padding:0 1.25rem}
header .wrap{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;align-items:baseline;padding-top:1rem;padding-bottom:.7rem}
header{border-bottom:1px solid var(--line)}
h1{font-size:1.25rem;margin:0;font-weight:650;letter-spacing:.01em}
header p{margin:0;color:var(--soft)}
nav{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin-left:auto}
h2{font-size:1.05rem;font-weight:650;margin:2rem 0 .2rem}
h2+p{margin:.1rem 0 .6rem;color:var(--soft)}
.banner{background:var(--banner);border-bottom:1px solid var(--line);padding:.55rem 0}
.banner p{margin:.1rem 0}.banner strong{color:var(--warn)}
[hidden]{display:none!important}
.counts{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));margin:1.2rem 0 0;padding:0;overflow:hidden;border:1px solid var(--line)}
.counts div{box-shadow:1px 1px 0 var(--line);padding:.6rem .8rem}
.counts dt{color:var(--soft);font-size:.82rem}.counts dd{margin:0;font-size:1.35rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;border:1px solid var(--line)}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;position:absolute;left:-99rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .7rem;border-bottom:1px solid var(--line)}
tbody tr:last-child>*{border-bottom:0}
thead th{background:var(--field);font-weight:600;color:var(--soft);font-size:.8rem;white-space:nowrap}
tbody th{font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.time,code{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.86em}
td.time{white-space:nowrap}
.why{min-width:16rem;overflow-wrap:anywhere}.ref{color:var(--soft);display:block}
.tag{font-weight:600;white-space:nowrap}
.pass,.accepted{color:var(--ok)}.reduce,.deidentify{color:var(--less)}.hold,.unknown,.observe{color:var(--warn)}.refuse,.cut,.fail,.stale{color:var(--bad)}
.none{color:var(--soft);padding:.8rem;margin:0}
button,input{font:inherit;color:inherit;background:var(--field);border:1px solid var(--line);border-radius:4px;padding:.25rem .7rem}
button{cursor:pointer}.bar{display:flex;gap:.8rem;align-items:center;margin:.4rem 0;flex-wrap:wrap;color:var(--soft);font-size:.9rem}
footer{margin:2.5rem 0 2rem;color:var(--soft);font-size:.88rem;border-top:1px solid var(--line);padding-top:.8rem}
main.sign{max-width:30rem;margin:15vh auto;padding:0 1.25rem}
@media (max-width:46rem){
thead{position:absolute;left:-99rem}
table,tbody{display:block}tbody tr{display:block;padding:.5rem .8rem;border-bottom:1px solid var(--line)}
tbody tr:last-child{border-bottom:0}
th,td,td.n{display:grid;grid-template-columns:6.5rem 1fr;gap:.5rem;padding:.1rem 0;border:0;text-align:left}
td:empty{display:none}td>.ref,th>.ref{grid-column:2}
td::before,tbody th::before{content:attr(data-label);color:var(--soft);font:400 .8rem/1.7 system-ui,sans-serif}
td.time{white-space:normal}.why{min-width:0}
nav{margin-left:0}
}
@media (prefers-reduced-motion:no-preference){tr.new{animation:in 1.2s}@keyframes in{from{background:var(--field)}}}
)CSS";

constexpr std::string_view kBody = R"HTML(
<a class="skip" href="#main">Skip to the tables</a>
<header><div class="wrap"><h1>Licet</h1><p id="who">&hellip;</p>
<nav aria-label="On this page"><a href="#exchanges">Exchanges</a><a href="#licenses">Licenses</a><a href="#findings">Findings</a></nav></div></header>
<div id="banner" class="banner" role="status" hidden><div class="wrap"></div></div>
<main id="main" class="wrap">
<dl class="counts" id="counts" aria-label="Since the program started"></dl>

<h2 id="exchanges">Exchanges</h2>
<p>As they happen, the newest first. A refusal says its reason in one sentence; <code>licet explain</code> and its reference say more.</p>
<div class="bar"><button id="pause" type="button" aria-pressed="false">Pause</button><label><input id="only" type="checkbox"> only what did not pass</label><span id="live" role="status"></span></div>
<div class="scroll"><table><caption>Last exchanges</caption><thead><tr><th scope="col">Time</th><th scope="col">Outcome</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">Why</th><th scope="col" class="n">Passed</th><th scope="col" class="n">Withheld</th></tr></thead><tbody id="x"></tbody></table><p class="none" id="x-none">Nothing yet since the program started.</p></div>

<h2 id="licenses">What is licensed now</h2>
<p>Who may receive what, in which form, until when, and by what right. What is not here is refused.</p>
<div class="scroll"><table><caption>Licenses in force</caption><thead><tr><th scope="col">Holder</th><th scope="col">Flow</th><th scope="col">Ground</th><th scope="col">Classes</th><th scope="col">Purposes</th><th scope="col">Form</th><th scope="col">View</th><th scope="col">Until</th><th scope="col">Agreements</th></tr></thead><tbody id="l"></tbody></table><p class="none" id="l-none" hidden>Nothing is licensed: every request is refused.</p></div>

<h2 id="findings">What is amiss</h2>
<p>Requirements that fail, are stale, or can't be judged for want of a fact.</p>
<div class="scroll"><table><caption>Findings that are not green</caption><thead><tr><th scope="col">Status</th><th scope="col">Subject</th><th scope="col">Because</th><th scope="col">Mend</th><th scope="col">Cites</th></tr></thead><tbody id="f"></tbody></table><p class="none" id="f-none" hidden>No requirement fails, is stale or unknown.</p></div>
<footer id="foot"></footer>
</main>
)HTML";

// Only textContent is ever set: what the API says can't become markup.
constexpr std::string_view kScript = R"JS(
'use strict';
const $=id=>document.getElementById(id);
const el=(tag,text,cls)=>{const e=document.createElement(tag);if(text!==undefined&&text!==null)e.textContent=text;if(cls)e.className=cls;return e};
const get=async path=>{const r=await fetch('/api/v1/'+path,{headers:{accept:'application/json'},credentials:'same-origin',cache:'no-store'});
  if(r.status===401){location.reload();throw new Error('signed out')}
  if(!r.ok)throw new Error(path+': '+r.status);return r.json()};
const all=async(path)=>{let out=[],offset=0;for(let i=0;i<20;i++){const r=await get(path+(path.includes('?')?'&':'?')+'limit=500&offset='+offset);out=out.concat(r.items);if(r.next===null)break;offset=r.next}return out};
const row=(cells,labels)=>{const tr=el('tr');cells.forEach((c,i)=>{const td=c instanceof Node?c:el(i===0?'th':'td',c);if(td.tagName==='TH')td.scope='row';td.dataset.label=labels[i];tr.append(td)});return tr};
const tag=s=>{const td=el('td');td.append(el('span',s,'tag '+s));return td};
const fill=(id,rows)=>{$(id).replaceChildren(...rows);$(id+'-none').hidden=rows.length>0};
const list=a=>(a||[]).join(', ');

let epoch=null,after=0,paused=false,seen=new Set(),failures=0;
const X=['Time','Outcome','Who','What','Why','Passed','Withheld'];
const shown=d=>!$('only').checked||!['pass','reduce','deidentify'].includes(d);
const exchange=g=>{
  const why=el('td',g.sentence||(g.license?'on '+g.license:''),'why');
  why.append(el('code',g.exchange,'ref'));
  const what=el('td',[g.action,g.type,g.purpose&&'for '+g.purpose].filter(Boolean).join(' '));
  if(g.route)what.append(el('span','via '+g.route,'ref'));
  const outcome=el('td');outcome.append(el('span',g.decision,'tag '+g.decision));
  if(g.reason)outcome.append(el('span',g.reason,'ref'));else if(g.form)outcome.append(el('span',[g.form,g.view].filter(Boolean).join(', '),'ref'));
  const tr=row([el('td',g.time.slice(11,19),'time'),outcome,el('td',(g.actor||'nobody known')+(g.client?' through '+g.client:'')),what,why,el('td',g.resources||'','n'),el('td',g.withheld||'','n')],X);
  tr.dataset.decision=g.decision;tr.hidden=!shown(g.decision);tr.title=g.time;return tr};
async function exchanges(){
  const r=await get('exchanges?limit=200&after='+after);after=r.next;
  const fresh=r.items.filter(g=>!seen.has(g.exchange));
  for(const g of fresh)seen.add(g.exchange);
  if(seen.size>5000)seen=new Set([...seen].slice(-1000));
  const rows=fresh.map(exchange);if($('x').children.length)rows.forEach(r=>r.classList.add('new'));
  $('x').prepend(...rows);while($('x').children.length>300)$('x').lastChild.remove();
  $('x-none').hidden=$('x').children.length>0}
async function tables(){
  const L=['Holder','Flow','Ground','Classes','Purposes','Form','View','Until','Agreements'];
  const [ls,fs]=[await all('licenses'),await all('findings?status=fail,stale,unknown')];
  fill('l',ls.filter(l=>!l.carries).map(l=>{const v=el('td',l.view);if((l.conditions||[]).length)v.append(el('span','only with '+list(l.conditions),'ref'));if(l.hold)v.append(el('span','a person releases each use','ref'));
    return row([l.holder,l.flow,l.ground_kind,list(l.classes),list(l.purposes),l.form,v,l.until||'no end',list(l.agreements)],L)}));
  const order={fail:0,stale:1,unknown:2};
  fill('f',fs.sort((a,b)=>order[a.status]-order[b.status]).map(f=>row([tag(f.status),f.subject||f.requirement,el('td',f.because,'why'),el('td',f.mend,'why'),list(f.cites)],['Status','Subject','Because','Mend','Cites'])))}
function banner(s){
  const lines=[];
  if(s.ledger.poisoned)lines.push(['The ledger can’t be written: nothing passes.','The program must be restarted; it recovers the ledger as it starts.']);
  if(s.stale)lines.push(['The declaration has problems and is not in force.','Epoch '+s.epoch+' goes on serving; noticed at '+(s.stale_since||'')+'. '+s.problems.slice(0,3).join(' · ')]);
  for(const o of s.observing)lines.push(['Route '+o.route+' only observes.','What should be refused passes and is recorded'+(o.until?', until '+o.until:'')+'.']);
  $('banner').hidden=!lines.length;
  $('banner').firstElementChild.replaceChildren(...lines.map(([a,b])=>{const p=el('p');p.append(el('strong',a),' '+b);return p}))}
async function status(){
  const s=await get('status');banner(s);
  $('who').textContent=s.tenant+' · epoch '+s.epoch+' · as of '+s.as_of;
  const c=s.counters,f=s.findings;
  const n=[['Exchanges',c.exchanges],['Passed whole',c.passed],['Reduced',c.reduced],['Refused',c.refused],['Held',c.held],['Cut',c.cut],['Licenses',s.licenses],['Failing',f.fail+f.stale],['Unknown',f.unknown],['Ledger entries',s.ledger.size]];
  $('counts').replaceChildren(...n.map(([k,v])=>{const d=el('div');d.append(el('dt',k),el('dd',v.toLocaleString('en-US')));return d}));
  $('foot').textContent='Licet '+s.build+'. Packs: '+s.packs.map(p=>p.id+'@'+p.version+' ('+p.status+')').join(', ')+'. Judged '+s.under+'. Facts and sources, not legal advice. Log root '+s.ledger.root.slice(0,12)+' at '+s.ledger.size+' entries.';
  const mark=s.epoch+'/'+s.as_of;if(mark!==epoch){await tables();epoch=mark}}
async function tick(){
  if(!paused&&!document.hidden){
    try{await exchanges();await status();failures=0;$('live').textContent=''}
    catch(e){failures++;$('live').textContent='The program does not answer: trying again.'}}
  setTimeout(tick,Math.min(1000*(1+failures),10000))}
$('pause').onclick=()=>{paused=!paused;$('pause').setAttribute('aria-pressed',paused);$('pause').textContent=paused?'Go on':'Pause'};
$('only').onchange=()=>{for(const tr of $('x').children)tr.hidden=!shown(tr.dataset.decision)};
tick();
)JS";

std::string document(std::string_view title, std::string_view body, std::string_view script) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">\n<title>";
  out += title;
  out += "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>";
  out += kStyle;
  out += "</style>\n</head>\n<body>";
  out += body;
  if (!script.empty()) {
    out += "<script>";
    out += script;
    out += "</script>\n";
  }
  out += "</body>\n</html>\n";
  return out;
}

}  // namespace

std::string_view page_style() {
  return kStyle;
}
std::string_view page_script() {
  return kScript;
}
std::string page() {
  return document("Licet", kBody, kScript);
}
std::string sign_in_page(bool accounts, std::string_view provider, bool has_provider, std::string_view wrong) {
  std::string body = "\n<main class=\"sign\"><h1>Licet</h1>\n";
  if (!wrong.empty()) body += "<p role=\"alert\" class=\"fail\">" + html_escaped(wrong) + ".</p>\n";
  body += "<form method=\"post\" action=\"/login\">";
  if (accounts)
    body +=
        "<p><label>Name <input name=\"name\" autocomplete=\"username\" required autofocus></label></p>"
        "<p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label></p>"
        "<p><label>Code <input name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" required></label> ";
  else
    body +=
        "<p>Open the console at the address that <code>licet serve</code> printed, or enter its key.</p>"
        "<p><label>Key <input name=\"key\" type=\"password\" autocomplete=\"off\" required autofocus></label> ";
  body += "<button>Sign in</button></p></form>\n";
  if (has_provider)
    body += "<p><a href=\"/oidc/start\">Sign in with " + html_escaped(provider.empty() ? "your provider" : provider) + "</a></p>\n";
  return document("Licet: sign in", body + "</main>\n", {});
}

}  // namespace licet::console
