// Elements without a framework: making them, and changing only what differs, so that a page that is
// refreshed every second keeps its selection, focus and scrolling.

// h('a.name', { href: '#/' }, 'text', child, …); an attribute that starts with "on" is a listener.
export function h(what, attributes, ...children)
{
	const [tag, ...classes] = what.split('.');
	const element = document.createElement(tag);

	if (classes.length)
		element.className = classes.join(' ');
	for (const [name, value] of Object.entries(attributes ?? {}))
	{
		if (name.startsWith('on'))
			element.addEventListener(name.slice(2), value);
		else if (value !== null && value !== undefined && value !== false)
			element.setAttribute(name, value === true ? '' : value);
	}
	element.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
	return element;
}

export function setText(element, text)
{
	if (element.textContent !== String(text))
		element.textContent = text;
}

export function show(element, visible)
{
	if (element.hidden === visible)
		element.hidden = !visible;
}

export function setClass(element, name)
{
	if (element.className !== name)
		element.className = name;
}

// Puts content (text, or an element and the text it is made of) in place unless it is there already.
function fill(cell, content)
{
	const text = content instanceof Node ? content.dataset.was ?? content.outerHTML : String(content ?? '');

	if (cell.dataset.was === text)
		return;
	cell.dataset.was = text;
	cell.replaceChildren(content ?? '');
}

// A table whose rows are objects.  Columns: { title, cell(row) → text or element, number, wide }.
export class Table
{
	constructor(columns, key, { empty = '', className = '' } = {})
	{
		this.columns = columns;
		this.key = key;
		this.rows = new Map();
		this.body = h('tbody');
		this.empty = h('p.empty', { hidden: true }, empty);
		this.table = h('table', { class: className || null },
			h('thead', null, h('tr', null, columns.map((c) => h(c.number ? 'th.number' : 'th', { scope: 'col' }, c.title)))),
			this.body);
		this.element = h('div.scroll', null, this.table, this.empty);
	}

	update(objects)
	{
		const seen = new Set();
		let place = this.body.firstChild;

		for (const object of objects)
		{
			const key = String(this.key(object));
			const row = this.rows.get(key) ?? this.newRow(key);

			seen.add(key);
			this.columns.forEach((column, i) => fill(row.children[i], column.cell(object)));
			if (row === place)
				place = place.nextSibling;
			else
				this.body.insertBefore(row, place);
		}
		for (const [key, row] of this.rows)
		{
			if (!seen.has(key))
			{
				row.remove();
				this.rows.delete(key);
			}
		}
		show(this.table, objects.length > 0);
		show(this.empty, objects.length === 0);
	}

	newRow(key)
	{
		const row = h('tr', null, this.columns.map((c) => h('td',
			{ class: [c.number && 'number', c.wide && 'wide'].filter(Boolean).join(' ') || null, 'data-title': c.title })));

		this.rows.set(key, row);
		return row;
	}
}

// Names and values, one under the other.
export class Facts
{
	constructor(names)
	{
		this.values = names.map(() => h('dd'));
		this.element = h('dl.facts', null, names.map((name, i) => h('div', null, h('dt', null, name), this.values[i])));
	}

	update(values)
	{
		values.forEach((value, i) => {
			fill(this.values[i], value);
			show(this.values[i].parentNode, value !== null && value !== undefined && value !== '');
		});
	}
}

export function card(title, ...children)
{
	return h('section.card', null, title ? h('h2', null, title) : null, ...children);
}

export function note(text, kind = 'good')
{
	const element = h(`p.note.${kind}`, null, text);

	document.getElementById('notes').append(element);
	setTimeout(() => element.remove(), 6000);
}
