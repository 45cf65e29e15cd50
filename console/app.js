// Which page is shown, to whom, and when it is refreshed.

import { get, login, post } from './api.js';
import { campaignPage } from './campaign.js';
import { card, h, note, show } from './dom.js';
import { healthPage } from './health.js';
import { messagePage } from './message.js';
import { overviewPage } from './overview.js';
import { chooseLanguage, currentLanguage, t } from './words.js';

const place = document.getElementById('page');
const top = document.getElementById('top');
const lost = h('p.banner.warn', { hidden: true });
let session = null;
let page = null;
let round = 0; // a refresh that began before the latest does nothing more

// ---------- the head of the page ----------

function drawTop()
{
	const here = location.hash.split('/')[1] ?? '';
	const link = (hash, name, label) => h('a', { href: hash, 'aria-current': here === name ? 'page' : null }, label);
	const other = currentLanguage() === 'ko' ? ['en', 'English'] : ['ko', '한국어'];

	top.replaceChildren(
		h('a.brand', { href: '#/' }, h('img', { src: 'console/icon.svg', alt: '', width: 26, height: 26 }), 'rcs',
			session?.database ? h('small', null, session.database) : null),
		h('nav', null, session?.read ? [link('#/', '', t('overview')), link('#/health', 'health', t('health')),
			link('#/message', 'message', t('message'))] : []),
		h('div.row', null,
			session?.read && !session.authenticated ? h('span.badge', null, t('read_only')) : null,
			h('button.link', { type: 'button', lang: other[0], 'data-language': other[0], onclick: () => { chooseLanguage(other[0]); draw(); } }, other[1]),
			session?.authenticated ? h('button.plain', { type: 'button', 'data-logout': true, onclick: logout }, t('logout')) :
				session?.read ? h('a.button.plain', { href: '#/login' }, t('login')) : null));
}

// ---------- logging in ----------

async function logout()
{
	await post('api/logout').catch(() => {});
	await start();
}

function loginPage(message)
{
	const input = h('input', { type: 'password', name: 'secret', autocomplete: 'current-password', required: true,
		'aria-label': t('secret') });
	const problem = h('p.bad', { role: 'alert' }, message ?? '');
	const submit = async (event) => {
		event.preventDefault();
		try
		{
			await login(input.value);
			if (location.hash.startsWith('#/login'))
				history.replaceState(null, '', '#/');
			await start();
		}
		catch (error)
		{
			input.value = '';
			input.focus();
			problem.textContent = error.status === 401 ? t('login_wrong') : error.message;
		}
	};

	return h('div.login', null, card(t('login'), session.login ?
		h('form.stack', { onsubmit: submit }, h('label', null, t('secret'), input), problem,
			h('button.primary', null, t('login')), h('p.dim', null, t('login_hint', 'rcs.listen_operator_file'))) :
		h('p', null, t('login_none'))));
}

// ---------- pages ----------

function pageOf(hash)
{
	const [, name = '', id] = hash.split('/');

	if (name === 'campaign' && id)
		return campaignPage(session, id);
	if (name === 'message')
		return messagePage(session, id);
	if (name === 'health')
		return healthPage();
	return overviewPage(session);
}

async function refresh(mine)
{
	try
	{
		await page.load();
		if (mine !== round)
			return;
		show(lost, false);
		document.title = page.title ? `${page.title} · rcs` : 'rcs';
	}
	catch (error)
	{
		if (mine !== round || failed(error))
			return;
	}
	if (mine === round)
		page.timer = setTimeout(() => awake(mine), page.pause ?? 1000);
}

// A page that nobody looks at asks nothing.
function awake(mine)
{
	if (document.hidden)
		document.addEventListener('visibilitychange', () => awake(mine), { once: true });
	else if (mine === round)
		refresh(mine);
}

// True: the page is not refreshed any more.
function failed(error)
{
	if (error.status === undefined)
		throw error; // ours
	if (error.status === 401)
	{
		session = { ...session, authenticated: false, read: false };
		draw(t('session_over'));
		return true;
	}
	if (error.status === 404 && page.notFound)
	{
		place.replaceChildren(h('div.stack', null, page.alone?.() ?? null, h('p.banner.warn', null, page.notFound())));
		return true;
	}
	lost.textContent = error.status === 0 ? t('no_answer') : t('failed_load', error.message);
	show(lost, true);
	return false;
}

function draw(message)
{
	round++;
	clearTimeout(page?.timer);
	page?.destroy();
	page = null;
	drawTop();
	show(lost, false);
	if (!session.read || location.hash.startsWith('#/login'))
	{
		document.title = 'rcs';
		place.replaceChildren(loginPage(message));
		place.querySelector('input')?.focus();
		return;
	}
	page = pageOf(location.hash);
	page.refresh = () => {
		clearTimeout(page.timer);
		refresh(++round);
	};
	place.replaceChildren(lost, page.element);
	page.refresh();
}

async function start()
{
	try
	{
		session = await get('api/session');
	}
	catch
	{
		place.replaceChildren(h('p.banner.warn', null, t('no_answer')));
		setTimeout(start, 3000);
		return;
	}
	draw();
}

chooseLanguage();
window.addEventListener('hashchange', () => {
	if (!session)
		return;
	draw();
	scrollTo(0, 0);
});
start();
