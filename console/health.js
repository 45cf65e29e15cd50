// The page of rcs_health(): every check, what it found and what to do.

import { get } from './api.js';
import { card, h, Table } from './dom.js';
import { t } from './words.js';

export function healthPage()
{
	const kinds = { critical: 'bad', warning: 'warn', info: '' };
	const verdict = (c) => c.ok ? h('span.badge.good', null, t('ok')) :
		h(`span.badge${kinds[c.severity] ? `.${kinds[c.severity]}` : ''}`, null, t(c.severity));
	const checks = new Table([
		{ title: t('state'), cell: verdict },
		{ title: t('check'), cell: (c) => t(`check_${c.check}`) },
		{ title: t('found'), cell: (c) => c.detail ?? '', wide: true },
		{ title: t('what_to_do'), cell: (c) => c.ok ? '' : c.hint ?? '', wide: true },
	], (c) => `${c.check} ${c.detail}`, { className: 'cards' });

	return {
		title: t('health'),
		pause: 5000,
		element: h('div.stack', null, card(t('health'), checks.element)),
		load: async () => checks.update((await get('api/health')).sort((a, b) => a.ok - b.ok)),
		destroy: () => {},
	};
}
