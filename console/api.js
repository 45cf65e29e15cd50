// Talking to the listener worker.  Nothing here touches the page.

export class ApiError extends Error
{
	constructor(status, body)
	{
		super(body.error ?? `HTTP ${status}`);
		this.status = status; // 0: no answer
		this.body = body;
	}
}

async function call(method, path, headers = {})
{
	const options = { method, credentials: 'same-origin', cache: 'no-store', headers,
		signal: AbortSignal.timeout(15000) };
	let answer;

	// the worker takes no POST without it, and another site's page cannot set it
	if (method === 'POST')
		headers['X-RCS-Console'] = '1';
	try
	{
		answer = await fetch(path, options);
	}
	catch (error)
	{
		throw new ApiError(0, { error: String(error) });
	}
	const content = await answer.json().catch(() => ({}));
	if (!answer.ok)
		throw new ApiError(answer.status, content);
	return content;
}

export const get = (path) => call('GET', path);
export const post = (path) => call('POST', path);

// What a header cannot hold is no secret of ours either.
export async function login(secret)
{
	if (!/^[!-~]+$/.test(secret))
		throw new ApiError(401, { error: 'not a secret' });
	return call('POST', 'api/login', { Authorization: `Bearer ${secret}` });
}
