"""A Lambda function as an instrumented Python service has it, run by Python's own runtime:

    AWS_LAMBDA_RUNTIME_API=HOST:PORT _HANDLER=lambda_handler.handler python -m awslambdaric lambda_handler.handler

The propagators are those of OpenTelemetry's Lambda layer. It answers with the ids of the span around it, and with what
it got. (`peer` is not used: it wants pika.)
"""

from opentelemetry import baggage, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor
from opentelemetry.propagators.aws.aws_xray_propagator import AwsXRayLambdaPropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

trace.set_tracer_provider(TracerProvider())
propagators = [TraceContextTextMapPropagator(), W3CBaggagePropagator(), AwsXRayLambdaPropagator()]
propagate.set_global_textmap(CompositePropagator(propagators))


def handler(event, context):
    span = trace.get_current_span()
    return {
        "traceId": trace.format_trace_id(span.context.trace_id),
        "parentSpanId": trace.format_span_id(span.parent.span_id) if span.parent else None,
        "sampled": span.context.trace_flags.sampled,
        "name": span.name,
        "baggage": dict(baggage.get_all()),
        "event": event,
        "custom": context.client_context.custom if context.client_context else None,
    }


# It wraps the function that `_HANDLER` names, so that has to be there.
AwsLambdaInstrumentor().instrument()
