// The recordings that the tests of the page look at. Each shows one thing that happens with messages.

import { MS, Recording, S } from './records.mjs';

const rabbit = (operation, type, destination, more = {}) => ({
  'messaging.system': 'rabbitmq',
  'messaging.operation.name': operation,
  'messaging.operation.type': type,
  'messaging.destination.name': destination,
  ...more,
});
const sent = (destination, more) => rabbit('publish', 'send', destination, { 'spanbridge.handoff.status': 'confirmed', ...more });
const handled = (destination, queue, more) =>
  rabbit('process', 'process', destination, {
    'spanbridge.queue.name': queue,
    'spanbridge.settle.expected': 'ack',
    'messaging.rabbitmq.message.delivery_tag': 1,
    ...more,
  });
const settled = (operation, destination, more) =>
  rabbit(operation, 'settle', destination, { 'messaging.rabbitmq.message.delivery_tag': 1, ...more });

/** A publish that ends at 10 ms, and work on the message that begins at 2,010 ms. */
export function queueWait(start) {
  const run = new Recording('queue wait', start);
  const order = run.span('shop: POST /orders', 'http.server', { at: 0, took: 12 * MS, attributes: { 'http.response.status_code': 202 } });
  const publish = run.span('shop: publish orders:created', 'messaging.publish', { parent: order, at: 4 * MS, took: 6 * MS, attributes: sent('orders:created') });
  const work = run.span('billing: process orders:created:billing', 'messaging.process', {
    parent: publish,
    at: 2_010 * MS,
    took: 90 * MS,
    attributes: handled('orders:created:billing', 'billing', { 'messaging.message.body.size': 41 }),
  });
  run.span('billing: INSERT invoices', 'db.mutation', { parent: work, at: 2_015 * MS, took: 60 * MS, attributes: { 'db.system.name': 'postgresql' } });
  run.span('billing: ack billing', 'messaging.settle', { parent: work, at: 2_095 * MS, took: 1 * MS, attributes: settled('ack', 'orders:created:billing') });
  run.event('billing', work, 'invoice written', 2_080 * MS, { 'invoice.number': 1042 });
  run.artifact('billing', work, 'input', 'application/json', '{"order": 17, "items": [{"sku": "A-1", "n": 2}]}');
  return run;
}

/** Three attempts that fail, and the dead letter that follows. */
export function deadLetter(start) {
  const run = new Recording('dead letter', start);
  const root = run.span('shop: POST /refunds', 'http.server', { at: 0, took: 20 * MS });
  const publish = run.span('shop: publish refunds', 'messaging.publish', { parent: root, at: 5 * MS, took: 8 * MS, attributes: sent('refunds') });
  for (const n of [1, 2, 3]) {
    const at = (100 + 1_000 * (n - 1)) * MS;
    const work = run.span('payments: process refunds', 'messaging.process', {
      parent: publish,
      at,
      took: 40 * MS,
      error: 'the card issuer refused: account closed',
      errorType: 'IssuerRefused',
      attributes: handled('refunds', 'refunds', { 'spanbridge.delivery.attempt': n }),
    });
    run.span('payments: POST /issuer/refund', 'http.client', {
      parent: work,
      at: at + 2 * MS,
      took: 30 * MS,
      error: '410 Gone',
      errorType: '410',
      attributes: { 'http.response.status_code': 410, 'http.request.method': 'POST' },
    });
    const last = n === 3;
    run.span(`payments: ${last ? "reject" : "nack"} refunds`, 'messaging.settle', {
      parent: work,
      at: at + 38 * MS,
      took: 1 * MS,
      attributes: settled(last ? 'reject' : 'nack', 'refunds', { 'spanbridge.settle.requeue': !last }),
    });
  }
  const dead = run.span('payments: process refunds.dead', 'messaging.process', {
    parent: publish,
    at: 2_900 * MS,
    took: 15 * MS,
    attributes: handled('dlx:refunds.dead', 'refunds.dead', {
      'spanbridge.dead_letter.queue': 'refunds',
      'spanbridge.dead_letter.reason': 'rejected',
      'spanbridge.dead_letter.exchange': '',
      'spanbridge.dead_letter.count': 1,
    }),
  });
  run.span('payments: ack refunds.dead', 'messaging.settle', { parent: dead, at: 2_914 * MS, took: 1 * MS, attributes: settled('ack', 'dlx:refunds.dead') });
  return run;
}

/** The receiver's clock is three seconds behind the sender's. */
export function clockBehind(start) {
  const run = new Recording('clock behind', start);
  const root = run.span('shop: POST /parcels', 'http.server', { at: 3_000 * MS, took: 20 * MS });
  const publish = run.span('shop: publish parcels', 'messaging.publish', { parent: root, at: 3_005 * MS, took: 5 * MS, attributes: sent('parcels') });
  const work = run.span('depot: process parcels', 'messaging.process', { parent: publish, at: 40 * MS, took: 30 * MS, attributes: handled('parcels', 'parcels') });
  run.span('depot: ack parcels', 'messaging.settle', { parent: work, at: 69 * MS, took: 1 * MS, attributes: settled('ack', 'parcels') });
  return run;
}

/** Three traces that each send a message, and a fourth in which a batch of all three is handled. */
export function batch(start) {
  const senders = [1, 2, 3].map((n) => {
    const run = new Recording(`batch sender ${n}`, start + n);
    const root = run.span(`meter: reading ${n}`, 'flow.run', { at: 0, took: 15 * MS });
    const publish = run.span('meter: publish readings', 'messaging.publish', { parent: root, at: 3 * MS, took: 4 * MS, attributes: sent('readings', { 'messaging.message.id': `reading-${n}` }) });
    return { run, publish };
  });
  const run = new Recording('batch', start + 1_000);
  const links = senders.map(({ run: other, publish }) => other.linkTo(publish));
  const work = run.span('archive: process readings', 'messaging.process', {
    at: 0,
    took: 80 * MS,
    links,
    attributes: rabbit('process', 'process', 'readings', { 'messaging.batch.message_count': 3, 'spanbridge.queue.name': 'readings' }),
  });
  senders.forEach(({ run: other, publish }, n) => {
    run.span('archive: process readings', 'messaging.process', {
      parent: work,
      at: (5 + 20 * n) * MS,
      took: 18 * MS,
      links: [other.linkTo(publish)],
      attributes: handled('readings', 'readings', { 'spanbridge.relation': 'link', 'messaging.message.id': `reading-${n + 1}`, 'messaging.rabbitmq.message.delivery_tag': n + 1 }),
    });
  });
  run.span('archive: ack readings', 'messaging.settle', { parent: work, at: 75 * MS, took: 1 * MS, attributes: settled('ack', 'readings', { 'spanbridge.settle.multiple': true, 'messaging.rabbitmq.message.delivery_tag': 3 }) });
  return [...senders.map((sender) => sender.run), run];
}

/** A run that waits two hours for a person. */
export function suspension(start) {
  const run = new Recording('suspension', start);
  const hours = 7_200 * S;
  run.record('flows', 'run:start', { name: 'approve budget', startedAt: run.time(0), rootPrimitive: 'flow.step', attributes: { 'budget.id': 17, 'asked by': '\u202e<b>a person</b>' } });
  run.span('flows: collect figures', 'flow.step', { at: 1 * MS, took: 400 * MS });
  run.record('flows', 'run:suspend', { suspensionId: 's1', suspendedAt: run.time(420 * MS), reason: 'a person must approve' });
  run.record('flows', 'run:resume', { suspensionId: 's1', resumedAt: run.time(hours) });
  run.span('flows: book', 'flow.step', { at: hours + 5 * MS, took: 300 * MS });
  run.record('flows', 'run:end', { endedAt: run.time(hours + 320 * MS), status: 'ok' });
  return run;
}

/** A transaction of Kafka that is rolled back: what was sent in it is not seen. */
export function transaction(start) {
  const run = new Recording('transaction', start);
  const kafka = (name, type, more = {}) => ({
    'messaging.system': 'kafka',
    'messaging.operation.name': name,
    'messaging.operation.type': type,
    'messaging.client.id': 'ledger-1',
    ...more,
  });
  const root = run.span('ledger: book transfers', 'flow.run', { at: 0, took: 90 * MS, error: 'the balance would be negative', errorType: 'Overdrawn' });
  const all = run.span('ledger: transaction', 'messaging.publish', {
    parent: root,
    at: 4 * MS,
    took: 80 * MS,
    error: 'the balance would be negative',
    attributes: kafka('transaction', 'send', { 'spanbridge.transaction.id': 'transfers-7', 'spanbridge.handoff.status': 'rolled_back' }),
  });
  for (const n of [0, 1]) {
    run.span('ledger: send bookings', 'messaging.publish', {
      parent: all,
      at: (10 + 20 * n) * MS,
      took: 9 * MS,
      attributes: kafka('send', 'send', {
        'messaging.destination.name': 'bookings',
        'messaging.destination.partition.id': '0',
        'messaging.kafka.offset': 40 + n,
        'spanbridge.handoff.status': 'rolled_back',
      }),
    });
  }
  return run;
}

/** What fails at the edge began three hops upstream, in a database behind two services. */
export function upstream(start) {
  const run = new Recording('upstream', start);
  const http = (code) => ({ 'http.response.status_code': code, 'http.request.method': 'GET' });
  const failed = { error: '502 Bad Gateway', errorType: '502' };
  const edge = run.span('gateway: GET /account', 'http.server', { at: 0, took: 480 * MS, ...failed, attributes: http(502) });
  run.span('gateway: authorize', 'custom.operation', { parent: edge, at: 1 * MS, took: 6 * MS });
  const call = run.span('gateway: GET accounts', 'http.client', { parent: edge, at: 10 * MS, took: 460 * MS, ...failed, attributes: http(500) });
  const account = run.span('accounts: GET /accounts/{id}', 'http.server', { parent: call, at: 14 * MS, took: 450 * MS, error: '500 Internal Server Error', errorType: '500', attributes: http(500) });
  const ask = run.span('accounts: GET balances', 'http.client', { parent: account, at: 20 * MS, took: 430 * MS, error: '503 Service Unavailable', errorType: '503', attributes: http(503) });
  const balance = run.span('balances: GET /balances/{id}', 'http.server', { parent: ask, at: 25 * MS, took: 420 * MS, error: 'pool timed out', errorType: 'PoolTimedOut', attributes: http(503) });
  run.span('balances: SELECT balances', 'db.query', {
    parent: balance,
    at: 30 * MS,
    took: 400 * MS,
    error: 'no connection became free within 400 ms',
    errorType: 'PoolTimedOut',
    attributes: { 'db.system.name': 'postgresql', 'db.query.text': 'SELECT amount FROM balances WHERE account = $1' },
  });
  return run;
}

/** Two runs of the same work: the first is good, the second lacks a step, has another one, and is slower. */
export function pair(start) {
  return [true, false].map((good, n) => {
    const run = new Recording(`nightly report ${good ? "good" : "bad"}`, start + n * 1_000);
    const root = run.span('reports: nightly report', 'flow.run', {
      at: 0,
      took: (good ? 300 : 900) * MS,
      ...(good ? {} : { error: 'the mail server refused the report', errorType: 'SmtpRefused' }),
    });
    run.span('reports: SELECT orders', 'db.query', { parent: root, at: 5 * MS, took: (good ? 90 : 640) * MS });
    if (good) run.span('reports: SELECT refunds', 'db.query', { parent: root, at: 100 * MS, took: 40 * MS });
    else run.span('reports: rebuild cache', 'custom.operation', { parent: root, at: 650 * MS, took: 60 * MS });
    run.span('reports: send mail', 'http.client', {
      parent: root,
      at: (good ? 150 : 720) * MS,
      took: 100 * MS,
      ...(good ? {} : { error: '554 rejected', errorType: 'SmtpRefused' }),
    });
    return run;
  });
}

export const HOSTILE = {
  markup: `<img src=x onerror="window.owned=1"><script>window.owned=1</script>`,
  escapes: '\u001b[31mred\u001b[0m \u001b]0;owned\u0007 and \r\n two lines',
  backwards: 'invoice\u202egpj.exe',
  long: 'long-' + 'x'.repeat(295),
  quotes: `"><a href="javascript:window.owned=1">'`,
  template: '${window.owned=1} {{window.owned=1}} %3Cscript%3E',
};

/** Names, attributes, errors, events and payloads that want to be more than text. Below them, a chain of 1,000 spans. */
export function hostile(start) {
  const run = new Recording('hostile', start);
  const markup = HOSTILE.markup;
  let parent = run.span(`${markup}: ${markup}`, 'custom.operation', { at: 0, took: 2 * S, error: markup, errorType: markup, attributes: { [markup]: markup, list: [markup] } });
  run.event(markup, parent, markup, 5 * MS, { [markup]: markup });
  run.artifact(markup, parent, markup, 'text/html', `<html>${markup}</html>`);
  run.artifact(markup, parent, 'output', 'image/svg+xml', `<svg xmlns="http://www.w3.org/2000/svg" onload="window.owned=1"><image href="http://127.0.0.2/x.png"/></svg>`);
  run.record(markup, 'diagnostic', { code: 'header.malformed', message: markup, spanId: parent });
  for (const [key, name] of Object.entries(HOSTILE)) {
    run.span(`evil\u202e${key}: ${name}`, 'custom.operation', { parent, at: 10 * MS, took: 5 * MS, attributes: { key: name } });
  }
  run.span('evil: ', 'custom.operation', { parent, at: 20 * MS, took: 5 * MS });
  for (let depth = 1; depth <= 1000; depth += 1) {
    parent = run.span(`deep: level ${depth}`, 'custom.operation', { parent, at: (30 + depth) * MS, took: (1_500 - depth) * MS });
  }
  return run;
}

/**
 * A run with this many spans in twenty services: a nightly job that sends a message for each customer; each is worked on
 * elsewhere, with eight steps.
 */
export function large(spans, start) {
  const run = new Recording(`large ${spans}`, start);
  const took = spans * 2 * MS;
  const root = run.span('scheduler: nightly settlement', 'flow.run', { at: 0, took, attributes: { 'batch.size': spans } });
  const attributes = { 'customer.region': 'north', 'customer.tier': 'gold' };
  while (run.count < spans) {
    const n = run.count;
    const at = n * 1.5 * MS;
    const publish = run.span('scheduler: publish settle', 'messaging.publish', { parent: root, at, took: 1 * MS, attributes: sent('settle') });
    const service = `worker-${String((n / 10) % 18 | 0).padStart(2, "0")}`;
    const failed = n % 250 === 1 ? { error: 'the ledger is locked', errorType: 'Locked' } : {};
    let above = publish;
    for (let step = 0; step < 9 && run.count < spans; step += 1) {
      const begun = at + (20 + 3 * step) * MS;
      const span =
        step === 0
          ? run.span(`${service}: process settle`, 'messaging.process', { parent: above, at: begun, took: 60 * MS, ...failed, attributes: handled('settle', 'settle', attributes) })
          : run.span(`${service}: ${["load customer", "check limits", "SELECT invoices", "price"][step % 4]}`, step % 4 === 3 ? 'db.query' : 'custom.operation', { parent: above, at: begun, took: 5 * MS, attributes });
      if (step === 0 || step === 3) above = span;
    }
  }
  return run;
}

/** A run with many attributes: long ones, lists, several lines, and many short ones. */
export function attributes(start) {
  const run = new Recording('attributes', start);
  const all = {
    'customer.name': 'Acme Corporation of North America, Inc.',
    'order.id': 17,
    'is.test': false,
    'feature.flags': ['fast-lane', 'a-very-long-name-of-a-flag-without-a-place-to-break-0123456789-0123456789'],
    url: `https://shop.example.com/checkout/confirm?session=${'0123456789abcdef'.repeat(4)}&step=3`,
    note: 'first line\nsecond line',
    ...Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`an.attribute.with.a.long.key.and.the.number.${n}`, `value ${n}`])),
  };
  run.record('shop', 'run:start', { name: 'checkout', startedAt: run.time(0), rootPrimitive: 'flow.run', attributes: all });
  const root = run.span('shop: POST /orders', 'http.server', { took: 40 * MS });
  run.span('shop: check', 'flow.step', { parent: root, at: MS, took: 30 * MS });
  run.record('shop', 'run:end', { endedAt: run.time(42 * MS), status: 'ok' });
  return run;
}

/** A small run, for what happens while a test looks on. */
export function small(name, start, options = {}) {
  const run = new Recording(name, start);
  const root = run.span(`live: ${name}`, 'flow.run', { at: 0, took: options.open ? null : 30 * MS });
  run.span('live: step', 'flow.step', { parent: root, at: 2 * MS, took: 10 * MS });
  return run;
}

/** An order that one run wrote, and another one could not pay: what that took from the stock was rolled back. */
export function rows(now) {
  const database = (operation, more) => ({ 'db.system.name': 'sqlite', 'db.namespace': 'shop', 'db.operation.name': operation, ...more });
  const early = new Recording('import', now - 60_000);
  const insert = early.span('import: INSERT orders', 'db.query', { took: 2 * MS, attributes: database('INSERT') });
  early.row('import', insert, 'orders', { id: 1 }, 'insert', { at: 2 * MS, after: { id: 1, status: 'new', total: 5, note: null, '<b>tag</b>': '5' } });
  const run = new Recording('pay', now);
  const pay = run.span('shop: POST /pay', 'http.server', { took: 90 * MS, error: 'no card' });
  const update = run.span('shop: UPDATE orders', 'db.query', { parent: pay, at: 5 * MS, took: 3 * MS, attributes: database('UPDATE', { 'spanbridge.db.affected_rows': 1 }) });
  run.row('shop', update, 'orders', { id: 1 }, 'update', { at: 8 * MS, before: { status: 'new', note: null }, after: { status: 'held', note: "it's due" }, columns: ['status', 'note', 'card'] });
  const transaction = run.span('shop: transaction', 'db.query', { parent: pay, at: 20 * MS, took: 60 * MS, attributes: database('BEGIN', { 'spanbridge.db.transaction': 'rolled_back' }) });
  run.span('shop: UPDATE stock', 'db.query', { parent: transaction, at: 22 * MS, took: 2 * MS, attributes: database('UPDATE', { 'spanbridge.db.affected_rows': 1 }) });
  run.span('shop: charge', 'tool.call', { parent: pay, at: 30 * MS, took: 20 * MS, error: 'no card' });
  return [early, run];
}

/** Every small story, the newest last. */
export function stories(now) {
  const minutes = (n) => now - n * 60_000;
  return [
    suspension(minutes(180)),
    upstream(minutes(30)),
    ...pair(minutes(25)),
    transaction(minutes(20)),
    ...batch(minutes(15)),
    clockBehind(minutes(10)),
    deadLetter(minutes(5)),
    queueWait(minutes(2)),
  ];
}
