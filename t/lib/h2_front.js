// A TLS front of a carrier that offers HTTP/2 and HTTP/1.1, and ends each connection after three
// requests: with GOAWAY where HTTP/2 is spoken.  Arguments: certificate, key, port of the carrier, file
// that gets our port, file that gets a line with the version for each request.
'use strict';
const fs = require('fs');
const http = require('http');
const http2 = require('http2');

const [cert, key, target, portFile, log] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const server = http2.createSecureServer({
	cert: fs.readFileSync(cert), key: fs.readFileSync(key), allowHTTP1: true,
});

server.on('request', (request, answer) => {
	const connection = request.stream && request.stream.session ? request.stream.session : request.socket;
	const version = request.httpVersion;
	const headers = {};

	connection.served = (connection.served || 0) + 1;
	fs.appendFileSync(log, version + '\n');
	for (const name of ['authorization', 'content-type', 'content-length'])
		if (request.headers[name] !== undefined)
			headers[name] = request.headers[name];
	const onwards = http.request({ agent, port: target, host: '127.0.0.1', path: request.url,
		method: request.method, headers }, (reply) => {
		const back = { 'content-type': reply.headers['content-type'] || 'application/json' };
		if (connection.served >= 3 && version !== '2.0')
			back.connection = 'close';
		answer.writeHead(reply.statusCode, back);
		reply.pipe(answer);
		if (connection.served === 3 && version === '2.0')
			connection.goaway();
	});
	onwards.on('error', () => answer.destroy ? answer.destroy() : answer.stream.close());
	request.pipe(onwards);
});
server.listen(0, '127.0.0.1', () => {
	fs.writeFileSync(portFile + '.new', server.address().port + '\n');
	fs.renameSync(portFile + '.new', portFile);
});
process.on('disconnect', () => process.exit(0));
