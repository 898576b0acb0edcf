"""A service of Flask that asks another service with requests, both under OpenTelemetry's instrumentations.

Its surroundings say the rest: ADDRESS_FILE is where it says where it listens, ORDERS is the address of the other service.
What it exports, and where to, is what OTEL_SERVICE_NAME and OTEL_EXPORTER_OTLP_* say. It serves one request and ends.
"""

import os
from importlib import import_module
from pathlib import Path

import flask
import requests
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from werkzeug.serving import make_server

FORMS = {"http/protobuf": "proto", "http/json": "json"}

app = flask.Flask(__name__)
tracer = trace.get_tracer(__name__)


@app.post("/orders/<int:number>")
def order(number):
    with tracer.start_as_current_span("check stock", attributes={"shelves": [3, 4], "full": False}) as span:
        span.add_event("few left", {"left": 2})
    try:
        with tracer.start_as_current_span("reserve"):
            raise LookupError("no such shelf")
    except LookupError:
        pass
    url = f"http://{os.environ['ORDERS']}/orders/{number}"
    answer = requests.post(url, data=flask.request.get_data(), timeout=60)
    return answer.text, answer.status_code


def main():
    # Their packages cannot be installed side by side, so only one of the two is there.
    form = FORMS[os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"]]
    exporter = import_module(f"opentelemetry.exporter.otlp.{form}.http.trace_exporter").OTLPSpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    FlaskInstrumentor().instrument_app(app)
    RequestsInstrumentor().instrument()

    server = make_server("127.0.0.1", 0, app)
    # Whole, or not there.
    file = Path(os.environ["ADDRESS_FILE"])
    new = file.with_name(file.name + ".new")
    new.write_text(f"127.0.0.1:{server.server_port}")
    new.rename(file)
    server.handle_request()
    provider.shutdown()


if __name__ == "__main__":
    main()
