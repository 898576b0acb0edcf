// Builds records as lines of JSON, in the form of docs/schema/record.json. `spanbridge import` reads them.
//
// Times are nanoseconds after the start of the recording. Ids follow from the names, so that a test finds what it looks for.

import { createHash } from 'node:crypto';

export const MS = 1_000_000;
export const S = 1_000 * MS;

/** As many hexadecimal digits as wanted, always the same for the same words. */
export function id(digits, ...words) {
  return createHash('sha256').update(words.join("\0")).digest('hex').slice(0, digits);
}

const KINDS = {
  'messaging.publish': 'producer',
  'messaging.process': 'consumer',
  'messaging.receive': 'consumer',
  'messaging.settle': 'client',
  'http.client': 'client',
  'http.server': 'server',
  'db.query': 'client',
  'db.mutation': 'client',
  'function.invoke': 'client',
  'function.handle': 'server',
};

/** What several services recorded about one run. */
export class Recording {
  /** `name` makes the ids; `start` is in milliseconds since 1970. */
  constructor(name, start) {
    this.name = name;
    this.start = BigInt(start) * 1_000_000n;
    this.traceId = id(32, name);
    this.runId = this.traceId;
    this.records = [];
    this.segments = new Map();
    this.count = 0;
    this.prefix = id(9, name, 'spans');
  }

  /** The time of `at` nanoseconds after the start, as RFC 3339 with nanoseconds. */
  time(at) {
    const nanos = this.start + BigInt(Math.round(at));
    const seconds = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
    return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, "0")}Z`;
  }

  /** Adds a record that `service` wrote. The first one of a service is preceded by its segment. */
  record(service, type, fields) {
    let segment = this.segments.get(service);
    if (!segment) {
      segment = { id: id(16, this.name, service), count: 0 };
      this.segments.set(service, segment);
      const resource = { 'service.name': service, 'process.pid': 100 + this.segments.size, 'host.name': 'host-1' };
      const via = this.segments.size === 1 ? 'start' : 'receive';
      this.record(service, 'segment', { startedAt: fields.startedAt ?? this.time(0), resource, via });
    }
    segment.count += 1;
    this.records.push({
      schemaVersion: 1,
      recordId: `${segment.id}-${segment.count}`,
      type,
      runId: this.runId,
      traceId: this.traceId,
      segmentId: segment.id,
      segmentSeq: segment.count,
      service,
      ...fields,
    });
    return this;
  }

  /**
   * Adds a span, and returns its id. `what` is `service: name`. `took: null` leaves it open.
   *
   * @param {{parent?: string, at?: number, took?: number|null, attributes?: object, status?: string, error?: string,
   *   errorType?: string, links?: object[], primitive?: string, kind?: string, trace?: string}} options
   */
  span(what, primitive, options = {}) {
    const [service, name] = split(what);
    const { parent, at = 0, took = MS, attributes, status, error, errorType, links, trace } = options;
    this.count += 1;
    const spanId = this.prefix + this.count.toString(16).padStart(7, '0');
    const fields = {
      spanId,
      parentSpanId: parent,
      name,
      family: primitive.split('.')[0],
      primitive,
      kind: options.kind ?? KINDS[primitive] ?? 'internal',
      startedAt: this.time(at),
      attributes,
      links,
    };
    if (trace) fields.traceId = trace;
    if (took === null) {
      this.record(service, 'span:start', fields);
    } else {
      const end = { endedAt: this.time(at + took), status: status ?? (error ? 'error' : 'ok'), error, errorType };
      this.record(service, 'span', { ...fields, ...end });
    }
    return spanId;
  }

  /** A recording of the ends of the spans that this one left open. */
  ends(at) {
    const later = Object.assign(Object.create(Recording.prototype), this, { records: [] });
    for (const { type, spanId, service } of this.records) {
      if (type === 'span:start') later.record(service, 'span:end', { spanId, endedAt: this.time(at), status: 'ok' });
    }
    return later;
  }

  event(service, spanId, name, at, attributes) {
    const eventId = id(16, this.name, 'event', String(this.records.length));
    return this.record(service, 'span:event', { spanId, eventId, name, timestamp: this.time(at), attributes });
  }

  /** A row of a database that a span changed. */
  row(service, spanId, table, key, op, { at = 0, before, after, columns, database = 'shop' } = {}) {
    const mutationId = id(16, this.name, 'row', String(this.records.length));
    const written = columns ?? Object.keys(after ?? {});
    return this.record(service, 'mutation', { spanId, mutationId, database, table, key, op, before, after, columns: written, committedAt: this.time(at) });
  }

  artifact(service, spanId, kind, contentType, preview) {
    const artifactId = id(16, this.name, 'artifact', String(this.records.length));
    const sizeBytes = Buffer.byteLength(preview);
    return this.record(service, 'artifact', { spanId, artifactId, kind, contentType, encoding: 'utf-8', sizeBytes, preview });
  }

  /** A link to a span of another recording. */
  linkTo(spanId) {
    return { traceId: this.traceId, spanId };
  }

  lines() {
    return this.records.map((record) => JSON.stringify(record) + "\n").join('');
  }
}

function split(what) {
  const at = what.indexOf(': ');
  return [what.slice(0, at), what.slice(at + 2)];
}
