# The other contestants of the drain: pg_net, pgmq with a Python worker, a queue table with a Python
# worker.  They post the bodies that rcs has posted; sourced by bench.sh.  They get fewer messages,
# since they are slower; what is compared is messages a second.
# shellcheck shell=bash

# Whatever there is in this run: fills drainers and given.
choose_drainers()
{
	drainers=(rcs rawcurl)
	if [ -n "${PG_NET_DIR:-}" ]; then
		drainers+=(pg_net pg_net_best)
	else
		missing+=("drain	pg_net" "drain	pg_net, best")
	fi
	if ! as /usr/bin/python3 -c 'import psycopg2' 2>/dev/null; then
		missing+=("drain	python" "drain	python, best" "drain	pgmq" "drain	pgmq, best")
		return
	fi
	drainers+=(python python_best)
	if [ -n "${PGMQ_DIR:-}" ]; then
		drainers+=(pgmq pgmq_best)
	else
		missing+=("drain	pgmq" "drain	pgmq, best")
	fi
}

prepare_peers()
{
	db=postgres
	[ "$(sql -c "SELECT count(*) FROM pg_database WHERE datname = 'bench_peers'")" = 1 ] || sql -c "CREATE DATABASE bench_peers"
	db=bench_peers
	sql -c "CREATE TABLE body (id text, body jsonb)"
	as "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$scratch/run" -U postgres -d "$db" \
		-c "COPY body FROM STDIN (FORMAT csv, DELIMITER E'\t', QUOTE E'\b')" < <(head -n "$peer_n" "$scratch/bodies")
	sql -c "VACUUM ANALYZE body"
	[ -z "${PG_NET_DIR:-}" ] || sql -c "CREATE EXTENSION pg_net"
	[ -z "${PGMQ_DIR:-}" ] || sql -c "CREATE EXTENSION pgmq"
	db=$rcs_db
}

# in_peers COMMAND...: with the peers' database as the current one
in_peers()
{
	local db=bench_peers
	"$@"
}

token()
{
	curl -sf "$carrier/token" -d '{"rcsId":"bench","rcsSecret":"bench","grantType":"clientCredentials"}' |
		perl -ne 'print $1 if /"accessToken": *"([^"]+)"/'
}

# The server, and our own children without the carrier.
peer_cpu()
{
	calc "$(cpu_of "$postmaster") + $(cpu_of $$) - $(cpu_of "$carrier_pid")"
}

# timed CONTESTANT ROUND CLIENT...: runs it, and says how fast it was
timed()
{
	local name=$1 round=$2 t cpu seconds
	shift 2
	sql -c CHECKPOINT
	cpu=$(peer_cpu)
	t=$(now)
	"$@"
	seconds=$(calc "$(now) - $t")
	[ "$(carrier_accepted)" -eq "$peer_n" ] || die "$name: the carrier has accepted $(carrier_accepted) of $peer_n"
	measured drain "$name" "$round" "messages/s" "$(calc "$peer_n / $seconds")"
	measured drain "$name" "$round" "CPU us/message" \
		"$(calc "($(peer_cpu) - $cpu) / $peer_n * 1e6")"
}

# ---------- pg_net ----------

# From the commit of the requests to the last response in its table.
wait_for_pg_net()
{
	sql -c "SELECT net.wake()" >/dev/null
	until [ "$(carrier_accepted)" -ge "$peer_n" ]; do sleep 0.5; done
	until [ "$(sql -c "SELECT count(*) FROM net._http_response")" -ge "$peer_n" ]; do sleep 0.1; done
}

run_pg_net()
{
	sql -c "ALTER SYSTEM SET pg_net.batch_size = $3" -c "SELECT pg_reload_conf(), net.worker_restart()" >/dev/null
	sleep 2
	sql -c "TRUNCATE net.http_request_queue, net._http_response" \
		-c "INSERT INTO net.http_request_queue (method, url, headers, body, timeout_milliseconds)
			SELECT 'POST', '$carrier/message', jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer $(token)'),
				convert_to(body::text, 'UTF8'), 5000 FROM body"
	timed "$1" "$2" wait_for_pg_net
}

drain_pg_net()
{
	in_peers run_pg_net pg_net "$1" 200
}

# The sizes that were tried are in the README.
drain_pg_net_best()
{
	in_peers run_pg_net "pg_net, best" "$1" "$pg_net_best"
}

# ---------- Python ----------

# MODE THREADS BATCH
python_worker()
{
	as /usr/bin/python3 "$scratch/tree/bench/worker.py" "$1" "$2" "$3" \
		"host=$scratch/run user=postgres dbname=$db" "$carrier/message" "$(token)"
}

run_table()
{
	sql -c "DROP TABLE IF EXISTS job" \
		-c "CREATE TABLE job (id bigserial PRIMARY KEY, body text NOT NULL, status text NOT NULL DEFAULT 'queued', answer text)" \
		-c "CREATE INDEX ON job (id) WHERE status = 'queued'" \
		-c "INSERT INTO job (body) SELECT body::text FROM body" -c "VACUUM ANALYZE job"
	timed "$1" "$2" python_worker table "$3" "$4"
}

run_pgmq()
{
	sql -c "SELECT pgmq.drop_queue('bench') FROM pgmq.list_queues()" -c "SELECT pgmq.create('bench')" \
		-c "SELECT count(*) FROM (SELECT pgmq.send('bench', body) FROM body) s" -c "VACUUM ANALYZE pgmq.q_bench" >/dev/null
	timed "$1" "$2" python_worker pgmq "$3" "$4"
}

drain_python() { in_peers run_table python "$1" 16 1; }
drain_python_best() { in_peers run_table "python, best" "$1" "$python_threads" 100; }
drain_pgmq() { in_peers run_pgmq pgmq "$1" 16 1; }
drain_pgmq_best() { in_peers run_pgmq "pgmq, best" "$1" "$python_threads" 100; }
