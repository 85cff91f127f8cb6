// Drives Debian's chromium. Input: JSON on stdin {url, folder, shots, steps…}; one JSON object on stdout: what was seen. tests/acceptance/console.py
// says what it must be. Nothing is downloaded; its profile lies in `folder`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const given = JSON.parse(readFileSync(0, 'utf8'));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const context = await chromium.launchPersistentContext(`${given.folder}/profile`, {
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  viewport: { width: 1280, height: 900 },
});
const page = context.pages()[0] ?? (await context.newPage());
page.setDefaultTimeout(15_000);
const seen = { complaints: [], requests: [], axe: [], wide: [], titles: [], urls: [], shots: 0 };
page.on('console', (m) => ['error', 'warning'].includes(m.type()) && seen.complaints.push(m.text()));
page.on('pageerror', (e) => seen.complaints.push(String(e)));
page.on('request', (r) => seen.requests.push(r.url()));
page.on('dialog', (d) => (seen.complaints.push(`dialog: ${d.message()}`), d.dismiss()));

const to = async (hash) => {
  await page.goto(`${new URL(given.url).origin}/${hash}`);
  await page.locator('main h1').waitFor();
  await page.waitForFunction(() => document.querySelector('.legal') && !document.querySelector('main h2')?.textContent?.includes('…'));
  await page.waitForTimeout(150);
};
/** Runs axe in a world of its own: the page's policy forbids injected scripts, and must go on doing so. */
async function audit(name) {
  const session = await context.newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  await session.send('Runtime.evaluate', { expression: axe, contextId });
  const { result } = await session.send('Runtime.evaluate', { expression: 'axe.run().then((r) => JSON.stringify(r.violations))', contextId, awaitPromise: true, returnByValue: true });
  await session.detach();
  for (const v of JSON.parse(result.value)) seen.axe.push(`${name}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`);
}

const started = Date.now();
await page.goto(given.url);
await page.locator('main h1').waitFor();
await page.getByRole('heading', { name: 'What fails' }).waitFor();
seen.interactive_ms = Date.now() - started;
seen.at = page.url();

const screens = { today: '#/today', tool: '#/tool?system=acme-ai&data=clinical.note&purpose=TREAT', 'tool-yes': '#/tool?system=scribe&data=clinical.note&purpose=TREAT', findings: '#/findings', agreements: '#/agreements', map: '#/map', gate: '#/gate', rules: '#/rules', audit: '#/audit' };
mkdirSync(given.shots, { recursive: true });
for (const scheme of ['light', 'dark'])
  for (const width of [1280, 400]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    for (const [name, hash] of Object.entries(screens)) {
      await to(hash);
      seen.titles.push(await page.title());
      const label = `${name}-${scheme}-${width}`;
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) seen.wide.push(`${label}: ${over} px too wide`);
      // Both themes at a desk's width, and the narrow one once: what axe sees does not depend on more.
      if (width === 1280 || scheme === 'light') await audit(label);
      await page.screenshot({ path: `${given.shots}/${label}.png`, fullPage: name !== 'rules' });
      ++seen.shots;
    }
    await to('#/findings?status=fail');
    await page.getByRole('button', { name: /^Why/ }).first().click();
    await page.locator('dialog.drawer .rule, dialog.drawer h3').first().waitFor();
    await audit(`why-${scheme}-${width}`);
    await page.screenshot({ path: `${given.shots}/why-${scheme}-${width}.png` });
    ++seen.shots;
    await page.keyboard.press('Escape');
  }

// A day's work, at the width of a desk, by the keyboard where that is the question.
await page.emulateMedia({ colorScheme: 'light' });
await page.setViewportSize({ width: 1280, height: 900 });

// Two clicks: the first screen's own list, and "Why not?".
await to('#/today');
await page.locator('main form select').selectOption('acme-ai');
await page.locator('.answer').waitFor();
seen.answer = await page.locator('.answer').innerText();
await page.getByRole('button', { name: 'Why not?' }).click();
await page.locator('dialog.drawer .mend').waitFor();
seen.why = await page.locator('dialog.drawer').innerText();
await page.keyboard.press('Escape');
seen.closed = !(await page.locator('dialog.drawer[open]').count());

// A lapsed agreement is seen, explained, and mended by a patch that somebody else applies; then it is green.
await to('#/findings?subject=documents-to-fax');
await page.getByRole('button', { name: /^Why documents-to-fax/ }).first().click();
await page.locator('dialog.drawer summary', { hasText: 'baa-fax-2024' }).click();
await page.getByRole('link', { name: 'Propose a change to baa-fax-2024' }).click();
const declared = page.getByRole('textbox', { name: 'As declared' });
await declared.fill((await declared.inputValue()).replace('expires: 2026-06-30', 'expires: 2027-06-30'));
await page.getByRole('button', { name: 'See what it would do' }).click();
await page.getByRole('heading', { name: 'The patch' }).waitFor();
await audit('edit');
await page.screenshot({ path: `${given.shots}/edit-light-1280.png`, fullPage: true });
seen.proposed = await page.locator('main').innerText();
const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /^Download/ }).click()]);
await saved.saveAs(`${given.folder}/mend.patch`);
process.stderr.write('PATCH\n');
await to('#/findings?subject=documents-to-fax');
await page.locator('main table .tag', { hasText: 'fail' }).waitFor({ state: 'detached' });
seen.green = await page.locator('main table').innerText();

// A held exchange is released by its button.
await to('#/gate');
await page.getByRole('button', { name: new RegExp(`^Release.*${given.held}`) }).click();
await page.locator('dialog.ask input').fill('j-ortiz');
await page.screenshot({ path: `${given.shots}/release.png` });
await audit('release');
await page.getByRole('button', { name: 'Release once' }).click();
await page.locator('main .banner', { hasText: 'Released' }).waitFor();
seen.released = await page.locator('main .banner', { hasText: 'Released' }).innerText();

// A vendor is suspended, after what that would cut was shown, and lifted again.
await page.getByRole('combobox', { name: 'Whom' }).selectOption('scribe-ai');
await page.getByRole('button', { name: 'Suspend …' }).click();
await page.locator('dialog.ask table').waitFor();
seen.cut = await page.locator('dialog.ask').innerText();
await page.screenshot({ path: `${given.shots}/suspend.png` });
await audit('suspend');
await page.getByRole('button', { name: 'Suspend now' }).click();
await page.locator('main .banner', { hasText: 'is suspended' }).waitFor();
await page.getByRole('button', { name: 'Lift … scribe-ai' }).waitFor();
seen.suspended = true;
process.stderr.write('SUSPENDED\n'); // whoever started this looks at the gate now, and says go on
await new Promise((go) => given.pause ? setTimeout(go, given.pause) : go());
await page.getByRole('button', { name: 'Lift … scribe-ai' }).click();
await page.getByRole('button', { name: 'Lift the suspension' }).click();
await page.locator('main .banner', { hasText: 'goes on' }).waitFor();
seen.lifted = true;

// A bundle is made, checked in the browser, taken along; a changed bit is noticed.
await to('#/audit');
await page.locator('main form input:not([type])').fill('j-ortiz');
await page.getByRole('button', { name: 'Make and check' }).click();
await page.locator('.answer b').waitFor();
seen.bundle = await page.locator('main').innerText();
await audit('bundle');
await page.screenshot({ path: `${given.shots}/bundle.png`, fullPage: true });
const [evidence] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /^Download/ }).click()]);
await evidence.saveAs(`${given.folder}/evidence.tar`);
const bits = readFileSync(`${given.folder}/evidence.tar`);
bits[bits.indexOf('findings.csv') + 600] ^= 1;
writeFileSync(`${given.folder}/changed.tar`, bits);
await page.locator('main input[type=file]').setInputFiles(`${given.folder}/changed.tar`);
await page.locator('.answer b', { hasText: 'Not sound' }).waitFor();
seen.changed = await page.locator('main').innerText();

// By keyboard alone: past the navigation, into the first "Why", and back.
await to('#/findings?status=fail');
await page.reload();
await page.getByRole('button', { name: /^Why/ }).first().waitFor();
await page.keyboard.press('Tab');
seen.skip = await page.evaluate(() => document.activeElement?.textContent);
await page.keyboard.press('Enter');
seen.skipped = await page.evaluate(() => document.activeElement?.id);

// What the declaration says stays text. `marked` is an id whose name and sentence hold markup.
if (given.marked) {
  for (const hash of ['#/today', '#/findings', '#/agreements', '#/map', '#/rules', '#/gate', `#/tool?system=${given.marked}`, '#/findings?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E', '#/%3Cscript%3Ealert(1)%3C/script%3E', '#/tool?system=%3Csvg/onload=alert(1)%3E']) {
    await to(hash);
    seen.markup = (seen.markup ?? 0) + (await page.locator('main img[src="x"], main script, main iframe, dialog img').count());
  }
  seen.hacked = await page.evaluate(() => Boolean(globalThis.hacked));
  seen.shown = await page.evaluate(() => document.body.innerText.includes('<img src=x'));
  await to(`#/tool?system=${given.marked}`);
  seen.shown = (await page.locator('main').innerText()).includes('<img src=x');
}
seen.storage = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));

// Signed out, nothing is left. The browser itself complains of the 401 that it is answered with: no more is noted down.
await to('#/today');
const complaints = [...seen.complaints];
await page.getByRole('button', { name: 'Sign out' }).click();
await page.getByRole('heading', { name: 'Licet' }).waitFor();
seen.out = (await page.request.get(`${new URL(given.url).origin}/api/v1/status`)).status();
seen.complaints = complaints;
await context.close();
console.log(JSON.stringify(seen));
