// The page of one campaign.

import { get } from './api.js';
import { Chart, Gauge } from './chart.js';
import { card, Facts, h, setClass, setText, show, Table } from './dom.js';
import { badge, Bar, messageLink, statuses, Steering } from './parts.js';
import { moment, number, reason, speed, t } from './words.js';

// Counts by status, as the legend of the bar.
class Counts
{
	constructor()
	{
		this.values = new Map(statuses.map((s) => [s, h('strong')]));
		this.element = h('div.counts', null, statuses.map((s) => h('div', null,
			h(`i.status-${s}`), h('span', null, t(`status_${s}`)), this.values.get(s))));
	}

	update(p)
	{
		for (const [status, element] of this.values)
		{
			setText(element, number(p[status]));
			setClass(element.parentNode, p[status] ? '' : 'none');
		}
	}
}

// The text as a person would read it, if it has one.
function bubble(message)
{
	const body = message.body ?? {};
	const parts = [body.title, body.description].filter((x) => typeof x === 'string');
	const cards = Object.keys(body).filter((k) => /^(title|description)\d+$/.test(k)).sort().map((k) => body[k]);
	const buttons = (message.buttons ?? []).flatMap((b) => b.suggestions ?? [])
		.map((s) => (s.action ?? s.reply)?.displayText).filter(Boolean);

	return h('div.bubble', null,
		[...parts, ...cards].map((text) => h('p', null, text)),
		buttons.map((b) => h('span.chip', null, b)));
}

class MessageText
{
	constructor()
	{
		this.title = h('h2', null, t('text'));
		this.content = h('div');
		this.element = h('section.card', null, this.title, this.content);
	}

	update(message, version)
	{
		const was = JSON.stringify(message);

		if (this.was === was)
			return;
		this.was = was;
		this.content.replaceChildren(
			h('p.dim', null, [message.serviceType, message.header === '1' ? t('advertising') : t('information'),
				t('version', version)].join(' · ')),
			bubble(message),
			h('details', null, h('summary', null, t('as_json')), h('pre', null, JSON.stringify(message, null, 2))));
	}
}

function historyTable()
{
	const one = ([name, value]) => name === 'via' ? t(`via_${value}`) :
		`${t(`detail_${name}`)}: ${typeof value === 'object' ? JSON.stringify(value) : value}`;
	const detail = (e) => Object.entries(e.detail ?? {}).map(one).join(', ');

	return new Table([
		{ title: t('when'), cell: (e) => moment(e.at) },
		{ title: t('what'), cell: (e) => h('span', null, t(`event_${e.what}`), detail(e) ? h('small.why', null, detail(e)) : null) },
		{ title: t('who'), cell: (e) => e.who },
	], (e) => `${e.at} ${e.what}`);
}

function messageTable()
{
	return new Table([
		{ title: t('handle'), cell: (m) => messageLink(m.handle) },
		{ title: t('phone'), cell: (m) => m.phone ?? '' },
		{ title: t('ref'), cell: (m) => m.ref ?? '' },
		{ title: t('state'), cell: (m) => badge('status', m.status) },
		{ title: t('code'), cell: (m) => m.code ?? '' },
		{ title: t('reason'), cell: (m) => reason(m.reason), wide: true },
	], (m) => m.handle, { className: 'cards' });
}

function codeTable()
{
	return new Table([
		{ title: t('code'), cell: (c) => c.code ?? '–' },
		{ title: t('count'), cell: (c) => number(c.n), number: true },
		{ title: t('what_to_do'), cell: (c) => c.advice ?? '', wide: true },
	], (c) => c.code, { className: 'cards' });
}

function rejectedTable()
{
	return new Table([
		{ title: t('phone'), cell: (r) => r.phone ?? '' },
		{ title: t('ref'), cell: (r) => r.ref ?? '' },
		{ title: t('code'), cell: (r) => r.code },
		{ title: t('reason'), cell: (r) => r.reason, wide: true },
	], (r) => JSON.stringify(r), { className: 'cards' });
}

export function campaignPage(session, id)
{
	const name = h('h1');
	const state = h('span');
	const why = h('p.why', { hidden: true });
	const steering = new Steering(session, () => page.refresh());
	const percent = h('strong.big');
	const done = h('span.dim');
	const bar = new Bar();
	const counts = new Counts();
	const gauge = new Gauge();
	const chart = new Chart([{ label: t('accepted_s'), color: 'blue', fill: true }], { seconds: true, height: 180 });
	const facts = new Facts(['rate', 'eta', 'accepted', 'reported', 'duplicates', 'rejected', 'rate_limit', 'chatbot', 'created_by',
		'created_at', 'start_at', 'started_at', 'finished_at', 'expires_at', 'id'].map((k) => t(k)));
	const text = new MessageText();
	const history = historyTable();
	const rejected = rejectedTable();
	const rejectedCard = h('section.card', { hidden: true }, h('h2', null, t('rejected_title')), rejected.element);
	const codes = codeTable();
	const codesCard = h('section.card', { hidden: true }, h('h2', null, t('codes_title')), codes.element);
	const messages = messageTable();
	const messagesTitle = h('h2', null, t('some_messages'));
	let messagesAt = 0;

	async function loadMessages()
	{
		if (Date.now() - messagesAt < 5000)
			return;
		messagesAt = Date.now();
		const some = await get(`api/campaigns/${id}/messages`);

		setText(messagesTitle, t(some.codes.length ? 'problem_messages' : 'some_messages'));
		messages.update(some.messages);
		codes.update(some.codes);
		show(codesCard, some.codes.length > 0);
	}

	function update(c)
	{
		const p = c.progress;

		page.title = p.name;
		setText(name, p.name);
		if (state.dataset.was !== p.state)
		{
			state.dataset.was = p.state;
			state.replaceChildren(badge('state', p.state));
		}
		setText(why, reason(p.state_reason));
		show(why, Boolean(p.state_reason));
		steering.update(p);
		setText(percent, `${number(Number(p.percent))} %`);
		setText(done, `${number(p.total - p.queued - p.sending)} / ${number(p.total)}`);
		bar.update(p);
		counts.update(p);
		gauge.look(c.at, new Map([[id, p.accepted]]));
		chart.update(gauge.data());
		facts.update([gauge.rate === null ? '' : speed(gauge.rate), moment(p.eta), number(p.accepted), `${number(Number(p.reported_percent))} %`,
			number(p.duplicates), number(p.rejected),
			p.rate_per_minute == null ? t('unlimited') : number(p.rate_per_minute) + t('per_minute'),
			p.chatbot, p.created_by, moment(p.created_at), moment(p.start_at), moment(p.started_at), moment(p.finished_at), moment(c.expires_at), id]);
		text.update(c.message, c.version);
		history.update(c.history);
		rejected.update(c.rejected);
		show(rejectedCard, c.rejected.length > 0);
	}

	const page = {
		title: null,
		element: h('div.stack', null,
			h('section.card', null,
				h('div.row.between', null, h('div.row', null, name, state), steering.element), why,
				h('div.row.baseline', null, percent, done), bar.element, counts.element),
			card(t('rate_title'), chart.element),
			h('div.two', null, card(t('campaign'), facts.element), text.element),
			codesCard,
			h('section.card', null, messagesTitle, messages.element),
			rejectedCard,
			card(t('history'), history.element)),
		async load()
		{
			update(await get(`api/campaigns/${id}`));
			await loadMessages();
		},
		notFound: () => t('campaign_unknown'),
		refresh: () => {},
		destroy: () => chart.destroy(),
	};
	return page;
}
