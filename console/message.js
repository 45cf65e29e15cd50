// The page of one message, and of the question for its handle, or for the id of a single message.

import { get } from './api.js';
import { card, Facts, h, setText, show, Table } from './dom.js';
import { badge, campaignLink } from './parts.js';
import { moment, reason, t } from './words.js';

const name = /^([0-9a-f]{56}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

function question(id)
{
	const input = h('input', { name: 'id', value: id ?? '', placeholder: 'xxxxxxxxxxxxxxxx...', maxlength: 64,
		spellcheck: 'false', autocomplete: 'off', 'aria-label': t('message_id') });
	const problem = h('p.bad', { hidden: true }, t('not_an_id'));
	const ask = (event) => {
		const wanted = input.value.trim().toLowerCase();

		event.preventDefault();
		show(problem, !name.test(wanted));
		if (name.test(wanted))
			location.hash = `#/message/${wanted}`;
	};

	return card(t('message_id'), h('form.row', { onsubmit: ask }, input, h('button.primary', null, t('find'))),
		problem, h('p.dim', null, t('message_help')));
}

function historyTable()
{
	const step = (e) => t(`step_${e.what.replace(' ', '_')}`);

	return new Table([
		{ title: t('when'), cell: (e) => moment(e.at, true) },
		{ title: t('what'), cell: (e) => h('span', null, step(e), e.attempt ? h('small.why', null, t('offer', e.attempt)) : null) },
		{ title: t('server'), cell: (e) => e.server ?? '' },
		{ title: t('code'), cell: (e) => e.code ?? '' },
		{ title: t('reason'), cell: (e) => reason(e.reason), wide: true },
	], (e) => `${e.at} ${e.what} ${e.attempt}`, { className: 'cards' });
}

export function messagePage(session, id)
{
	const state = h('span');
	const why = h('p.why', { hidden: true });
	const facts = new Facts(['phone', 'campaign', 'ref', 'chatbot', 'lane_of', 'server', 'attempts', 'code', 'advice', 'carrier', 'service_type',
		'created_at', 'due_at', 'expires_at', 'sent_at', 'done_at', 'handle'].map((k) => t(k)));
	const history = historyTable();

	function update({ message: m, campaign_name: campaign, advice, history: steps })
	{
		if (state.dataset.was !== m.status)
		{
			state.dataset.was = m.status;
			state.replaceChildren(badge('status', m.status));
		}
		setText(why, reason(m.reason));
		show(why, Boolean(m.reason));
		facts.update([m.phone, m.campaign && campaignLink(m.campaign, campaign), m.ref, m.chatbot, t(`lane_${m.lane}`), m.server, m.attempts || '',
			m.code, advice, m.carrier, m.service_type, moment(m.created_at), moment(m.due_at), moment(m.expires_at), moment(m.sent_at),
			moment(m.done_at), m.handle]);
		history.update(steps);
	}

	return {
		title: t('message'),
		element: h('div.stack', null, question(id),
			id ? h('section.card', null, h('div.row', null, h('h2', null, t('message')), state), why, facts.element) : null,
			id ? card(t('history'), history.element) : null),
		load: async () => id && update(await get(`api/messages/${id}`)),
		notFound: () => t('message_unknown'),
		alone: () => question(id),
		destroy: () => {},
	};
}
