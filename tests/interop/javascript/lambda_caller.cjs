// Invokes a Lambda function as an instrumented JavaScript service does.
//
//     lambda_caller.cjs ENDPOINT FUNCTION PAYLOAD
//
// Prints the ids of the span that invoked it (under a span "order" of this program), and what the function answered.

// The packages stand where they were installed, not here.
const { createRequire } = require("node:module");
const load = createRequire(`${process.env.SPANBRIDGE_INTEROP_JAVASCRIPT}/index.cjs`);

const { registerInstrumentations } = load("@opentelemetry/instrumentation");
const { AwsInstrumentation } = load("@opentelemetry/instrumentation-aws-sdk");
const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = load("@opentelemetry/sdk-trace-node");

const spans = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
provider.register();
registerInstrumentations({ instrumentations: [new AwsInstrumentation()] });

const { LambdaClient, InvokeCommand } = load("@aws-sdk/client-lambda");

async function main() {
  const [endpoint, FunctionName, Payload] = process.argv.slice(2);
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new LambdaClient({ endpoint, region: "us-east-1", credentials });
  const answer = await provider.getTracer("interop").startActiveSpan("order", async (span) => {
    const output = await client.send(new InvokeCommand({ FunctionName, Payload }));
    span.end();
    return JSON.parse(Buffer.from(output.Payload).toString());
  });
  const call = spans.getFinishedSpans().find((span) => span.name !== "order");
  const { traceId, spanId } = call.spanContext();
  console.log(JSON.stringify({ traceId, spanId, name: call.name, answer }));
}

main();
