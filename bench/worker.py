#!/usr/bin/env python3
"""What one would write without rcs: a pool of threads that take jobs, post them, write the answers down.

usage: worker.py table|pgmq THREADS BATCH CONNINFO URL TOKEN

table: jobs of table job, taken with FOR UPDATE SKIP LOCKED in a transaction that lasts until their answers
are written.  pgmq: pgmq.read (invisible for 60 s), then pgmq.delete.  It ends when there is nothing left.
"""
import http.client
import sys
import threading
import urllib.parse

import psycopg2

mode, threads, batch, conninfo, url, token = sys.argv[1:]
batch = int(batch)
where = urllib.parse.urlsplit(url)
headers = {"Content-Type": "application/json", "Authorization": "Bearer " + token}


class Carrier:
    def __init__(self):
        self.connection = http.client.HTTPConnection(where.hostname, where.port)

    def post(self, body):
        self.connection.request("POST", where.path, body.encode(), headers)
        answer = self.connection.getresponse()
        answer.read()
        return str(answer.status)


def take_table(cursor, post):
    cursor.execute("SELECT id, body FROM job WHERE status = 'queued' ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED", (batch,))
    jobs = cursor.fetchall()
    answers = [post(body) for _, body in jobs]
    if jobs:
        cursor.execute("UPDATE job SET status = 'sent', answer = a.answer FROM unnest(%s, %s) a(id, answer) WHERE job.id = a.id",
                       ([i for i, _ in jobs], answers))
    return len(jobs)


def take_pgmq(cursor, post):
    cursor.execute("SELECT msg_id, message::text FROM pgmq.read('bench', 60, %s)", (batch,))
    jobs = cursor.fetchall()
    cursor.connection.commit()
    sent = [i for i, body in jobs if post(body) == "200"]
    if sent:
        cursor.execute("SELECT pgmq.delete('bench', %s::bigint[])", (sent,))
    return len(jobs)


def work():
    connection = psycopg2.connect(conninfo)
    carrier = Carrier()
    take = take_table if mode == "table" else take_pgmq
    with connection.cursor() as cursor:
        while take(cursor, carrier.post):
            connection.commit()
        connection.commit()


pool = [threading.Thread(target=work) for _ in range(int(threads))]
for t in pool:
    t.start()
for t in pool:
    t.join()
