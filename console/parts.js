// What several pages show: states, bars of progress, and the buttons that steer a campaign.

import { post } from './api.js';
import { h, note, setClass, setText, show } from './dom.js';
import { number, t } from './words.js';

// In the order in which a bar shows them.
export const statuses = ['delivered', 'fell_back', 'sent', 'failed', 'uncertain', 'suppressed', 'expired', 'canceled',
	'sending', 'queued'];

export const badge = (group, value) => h(`span.badge.${group}-${value}`, null, t(`${group}_${value}`));

export const campaignLink = (id, name) => h('a', { href: `#/campaign/${id}` }, name);
export const messageLink = (handle) => h('a.id', { href: `#/message/${handle}`, title: handle }, handle.slice(0, 8));

// A bar of shares, one colour a status; what waits is the empty part.
export class Bar
{
	constructor()
	{
		this.parts = new Map(statuses.slice(0, -1).map((s) => [s, h(`span.status-${s}`)]));
		this.element = h('div.bar', { role: 'img' }, ...this.parts.values());
	}

	update(p)
	{
		for (const [status, part] of this.parts)
			part.style.width = p.total > 0 ? `${100 * p[status] / p.total}%` : '0';
		this.element.setAttribute('aria-label', `${p.percent} %`);
	}
}

// ---------- steering ----------

const steps = { running: ['pause', 'cancel'], scheduled: ['pause', 'cancel'], paused: ['resume', 'cancel'], draft: ['cancel'] };
const looks = { pause: 'button.plain', resume: 'button.primary', cancel: 'button.danger' };

// Asks, does it, and says what came of it.
function ask(step, p, done)
{
	const dialog = h('dialog', null,
		h('h2', null, t(`ask_${step}`, p.name)),
		h('p', null, t(`tell_${step}`, number(p.queued))),
		h('form.row', { method: 'dialog' },
			h('button.plain', { value: '' }, t('back')),
			h(looks[step] === 'button.danger' ? 'button.danger' : 'button.primary', { value: step, 'data-confirm': step }, t(step))));

	dialog.addEventListener('close', async () => {
		dialog.remove();
		if (dialog.returnValue !== step)
			return;
		try
		{
			await post(`api/campaigns/${p.campaign}/${step}`);
			note(t(`done_${step}`, p.name));
		}
		catch (error)
		{
			const { error: message, hint } = error.body;
			note([error.status === 403 && !message ? t('forbidden') : message ?? error.message, hint].filter(Boolean).join(' '), 'bad');
		}
		done();
	});
	document.body.append(dialog);
	dialog.showModal();
}

// The buttons that the state leaves; they stay in place while the state stays.  In a list there is none
// that cannot be taken back.
export class Steering
{
	constructor(session, done, inList = false)
	{
		this.session = session;
		this.done = done;
		this.inList = inList;
		this.state = null;
		this.element = h('div.row.steering');
	}

	update(p)
	{
		this.progress = p;
		if (p.state === this.state)
			return;
		this.state = p.state;
		const possible = (this.session.steer ? steps[p.state] ?? [] : []).filter((s) => !this.inList || s !== 'cancel');

		show(this.element, possible.length > 0);
		this.element.replaceChildren(...possible.map((step) => h(looks[step],
			{ type: 'button', 'data-step': step, onclick: () => ask(step, this.progress, this.done) }, t(step))));
	}
}

// ---------- small things ----------

// A figure with what it is.
export class Figure
{
	constructor(name)
	{
		this.value = h('strong');
		this.below = h('small');
		this.element = h('div.figure', null, h('span', null, name), this.value, this.below);
	}

	update(value, below = '', kind = '')
	{
		setText(this.value, value);
		setText(this.below, below);
		setClass(this.element, `figure ${kind}`);
	}
}

// One of several: [key, label]; calls back with the key.
export function choice(options, chosen, onchoice)
{
	const buttons = options.map(([key, label]) => h('button', { type: 'button', 'aria-pressed': String(key === chosen),
		onclick: () => {
			buttons.forEach((b, i) => b.setAttribute('aria-pressed', String(options[i][0] === key)));
			onchoice(key);
		} }, label));

	return h('div.choice', { role: 'group' }, buttons);
}
