// Exports spans of every shape with OpenTelemetry's own exporter, unmodified.
//
// What it exports to is what OTEL_EXPORTER_OTLP_* say. This exporter writes JSON. What it has exported is written to SPANS_FILE, one JSON
// object a line.

// The packages stand where they were installed, not here.
const { createRequire } = require("node:module");
const load = createRequire(`${process.env.SPANBRIDGE_INTEROP_JAVASCRIPT}/index.cjs`);

const { ROOT_CONTEXT, SpanKind, SpanStatusCode, context, trace } = load("@opentelemetry/api");
const { OTLPTraceExporter } = load("@opentelemetry/exporter-trace-otlp-http");
const { resourceFromAttributes } = load("@opentelemetry/resources");
const { BatchSpanProcessor, InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = load(
  "@opentelemetry/sdk-trace-node",
);

const fs = require("node:fs");

const kept = new InMemorySpanExporter();
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "stock" }),
  spanProcessors: [new SimpleSpanProcessor(kept), new BatchSpanProcessor(new OTLPTraceExporter(), { maxQueueSize: 4096 })],
});
provider.register();
const tracer = provider.getTracer("otlp_sender");

async function main() {
  const order = tracer.startSpan("order", { kind: SpanKind.SERVER, attributes: { number: 7, gift: true } });
  order.addEvent("packed", { left: -1 });
  const inside = trace.setSpan(context.active(), order);
  tracer.startSpan("pack", { attributes: { text: 'é\n"quoted"', half: 0.5, shelves: [3, 4] } }, inside).end();
  const label = tracer.startSpan("label", { kind: SpanKind.CLIENT }, inside);
  label.recordException(new Error("no paper"));
  label.setStatus({ code: SpanStatusCode.ERROR, message: "no paper" });
  label.end();
  order.end();
  const links = [{ context: order.spanContext(), attributes: { why: "again" } }];
  tracer.startSpan("retry", { links }, ROOT_CONTEXT).end();
  // More than one batch.
  for (let number = 0; number < 1000; number += 1) tracer.startSpan("many", { attributes: { number } }).end();
  await provider.forceFlush();
  const lines = kept.getFinishedSpans().map((span) => {
    const { traceId, spanId } = span.spanContext();
    const line = {
      traceId,
      spanId,
      parentSpanId: span.parentSpanContext?.spanId ?? null,
      name: span.name,
      kind: SpanKind[span.kind].toLowerCase(),
      failed: span.status.code === SpanStatusCode.ERROR,
      attributes: span.attributes,
      events: span.events.map((event) => event.name),
      links: span.links.length,
    };
    return `${JSON.stringify(line)}\n`;
  });
  fs.writeFileSync(process.env.SPANS_FILE, lines.join(""));
  await provider.shutdown();
}

main();
