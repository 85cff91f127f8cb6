// Drives Debian's chromium through a working day. Input: JSON on stdin
//   {url, folder, shots, held, marked, pause, accounts: [{role, name, password, secret}]}
// `url` is what the program prints; with `accounts` the day is the privacy officer's, who signs in by password and one-time code, and every
// other role then shows what it may not do. One JSON object on stdout: what was seen. tests/acceptance/console.py says what it must be.
// Nothing is downloaded; its profile lies in `folder`. Lines on stderr say when somebody else has something to do: PATCH, SUSPENDED.
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const given = JSON.parse(readFileSync(0, 'utf8'));
const origin = new URL(given.url).origin;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const args = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'];
const context = await chromium.launchPersistentContext(`${given.folder}/profile`, { executablePath: '/usr/bin/chromium', args, viewport: { width: 1280, height: 900 } });
const seen = { complaints: [], requests: [], axe: [], wide: [], titles: [], shots: 0, expected_shots: 0, slow: [] };
/** The browser itself complains of an answer that says no; what is expected to be refused is not noted. */
let quiet = false;
function watched(page) {
  page.setDefaultTimeout(15_000);
  page.on('console', (m) => !quiet && ['error', 'warning'].includes(m.type()) && seen.complaints.push(`${m.text()} ${m.location().url}`));
  page.on('pageerror', (e) => seen.complaints.push(String(e)));
  page.on('request', (r) => seen.requests.push(r.url()));
  page.on('dialog', (d) => (seen.complaints.push(`dialog: ${d.message()}`), d.dismiss()));
  return page;
}
process.on('uncaughtException', (e) => {
  console.error(e.stack, '\nseen until then:', JSON.stringify({ ...seen, requests: [], titles: [] }, (_, v) => (typeof v === 'string' ? v.slice(0, 200) : v)));
  process.exit(1);
});
const page = watched(context.pages()[0] ?? (await context.newPage()));

const settled = async (p = page) => {
  await p.locator('main h1').waitFor();
  await p.waitForFunction(() => document.querySelector('.legal') && ![...document.querySelectorAll('main h2, main .none')].some((e) => e.checkVisibility() && e.textContent.trim() === '…'));
  await p.waitForTimeout(150);
};
const to = async (hash, p = page) => {
  await p.goto(`${origin}/${hash}`);
  await settled(p);
};
/** Runs axe in a world of its own: the page's policy forbids injected scripts, and must go on doing so. */
async function audit(name, p = page) {
  const session = await context.newCDPSession(p);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  await session.send('Runtime.evaluate', { expression: axe, contextId });
  const { result } = await session.send('Runtime.evaluate', { expression: 'axe.run().then((r) => JSON.stringify([r.violations, r.passes.length]))', contextId, awaitPromise: true, returnByValue: true });
  await session.detach();
  const [violations, passes] = JSON.parse(result.value);
  if (passes < 5) seen.axe.push(`${name}: axe looked at nothing`);
  for (const v of violations) seen.axe.push(`${name}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`);
}
async function shot(name, options = {}) {
  await page.screenshot({ path: `${given.shots}/${name}.png`, ...options });
  ++seen.shots;
}
mkdirSync(given.shots, { recursive: true });

// RFC 6238, as an authenticator app makes it; a code counts once, so a second log-in of a name waits for the next.
const lastStep = new Map();
async function code(secret) {
  const bits = [...secret.toUpperCase().replace(/[^A-Z2-7]/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const now = () => Math.floor(Date.now() / 30_000);
  while (now() <= (lastStep.get(secret) ?? 0)) await new Promise((go) => setTimeout(go, 200));
  lastStep.set(secret, now());
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(now()));
  const mac = createHmac('sha1', key).update(counter).digest(), at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
async function signIn(account, p = page) {
  await p.goto(`${origin}/`);
  await p.getByLabel('Name', { exact: true }).fill(account.name);
  await p.getByLabel('Password').fill(account.password);
  if (account.secret) await p.getByLabel(/^Code/).fill(await code(account.secret));
  await p.getByRole('button', { name: 'Sign in', exact: true }).click();
  await p.locator('main h1', { hasText: 'Today' }).waitFor();
}
const signOut = async (p = page) => {
  await p.getByRole('button', { name: 'Sign out' }).first().click();
  await p.getByRole('heading', { name: 'Sign in' }).waitFor();
};

// The door: what it looks like, that a wrong word does not open it, and then in.
const officer = given.accounts?.find((a) => a.role === 'privacy-officer');
quiet = true;
await page.goto(`${origin}/`);
await page.getByRole('heading', { name: 'Sign in' }).waitFor();
for (const scheme of ['light', 'dark']) {
  await page.emulateMedia({ colorScheme: scheme });
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(100);
    await shot(`login-${scheme}-${width}`);
    ++seen.expected_shots;
  }
  await audit(`login-${scheme}`);
}
await page.setViewportSize({ width: 1280, height: 900 });
await page.emulateMedia({ colorScheme: 'light' });
if (officer) {
  await page.getByLabel('Name', { exact: true }).fill(officer.name);
  await page.getByLabel('Password').fill('not-the-password-of-anybody');
  await page.getByLabel(/^Code/).fill('000000');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.locator('[role=alert]').waitFor();
  seen.wrong = await page.locator('[role=alert]').innerText();
  const before = (await context.cookies()).map((c) => c.value);
  await signIn(officer);
  seen.fixation = (await context.cookies()).some((c) => before.includes(c.value)); // a cookie from before must not be the session
} else await page.goto(given.url);
await page.getByRole('heading', { name: 'What fails' }).waitFor();
quiet = false;
seen.at = page.url();

// First load: how much of it goes over the wire, how soon it can be used, and under which policy.
const bytes = async (path) => {
  const answer = await fetch(origin + path, { headers: { 'accept-encoding': 'gzip' } });
  const text = await answer.text();
  return { text, size: Number(answer.headers.get('content-length') ?? text.length), policy: answer.headers.get('content-security-policy') ?? '' };
};
const index = await bytes('/');
seen.policy = index.policy;
seen.first_load_bytes = index.size;
for (const [, path] of index.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)) seen.first_load_bytes += (await bytes(path)).size;
await page.goto('about:blank');
const started = Date.now();
await page.goto(`${origin}/`);
await page.getByRole('heading', { name: 'What fails' }).waitFor();
await page.locator('main table tbody tr').first().waitFor();
seen.interactive_ms = Date.now() - started;

const screens = {
  today: '#/today', tool: '#/tool?system=acme-ai&data=clinical.note&purpose=TREAT', 'tool-yes': '#/tool?system=scribe&data=clinical.note&purpose=TREAT', findings: '#/findings', 'findings-list': '#/findings?by=none&status=fail',
  map: '#/map', 'map-chain': '#/map?flow=billing-to-mailhouse', agreements: '#/agreements', rules: '#/rules?q=164.312', proposed: '#/rules?view=proposed', gate: '#/gate', record: '#/record', propose: '#/edit',
  audit: '#/audit', past: '#/audit?as_of=2026-06-01', ledger: '#/ledger', reports: '#/reports', trust: '#/trust', people: '#/people',
};
for (const scheme of ['light', 'dark'])
  for (const width of [1280, 400]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    for (const [name, hash] of Object.entries(screens)) {
      const began = Date.now();
      await to(hash);
      if (Date.now() - began > 3000) seen.slow.push(`${name}: ${Date.now() - began} ms`);
      seen.titles.push(await page.title());
      const label = `${name}-${scheme}-${width}`;
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) seen.wide.push(`${label}: ${over} px too wide`);
      const alerts = await page.locator('main [role=alert]').allInnerTexts();
      if (alerts.length && !/git|work tree/i.test(alerts.join())) seen.complaints.push(`${label}: ${alerts.join()}`);
      // Both themes at a desk's width, and the narrow one once: what axe sees does not depend on more.
      if (width === 1280 || scheme === 'light') await audit(label);
      await shot(label, { fullPage: true });
      ++seen.expected_shots;
    }
    await to('#/findings?status=fail&by=none');
    await page.getByRole('button', { name: /^Why/ }).first().click();
    await page.locator('dialog.drawer h3', { hasText: 'History' }).waitFor();
    await audit(`why-${scheme}-${width}`);
    await shot(`why-${scheme}-${width}`);
    ++seen.expected_shots;
    await page.keyboard.press('Escape');
    if (width === 400) {
      await page.getByRole('button', { name: /^Menu/ }).click();
      await audit(`menu-${scheme}`);
      await shot(`menu-${scheme}-400`);
      ++seen.expected_shots;
    }
  }

// A day's work, at the width of a desk, by the keyboard where that is the question.
await page.emulateMedia({ colorScheme: 'light' });
await page.setViewportSize({ width: 1280, height: 900 });
/** Who does it: asked for only where nobody has an account yet. */
const sayWho = async (within) => { const field = within.getByLabel(/^Your name/); if (await field.count()) await field.fill('j-ortiz'); };

// "May I send notes to this vendor, and why not?" Two clicks: the first screen's own list, and "Why not?".
await to('#/today');
await page.getByRole('combobox', { name: 'Tool' }).selectOption('acme-ai');
await page.locator('.answer').waitFor();
seen.answer = await page.locator('.answer').innerText();
await page.getByRole('button', { name: 'Why not?' }).click();
await page.locator('dialog.drawer .mend').waitFor();
seen.why = await page.locator('dialog.drawer').innerText();
await page.keyboard.press('Escape');
seen.closed = !(await page.locator('dialog.drawer[open]').count());

// A clause opens the words that it was found in.
await to('#/agreements');
await page.getByRole('button', { name: /^164\.504\(e\)\(2\)\(ii\)\(B\) in baa-scribe-2026/ }).click();
await page.locator('dialog.ask[open] h2').waitFor();
seen.clause = await page.locator('dialog.ask[open]').innerText();
await audit('clause');
await shot('clause');
await page.keyboard.press('Escape');
await to('#/today');
await page.getByRole('combobox', { name: 'Tool' }).selectOption('acme-ai');
await page.locator('.answer').waitFor();

// The card, signed and made for print.
const [card] = await Promise.all([context.waitForEvent('page'), page.getByRole('link', { name: 'Signed page to print' }).click()]);
await card.waitForLoadState();
seen.card = await card.locator('body').innerText();
writeFileSync(`${given.folder}/card.html`, await (await page.request.get(card.url())).body());
await card.emulateMedia({ media: 'print' });
await card.screenshot({ path: `${given.shots}/card.png`, fullPage: true });
await card.close();

// Reports, made for print; PDF where this machine can make one.
seen.reports = {};
for (const of of ['today', 'findings', 'agreements', 'map', 'rules', 'trust']) {
  const answer = await page.goto(`${origin}/api/v1/report?of=${of}`);
  seen.reports[of] = answer.status();
  await audit(`report-${of}`);
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 794, height: 1123 });
  await shot(`report-${of}`);
  await page.emulateMedia({ media: 'screen' });
  await page.setViewportSize({ width: 1280, height: 900 });
}
await to('#/reports');
const pdf = page.getByRole('button', { name: 'PDF of' }).first();
if (await pdf.count()) {
  quiet = true;
  const made = page.waitForEvent('download', { timeout: 60_000 }).then(async (paper) => {
    await paper.saveAs(`${given.folder}/report.pdf`);
    return readFileSync(`${given.folder}/report.pdf`).subarray(0, 5).toString();
  });
  await pdf.click();
  seen.pdf = await Promise.race([made, page.locator('main [role=alert]').innerText({ timeout: 60_000 })]);
  made.catch(() => {});
  quiet = false;
}

// A lapsed agreement is seen (broken link of its chain), explained, and mended by a patch that somebody else applies; then it is green.
await to('#/map?flow=documents-to-fax');
seen.chain = await page.locator('ol.chain').innerText();
await to('#/findings?subject=documents-to-fax');
await page.getByRole('button', { name: /^Why documents-to-fax/ }).first().click();
await page.locator('dialog.drawer summary', { hasText: 'baa-fax-2024' }).click();
await page.getByRole('link', { name: 'Propose a change to baa-fax-2024' }).click();
const declared = page.getByRole('textbox', { name: 'As declared' });
await declared.fill((await declared.inputValue()).replace('expires: 2026-06-30', 'expires: 2027-06-30'));
await page.getByRole('button', { name: 'See what it would do' }).click();
await page.getByRole('heading', { name: 'The patch' }).waitFor();
await audit('edit');
await shot('edit-light-1280', { fullPage: true });
++seen.expected_shots;
seen.proposed = await page.locator('main').innerText();
const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /^Download/ }).click()]);
await saved.saveAs(`${given.folder}/mend.patch`);
// Committed to a branch where the folder is a work tree: nothing in force changes by that.
quiet = true;
const commits = await page.request.get(`${origin}/api/v1/commits`);
quiet = false;
if (commits.ok()) {
  await page.getByLabel(/^Why, as the first line/).fill('the fax agreement was renewed');
  await sayWho(page.locator('main'));
  await page.getByRole('button', { name: 'Commit to a branch' }).click();
  await page.locator('main .banner', { hasText: 'Committed as' }).waitFor();
  seen.committed = await page.locator('main .banner', { hasText: 'Committed as' }).innerText();
}
process.stderr.write('PATCH\n');
await to('#/findings?subject=documents-to-fax');
await page.locator('main table .tag', { hasText: 'fail' }).first().waitFor({ state: 'detached' });
seen.green = await page.locator('main table').innerText();

// A training was done: put on record, and its verdict follows by itself.
await to('#/findings?subject=front-desk-ana');
const trained = page.locator('main table tbody tr', { hasText: 'training current' });
seen.untrained = await trained.innerText();
await to('#/record');
await page.getByRole('combobox', { name: 'What happened' }).selectOption('training');
await page.getByLabel('To which person').fill('front-desk-ana');
await page.getByLabel('Which training').fill('privacy-basics');
await sayWho(page.locator('main'));
await shot('record', { fullPage: true });
await audit('record');
await page.getByRole('button', { name: 'Put on record' }).click();
await page.locator('main .banner', { hasText: 'On record' }).waitFor();
seen.recorded = await page.locator('main .banner', { hasText: 'On record' }).innerText();
await to('#/findings?subject=front-desk-ana');
await trained.locator('.tag', { hasText: 'pass' }).waitFor();
seen.trained = await trained.innerText();

// A held exchange is released by its button.
await to('#/gate');
await page.getByRole('button', { name: new RegExp(`^Release.*${given.held}`) }).click();
await page.locator('dialog.ask[open] form').waitFor();
await sayWho(page.locator('dialog.ask[open]'));
await shot('release');
await audit('release');
await page.getByRole('button', { name: 'Release once' }).click();
await page.locator('main .banner', { hasText: 'Released' }).waitFor();
seen.released = await page.locator('main .banner', { hasText: 'Released' }).innerText();

// A vendor is suspended, after what that would cut was shown; the next refusal appears by itself; and it is lifted again.
await page.getByRole('combobox', { name: 'Whom' }).selectOption('scribe-ai');
await page.getByRole('button', { name: 'Suspend …' }).click();
await page.locator('dialog.ask[open] table').waitFor();
seen.cut = await page.locator('dialog.ask[open]').innerText();
await sayWho(page.locator('dialog.ask[open]'));
await shot('suspend');
await audit('suspend');
await page.getByRole('button', { name: 'Suspend now' }).click();
await page.locator('main .banner', { hasText: 'is suspended' }).waitFor();
await page.getByRole('button', { name: 'Lift … scribe-ai' }).waitFor();
seen.suspended = true;
const streamed = page.locator('table.live tbody tr', { hasText: 'suspended' });
const were = await streamed.count();
process.stderr.write('SUSPENDED\n'); // whoever started this asks the gate now
if (given.pause) {
  await streamed.nth(were).waitFor();
  seen.live = await streamed.first().innerText();
}
await page.getByRole('button', { name: 'Lift … scribe-ai' }).click();
await page.locator('dialog.ask[open] form').waitFor();
await sayWho(page.locator('dialog.ask[open]'));
await page.getByRole('button', { name: 'Lift the suspension' }).click();
await page.locator('main .banner', { hasText: 'goes on' }).waitFor();
seen.lifted = true;

// A bundle is made, checked in the browser, taken along; a changed bit is noticed.
await to('#/audit');
seen.requests_asked = await page.locator('main table').first().innerText();
await sayWho(page.locator('main form').first());
await page.getByRole('button', { name: 'Make and check' }).click();
await page.locator('.answer b').waitFor();
seen.bundle = await page.locator('main').innerText();
await audit('bundle');
await shot('bundle', { fullPage: true });
const [evidence] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /^Download/ }).click()]);
await evidence.saveAs(`${given.folder}/evidence.tar`);
const bits = readFileSync(`${given.folder}/evidence.tar`);
bits[bits.indexOf('findings.csv') + 600] ^= 1;
writeFileSync(`${given.folder}/changed.tar`, bits);
await page.locator('main input[type=file]').setInputFiles(`${given.folder}/changed.tar`);
await page.locator('.answer b', { hasText: 'Not sound' }).waitFor();
seen.changed = await page.locator('main').innerText();

// What was so before the agreement lapsed: no contract failed on the fax flow then.
await to('#/audit?as_of=2026-06-01');
seen.past = await page.locator('section[aria-labelledby=past]').innerText();

// A key for a program: shown once, does what its scope says and nothing else, and is ended.
await to('#/people');
await page.getByLabel('Name of the program').fill('browser-report');
await page.getByRole('checkbox', { name: /^see/ }).check();
await sayWho(page.getByRole('form', { name: 'Make an API key' }));
await page.getByRole('button', { name: 'Make the key' }).click();
await page.locator('.banner code').waitFor();
await shot('key', { fullPage: true });
const secret = await page.locator('.banner code').innerText();
const byKey = async (path, body) => (await fetch(`${origin}/api/v1/${path}`, { method: body ? 'POST' : 'GET', headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) })).status;
seen.key = { sees: await byKey('status'), suspends: await byKey('suspend', { id: 'billing' }), keys: await byKey('keys') };
await page.reload();
await settled();
seen.key.again = (await page.locator('main').innerText()).includes(secret);
await page.getByRole('button', { name: 'End … browser-report' }).click();
await page.getByRole('button', { name: 'End it' }).click();
await page.locator('main .banner', { hasText: 'is ended' }).waitFor();
seen.key.ended = await byKey('status');

// A link to the trust view: open to whoever holds it, without names, until it is ended.
await to('#/trust');
await page.getByLabel('For', { exact: true }).fill('browser-day');
await sayWho(page.locator('main form').first());
await page.getByRole('button', { name: 'Make a link' }).click();
await page.locator('.banner code').waitFor();
const shared = await page.locator('.banner code').innerText();
const outside = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
const stranger = await outside.newPage();
seen.trust = { status: (await stranger.goto(shared)).status(), text: await stranger.locator('body').innerText() };
await stranger.screenshot({ path: `${given.shots}/trust-outside.png`, fullPage: true });
seen.trust.api = (await stranger.request.get(`${origin}/api/v1/status`)).status();
await page.getByRole('button', { name: 'End the link for browser-day' }).click();
await page.locator('main .banner', { hasText: 'is ended' }).waitFor();
seen.trust.ended = (await stranger.goto(shared)).status();
await outside.close();

// By keyboard alone: past the navigation, and into the screen.
await to('#/findings?status=fail&by=none');
await page.reload();
await page.getByRole('button', { name: /^Why/ }).first().waitFor();
await page.keyboard.press('Tab');
seen.skip = await page.evaluate(() => document.activeElement?.textContent);
await page.keyboard.press('Enter');
seen.skipped = await page.evaluate(() => document.activeElement?.id);

// What the declaration says stays text. `marked` is an id whose name and sentence hold markup.
if (given.marked) {
  quiet = true; // what is not there is 404
  for (const hash of ['#/today', '#/findings', '#/findings?by=subject', '#/findings?by=none&status=fail', '#/agreements', '#/map', '#/map?flow=notes-to-marked', '#/rules', '#/gate', '#/audit', '#/ledger', '#/people', '#/trust', '#/record', `#/tool?system=${given.marked}`,
    '#/findings?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E', '#/%3Cscript%3Ealert(1)%3C/script%3E', '#/tool?system=%3Csvg/onload=alert(1)%3E', '#/edit?id=%3Csvg/onload=alert(1)%3E', '#/audit?as_of=%3Cb%3E', '#/findings?base=%3Cimg%20src=x%3E']) {
    await page.goto(`${origin}/${hash}`);
    await page.locator('main h1').waitFor();
    await page.waitForTimeout(250);
    seen.markup = (seen.markup ?? 0) + (await page.locator('main img[src="x"], main script, main iframe, main b b, dialog img').count());
  }
  quiet = false;
  seen.hacked = await page.evaluate(() => Boolean(globalThis.hacked));
  await to(`#/tool?system=${given.marked}`);
  seen.shown = (await page.locator('main').innerText()).includes('<img src=x');
}
seen.storage = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));

// Without use: said a minute before, kept by a word, and ended otherwise. The page's own clock is moved, not the program's.
quiet = true;
const idle = watched(await context.newPage());
await idle.clock.install();
await idle.goto(`${origin}/`);
await idle.locator('main h1').waitFor();
await idle.clock.fastForward(14 * 60_000 + 10_000);
await idle.locator('dialog[open]', { hasText: 'Are you still there?' }).waitFor();
seen.warned = await idle.locator('dialog[open]').innerText();
await audit('idle', idle);
await idle.screenshot({ path: `${given.shots}/idle.png` });
await idle.getByRole('button', { name: 'Stay signed in' }).click();
await idle.locator('dialog[open]').waitFor({ state: 'detached' });
seen.stayed = await idle.locator('main h1').innerText();
await idle.clock.fastForward(15 * 60_000 + 5_000);
await idle.getByRole('heading', { name: 'Sign in' }).waitFor();
seen.idle_out = await idle.locator('main').innerText();
await idle.close();
seen.out = (await page.request.get(`${origin}/api/v1/status`)).status();

// Every other role: where it is led, that no button offers what it may not do, and that the program refuses it all the same.
seen.roles = {};
const acts = [
  ['suspend', 'suspend', { id: 'billing' }], ['lift', 'lift', { id: 'billing' }], ['release', 'release', { reference: given.held }], ['prove', 'bundle', { vendor: 'scribe-ai' }], ['propose', 'propose', { id: 'baa-fax-2024', text: 'x' }],
  ['commit', 'commit', { id: 'baa-fax-2024', text: 'x' }], ['record', 'record', { kind: 'x' }], ['keys', 'keys', { name: 'x', scopes: ['see'] }], ['share', 'trust/links', { for: 'x' }],
];
const offers = { suspend: /^(Suspend|Stop)/, lift: /^Lift/, release: /^Release/, prove: /^Make and check/, propose: /^(Propose|See what it would do)/, commit: /^Commit/, record: /^Put on record$/, keys: /^(Make the key|End …)/, share: /^(Make a link|End the link)/ };
for (const account of (given.accounts ?? []).filter((a) => a !== officer)) {
  await context.clearCookies();
  await signIn(account);
  const me = await page.evaluate(async () => (await fetch('/api/v1/session')).json());
  const told = { role: me.role, acts: me.acts, nav: await page.locator('nav a').allInnerTexts(), offered: [], refused: {} };
  for (const hash of ['#/today', '#/tool?system=scribe', '#/gate', '#/findings?status=fail&by=none', '#/audit', '#/trust', '#/people', '#/record', '#/edit?id=baa-fax-2024']) {
    await to(hash);
    if (hash.includes('findings')) {
      const whys = page.getByRole('button', { name: /^Why/ });
      if (await whys.count()) { await whys.first().click(); await page.locator('dialog.drawer h3').first().waitFor(); }
    }
    for (const name of await page.locator('main button, main a, dialog[open] button, dialog[open] a').allInnerTexts())
      for (const [act, pattern] of Object.entries(offers)) if (pattern.test(name.trim()) && !me.acts.includes(act)) told.offered.push(`${hash}: ${name.trim()}`);
    await page.keyboard.press('Escape');
  }
  for (const [act, path, body] of acts) {
    if (me.acts.includes(act)) continue;
    told.refused[act] = await page.evaluate(async ([path, body, csrf]) => (await fetch(`/api/v1/${path}`, { method: 'POST', headers: { 'content-type': 'application/json', 'licet-csrf': csrf }, body: JSON.stringify(body) })).status, [path, body, me.csrf]);
  }
  await to('#/gate');
  await shot(`role-${account.role}`);
  await audit(`role-${account.role}`);
  await signOut();
  seen.roles[account.role] = told;
}
await context.close();
console.log(JSON.stringify(seen));
