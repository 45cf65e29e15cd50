// Rates over time, drawn by uPlot.  It knows series of numbers, not what they mean.

import { h } from './dom.js';
import { hourMinute, number } from './words.js';

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Strong, but readable as an area under a line.
const faint = (hex) => `${hex}2e`;

export class Chart
{
	// series: [{ label, color, fill }]; seconds: show them on the axis
	constructor(series, { height = 220, seconds = false } = {})
	{
		this.series = series;
		this.height = height;
		this.seconds = seconds;
		this.element = h('div.chart');
		this.plot = null;
		this.data = null;
		// the size follows the page, the colours follow its light or dark scheme
		this.observer = new ResizeObserver(() => this.resize());
		this.observer.observe(this.element);
		this.scheme = matchMedia('(prefers-color-scheme: dark)');
		this.repaint = () => { this.drop(); this.update(this.data); };
		this.scheme.addEventListener('change', this.repaint);
	}

	// data: [times (s), values of the first series, …]; null is a gap
	update(data)
	{
		if (!data)
			return;
		this.data = data;
		if (!this.plot && this.element.clientWidth > 0)
			this.plot = new uPlot(this.options(), data, this.element);
		else if (this.plot)
			this.plot.setData(data);
		// while nobody points at a moment, the legend tells the latest
		if (this.plot && !(this.plot.cursor.left >= 0))
			this.plot.setLegend({ idx: data[0].length - 1 });
	}

	options()
	{
		const axis = { stroke: color('dim'), grid: { stroke: color('line'), width: 1 },
			ticks: { show: false }, font: '12px system-ui, sans-serif' };

		return {
			width: this.element.clientWidth,
			height: this.height,
			padding: [12, 28, 0, 0],
			legend: { live: true },
			cursor: { y: false, points: { size: 7 } },
			scales: { y: { range: (u, low, high) => [0, Math.max(high ?? 0, 1) * 1.1] } },
			series: [
				{ label: '', value: (u, v) => v == null ? '' : hourMinute(v, this.seconds) },
				...this.series.map((s) => ({
					label: s.label,
					stroke: color(s.color),
					fill: s.fill ? faint(color(s.color)) : undefined,
					width: 2,
					points: { show: false },
					value: (u, v) => v == null ? '–' : number(Math.round(v)),
				})),
			],
			axes: [
				{ ...axis, size: 30, space: 70, values: (u, splits) => splits.map((s) => hourMinute(s, this.seconds)) },
				{ ...axis, size: 58, values: (u, splits) => splits.map((s) => number(s)) },
			],
		};
	}

	resize()
	{
		if (!this.plot)
			this.update(this.data);
		else if (this.element.clientWidth > 0)
			this.plot.setSize({ width: this.element.clientWidth, height: this.height });
	}

	drop()
	{
		this.plot?.destroy();
		this.plot = null;
	}

	destroy()
	{
		this.observer.disconnect();
		this.scheme.removeEventListener('change', this.repaint);
		this.drop();
	}
}

// What a counter gains a second, from looks at it, for the last so many seconds.
export class Gauge
{
	constructor(window = 300)
	{
		this.window = window;
		this.times = [];
		this.rates = [];
		this.last = null;
	}

	// counters: Map of name → value; one that is new, or that starts anew, counts from now on
	look(at, counters)
	{
		let gained = 0;

		if (this.last && at > this.last.at)
		{
			for (const [name, value] of counters)
				gained += Math.max(0, value - (this.last.counters.get(name) ?? value));
			// after a pause of the page the rate in between is not known
			if (at - this.last.at > 10)
				this.push(this.last.at + 1, null);
			this.push(at, at - this.last.at > 10 ? null : gained / (at - this.last.at));
		}
		this.last = { at, counters };
	}

	push(at, rate)
	{
		this.times.push(at);
		this.rates.push(rate);
		while (this.times[0] < at - this.window)
		{
			this.times.shift();
			this.rates.shift();
		}
	}

	// the mean of the last few seconds; null before the second look
	get rate()
	{
		const last = this.rates.slice(-3).filter((r) => r !== null);

		return last.length ? last.reduce((a, b) => a + b, 0) / last.length : null;
	}

	// At least a minute, so that the line grows from the right.
	data()
	{
		const end = this.last?.at ?? Date.now() / 1000;
		const start = end - 60;
		const first = this.times[0] ?? end;

		return first > start + 1 ? [[start, first - 0.5, ...this.times], [null, null, ...this.rates]] :
			[[...this.times], [...this.rates]];
	}
}
