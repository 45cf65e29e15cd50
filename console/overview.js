// The first page: how fast it goes, which campaigns there are, and what the machinery does.

import { get } from './api.js';
import { Chart, Gauge } from './chart.js';
import { card, h, note, setClass, setText, show, Table } from './dom.js';
import { Bar, Figure, Steering, badge, campaignLink, choice } from './parts.js';
import { duration, moment, number, reason, speed, t } from './words.js';

const word = (group, value) => value == null ? '' : t(`${group}_${value}`);

// Rows of campaigns; bars and buttons belong to their row, whatever the refresh brings.
function campaignTable(session, refresh)
{
	const kept = new Map();
	const of = (p) => {
		if (!kept.has(p.campaign))
		{
			const percent = h('span.percent');
			const bar = new Bar();
			const steering = new Steering(session, refresh, true);

			for (const [name, element] of Object.entries({ progress: h('div.progress', null, bar.element, percent), steering: steering.element }))
				element.dataset.was = `${name} of ${p.campaign}`;
			kept.set(p.campaign, { percent, bar, steering });
		}
		return kept.get(p.campaign);
	};
	const progress = (p) => {
		const row = of(p);

		row.bar.update(p);
		setText(row.percent, `${number(Number(p.percent))} %`);
		return row.bar.element.parentNode;
	};
	const steering = (p) => {
		const row = of(p);

		row.steering.update(p);
		return row.steering.element;
	};

	return new Table([
		{ title: t('name'), cell: (p) => campaignLink(p.campaign, p.name), wide: true },
		{ title: t('state'), cell: (p) => h('span', null, badge('state', p.state),
			p.state_reason ? h('small.why', null, reason(p.state_reason)) : null) },
		{ title: t('progress'), cell: progress, wide: true },
		{ title: t('total'), cell: (p) => number(p.total), number: true },
		{ title: t('failed_n'), cell: (p) => p.failed + p.uncertain ? h('span.bad', null, number(p.failed + p.uncertain)) : '0', number: true },
		{ title: t('eta'), cell: (p) => moment(p.eta) },
		...session.steer ? [{ title: '', cell: steering, wide: true }] : [],
	], (p) => p.campaign, { empty: t('no_campaigns'), className: 'cards' });
}

function laneTable()
{
	return new Table([
		{ title: t('lane'), cell: (l) => t(`lane_${l.lane}`) },
		{ title: t('ready'), cell: (l) => number(l.ready), number: true },
		{ title: t('delayed'), cell: (l) => number(l.delayed), number: true },
		{ title: t('leased'), cell: (l) => number(l.leased), number: true },
		{ title: t('oldest'), cell: (l) => duration(l.oldest_s), number: true },
	], (l) => l.lane);
}

function workerTable()
{
	return new Table([
		{ title: t('kind'), cell: (w) => word('kind', w.kind) },
		{ title: t('state'), cell: (w) => word('worker', w.state) },
		{ title: t('in_flight'), cell: (w) => number(w.in_flight), number: true },
		{ title: t('accepted_n'), cell: (w) => number(w.accepted), number: true },
		{ title: t('failed_n'), cell: (w) => number(w.failed), number: true },
		{ title: t('since'), cell: (w) => moment(w.since) },
	], (w) => w.pid ?? w.kind);
}

function accountTable()
{
	const kinds = { open: 'good', unused: '', probing: 'warn', throttled: 'warn' };

	return new Table([
		{ title: t('account'), cell: (a) => a.server },
		{ title: t('state'), cell: (a) => h(`span.badge.${kinds[a.state] ?? 'bad'}`, null, t(`account_${a.state}`)) },
		{ title: t('limit'), cell: (a) => a.rate_per_minute == null ? t('unlimited') : number(a.rate_per_minute) + t('per_minute'), number: true },
		{ title: t('last_minute'), cell: (a) => number(a.accepted_last_minute), number: true },
		{ title: t('throttled'), cell: (a) => number(a.throttled), number: true },
		{ title: t('token_until'), cell: (a) => moment(a.token_expires_at) },
		{ title: t('last_error'), cell: (a) => a.last_error ?? '', wide: true },
	], (a) => a.server, { className: 'cards' });
}

// ---------- the chart ----------

// Live from counters, or minute by minute from the server.
class Rate
{
	constructor()
	{
		this.gauge = new Gauge();
		this.span = 'live';
		this.nothing = h('p.empty', { hidden: true }, t('no_minutes'));
		this.place = h('div');
		this.element = card(null, h('div.row.between', null, h('h2', null, t('rate_title')),
			choice([['live', t('live')], ['1', t('hour_1')], ['24', t('hour_24')]], 'live', (span) => this.choose(span))),
			this.place, this.nothing);
		this.choose('live');
	}

	choose(span)
	{
		this.span = span;
		this.loaded = 0;
		this.chart?.destroy();
		this.chart = new Chart(span === 'live' ? [{ label: t('accepted_s'), color: 'blue', fill: true }] : [
			{ label: t('accepted_min'), color: 'blue', fill: true },
			{ label: t('failed_min'), color: 'red' },
			{ label: t('throttled_min'), color: 'amber' },
		], { seconds: span === 'live' });
		this.place.replaceChildren(this.chart.element);
		show(this.nothing, false);
		this.draw();
	}

	look(overview)
	{
		this.gauge.look(overview.at, new Map(overview.workers.filter((w) => w.pid).map((w) => [w.pid, w.accepted])));
		this.draw();
	}

	draw()
	{
		if (this.span === 'live')
			this.chart.update(this.gauge.data());
		else if (Date.now() - this.loaded > 20000)
			this.load(this.span);
	}

	async load(hours)
	{
		this.loaded = Date.now();
		try
		{
			const { at, minutes } = await get(`api/throughput?hours=${hours}`);

			if (this.span === hours)
				this.drawMinutes(at, Number(hours), minutes);
		}
		catch (error)
		{
			note(t('failed_load', error.message), 'bad');
		}
	}

	// A minute that the server does not name had nothing.
	drawMinutes(at, hours, minutes)
	{
		const known = new Map(minutes.map((m) => [m[0], m]));
		const end = Math.floor(at / 60) * 60;
		const data = [[], [], [], []];

		for (let minute = end - hours * 3600; minute <= end; minute += 60)
		{
			const m = known.get(minute) ?? [minute, 0, 0, 0];
			data.forEach((values, i) => values.push(m[i]));
		}
		this.chart.update(data);
		show(this.nothing, minutes.length === 0);
	}
}

// ---------- the page ----------

export function overviewPage(session)
{
	const holds = h('div.stack', { hidden: true });
	const figures = { rate: new Figure(t('sending_rate')), minute: new Figure(t('last_minute')),
		waiting: new Figure(t('waiting')), flight: new Figure(t('in_flight')), running: new Figure(t('running_now')) };
	const rate = new Rate();
	const campaigns = campaignTable(session, () => page.refresh());
	const lanes = laneTable();
	const workers = workerTable();
	const accounts = accountTable();
	const healthLine = h('a.health-line', { href: '#/health', hidden: true });
	const older = h('button.plain', { type: 'button', hidden: true, onclick: loadOlder }, t('older'));
	let olderRows = [];
	let newest = [];
	let healthAt = 0;

	async function loadOlder()
	{
		const rows = [...newest, ...olderRows];
		const more = await get(`api/campaigns?before=${rows.at(-1).campaign}`);

		olderRows.push(...more);
		show(older, more.length === 50);
		campaigns.update([...newest, ...olderRows]);
	}

	function showHolds(list)
	{
		const text = JSON.stringify(list);

		if (holds.dataset.was === text)
			return;
		holds.dataset.was = text;
		show(holds, list.length > 0);
		holds.replaceChildren(...list.map((x) => h('p.banner.bad', null,
			h('strong', null, t(x.server ? 'hold_account' : 'hold', x.reason, x.server)), ' ', t('hold_by', x.who, moment(x.at)))));
	}

	async function checkHealth()
	{
		if (Date.now() - healthAt < 10000)
			return;
		healthAt = Date.now();
		const bad = (await get('api/health')).filter((c) => !c.ok && c.severity !== 'info');

		setText(healthLine, bad.length ? t('check_problems', bad.length) : t('all_well'));
		setClass(healthLine, bad.length ? bad.some((c) => c.severity === 'critical') ? 'health-line bad' : 'health-line warn' : 'health-line good');
		show(healthLine, true);
	}

	function update(o)
	{
		const sum = (list, of) => list.reduce((n, x) => n + (of(x) ?? 0), 0);

		rate.look(o);
		showHolds(o.holds);
		figures.rate.update(rate.gauge.rate === null ? '–' : speed(rate.gauge.rate));
		figures.minute.update(number(sum(o.accounts, (a) => a.accepted_last_minute)));
		figures.waiting.update(number(sum(o.lanes, (l) => l.ready + l.delayed)));
		figures.flight.update(number(sum(o.workers, (w) => w.in_flight)));
		figures.running.update(number(o.campaigns.filter((c) => c.state === 'running').length));
		newest = o.campaigns;
		if (olderRows.length === 0)
			show(older, newest.length >= 30);
		campaigns.update([...newest, ...olderRows.filter((p) => !newest.some((n) => n.campaign === p.campaign))]);
		lanes.update(o.lanes);
		workers.update(o.workers);
		accounts.update(o.accounts);
	}

	const page = {
		title: null,
		element: h('div.stack', null, holds, h('div.row.between', null, healthLine),
			h('div.figures', null, Object.values(figures).map((f) => f.element)),
			rate.element,
			card(t('campaigns'), session.authenticated && !session.steer ? h('p.dim', null, t('no_role')) : null, campaigns.element, older),
			card(t('accounts'), accounts.element),
			h('div.two', null, card(t('lanes'), lanes.element), card(t('workers'), workers.element))),
		async load()
		{
			update(await get('api/overview'));
			await checkHealth();
		},
		refresh: () => {},
		destroy: () => rate.chart.destroy(),
	};
	return page;
}
