// A service of Node's own HTTP server and client that asks another service, under OpenTelemetry's instrumentation.
//
// Its surroundings say the rest: ADDRESS_FILE is where it says where it listens, ORDERS is the address of the other service,
// OTEL_SERVICE_NAME and OTEL_EXPORTER_OTLP_* are what it exports and where to. It serves one request and ends.

// The packages stand where they were installed, not here.
const { createRequire } = require("node:module");
const load = createRequire(`${process.env.SPANBRIDGE_INTEROP_JAVASCRIPT}/index.cjs`);

const { registerInstrumentations } = load("@opentelemetry/instrumentation");
const { HttpInstrumentation } = load("@opentelemetry/instrumentation-http");
const { OTLPTraceExporter } = load("@opentelemetry/exporter-trace-otlp-http");
const { BatchSpanProcessor, NodeTracerProvider } = load("@opentelemetry/sdk-trace-node");
const { envDetector, detectResources } = load("@opentelemetry/resources");

const provider = new NodeTracerProvider({
  resource: detectResources({ detectors: [envDetector] }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });

const fs = require("node:fs");
const http = require("node:http");

const server = http.createServer((request, response) => {
  const options = { method: "POST", agent: new http.Agent({ keepAlive: false }) };
  const call = http.request(`http://${process.env.ORDERS}${request.url}`, options, (answer) => {
    response.writeHead(answer.statusCode, { connection: "close" });
    answer.pipe(response);
  });
  request.pipe(call);
});

// Once the response is sent, whatever becomes of the connection.
server.once("request", (_, response) =>
  response.once("close", async () => {
    server.close();
    await provider.shutdown();
  }),
);

server.listen(0, "127.0.0.1", () => {
  // Whole, or not there.
  const file = process.env.ADDRESS_FILE;
  fs.writeFileSync(`${file}.new`, `127.0.0.1:${server.address().port}`);
  fs.renameSync(`${file}.new`, file);
});
