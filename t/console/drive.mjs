// Uses the web console as a person would, in headless Chromium.  Told by environment: BASE (address),
// SECRET, CAMPAIGN (id), NAME (of it), MESSAGE (handle), SHOTS (directory for pictures), MODULES (where
// playwright-core is).  Prints a line per finding: "ok" or "not ok", a tab, what, a tab, details.

import { createRequire } from 'node:module';

const { chromium } = createRequire(`${process.env.MODULES}/`)('playwright-core');
const { BASE, SECRET, CAMPAIGN, NAME, MESSAGE, SHOTS, PROFILE } = process.env;
const patience = { timeout: 60000 };
const problems = [];

function found(ok, what, detail = '')
{
	console.log(`${ok ? 'ok' : 'not ok'}\t${what}\t${String(detail).replace(/\s+/g, ' ')}`);
}

// A step that throws is a finding, too.
async function step(what, body)
{
	const began = Date.now();

	try
	{
		const detail = await body();
		found(true, what, `${detail ?? ''} ${Date.now() - began} ms`);
	}
	catch (error)
	{
		found(false, what, error.message);
	}
}

const context = await chromium.launchPersistentContext(PROFILE, {
	executablePath: '/usr/bin/chromium',
	viewport: { width: 1280, height: 800 },
	locale: 'en-US',
	args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
		'--disable-component-update', '--disable-sync'],
});
const page = await context.newPage();
page.setDefaultTimeout(60000);
// what the policy forbids, what is missing and what fails is told here; a refused log-in is meant
page.on('console', (m) => { if (m.type() === 'error' && !/status of (401|409)/.test(m.text())) problems.push(m.text()); });
page.on('pageerror', (e) => problems.push(String(e)));
page.on('request', (r) => { if (!r.url().startsWith(BASE)) problems.push(`asked for ${r.url()}`); });

const shot = (name) => page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true });
const row = () => page.locator('tr', { hasText: NAME });
const percent = async () => parseFloat(await page.locator('.big').textContent());

async function fits(width)
{
	const wide = await page.evaluate(() => document.documentElement.scrollWidth);
	if (wide > width)
		throw new Error(`${wide} pixels wide`);
}

async function moves()
{
	const first = await percent();
	await page.waitForFunction((was) => parseFloat(document.querySelector('.big').textContent) > was, first, patience);
	return `from ${first} on`;
}

await step('the log-in is shown first', async () => {
	await page.goto(BASE);
	await page.waitForSelector('input[type=password]');
});
await step('a wrong secret is refused', async () => {
	await page.fill('input[type=password]', 'not-the-secret-at-all');
	await page.keyboard.press('Enter');
	await page.waitForSelector('[role=alert]:not(:empty)');
});
await step('the right one opens the overview', async () => {
	await page.fill('input[type=password]', SECRET);
	await page.keyboard.press('Enter');
	await page.waitForSelector('.figures');
});
await step('the running campaign is listed', async () => {
	await row().locator('.state-running').waitFor();
	await page.waitForSelector('.uplot canvas');
	await page.waitForSelector('.health-line:not([hidden])');
});
await step('the rate is more than nothing', async () => {
	await page.waitForFunction(() => parseFloat(document.querySelector('.figure strong').textContent) > 0, null, patience);
	return page.locator('.figure strong').first().textContent();
});
await step('an hour and a day are plotted', async () => {
	for (const i of [2, 3])
	{
		await page.click(`.choice button:nth-child(${i})`);
		await page.waitForSelector('.uplot canvas');
	}
	await page.click('.choice button:nth-child(1)');
});
await step('1280 pixels are enough', () => fits(1280));
await shot('overview');
await step('the campaign moves', async () => {
	await row().locator('a').click();
	await page.waitForSelector('.big');
	return moves();
});
await step('a campaign that is paused stops', async () => {
	await page.click('[data-step=pause]');
	await page.click('[data-confirm=pause]');
	await page.waitForSelector('.state-paused');
	await page.waitForSelector('[data-step=resume]');
});
await shot('paused');
await step('its history says who, and how', () => page.getByText('through the console').waitFor());
await step('Korean', async () => {
	await page.click('[data-language=ko]');
	await page.getByText('일시 정지').first().waitFor();
	const lang = await page.evaluate(() => document.documentElement.lang);
	if (lang !== 'ko')
		throw new Error(lang);
});
await step('the language is kept', async () => {
	await page.reload();
	await page.getByText('재개').first().waitFor();
});
await step('what is asked before a campaign is resumed can be declined', async () => {
	await page.click('[data-step=resume]');
	await page.click('dialog button[value=""]');
	await page.waitForSelector('dialog', { state: 'detached' });
	await page.waitForSelector('.state-paused');
});
await step('a telephone is wide enough', async () => {
	await page.setViewportSize({ width: 375, height: 740 });
	for (const hash of [`#/campaign/${CAMPAIGN}`, `#/message/${MESSAGE}`, '#/health', '#/'])
	{
		await page.goto(`${BASE}${hash}`);
		await page.waitForSelector('.card');
		await fits(375);
		await shot(`phone-${hash.split('/')[1] || 'overview'}`);
	}
	await page.setViewportSize({ width: 1280, height: 800 });
});
await step('a message tells its history', async () => {
	await page.click('[data-language=en]');
	await page.goto(`${BASE}#/message/${MESSAGE}`);
	await page.getByText('accepted by the carrier').waitFor();
	const text = await page.locator('main').textContent();
	if (!/010-\*{4}-\d{4}/.test(text))
		throw new Error('no masked number');
});
await step('what is no id, or not here, is said', async () => {
	await page.fill('input[name=id]', 'x');
	await page.keyboard.press('Enter');
	await page.getByText('neither a handle nor an id').waitFor();
	await page.goto(`${BASE}#/message/00000000-0000-4000-8000-000000000000`);
	await page.getByText('no such message').waitFor();
});
await step('resumed, it moves again', async () => {
	await page.goto(`${BASE}#/campaign/${CAMPAIGN}`);
	await page.click('[data-step=resume]');
	await page.click('[data-confirm=resume]');
	await page.waitForSelector('.state-running');
	return moves();
});
await step('who logs out sees the log-in', async () => {
	await page.click('[data-logout]');
	await page.waitForSelector('input[type=password]');
});
problems.splice(0, problems.length, ...problems.filter((p) => !/status of 404/.test(p)));
found(problems.length === 0, 'the browser had nothing to complain of', problems.join('; '));
await context.close();
