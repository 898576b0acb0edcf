//! Names of attributes: OpenTelemetry's semantic conventions 1.44, and our own where they have none.
//!
//! This is the one place for such a string. Sources:
//! [messaging](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/),
//! [RabbitMQ](https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/),
//! [functions](https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/),
//! [AWS Lambda](https://opentelemetry.io/docs/specs/semconv/faas/aws-lambda/),
//! [the AWS SDK](https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/),
//! [HTTP](https://opentelemetry.io/docs/specs/semconv/http/http-spans/),
//! [code](https://opentelemetry.io/docs/specs/semconv/code/),
//! [generative AI](https://github.com/open-telemetry/semantic-conventions-genai) (0.1.0).

/// The broker: `rabbitmq`, `kafka`, …
pub const MESSAGING_SYSTEM: &str = "messaging.system";
/// What is done, in the client's own word: `publish`, `process`, `ack`, …
pub const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";
/// What is done, in one of the conventions' words: `send`, `receive`, `process`, `settle`.
pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
/// Where a message goes to or comes from.
pub const MESSAGING_DESTINATION_NAME: &str = "messaging.destination.name";
/// What stands for destinations whose names are new ones each time.
pub const MESSAGING_DESTINATION_TEMPLATE: &str = "messaging.destination.template";
/// The destination has a generated name.
pub const MESSAGING_DESTINATION_ANONYMOUS: &str = "messaging.destination.anonymous";
/// The message's id.
pub const MESSAGING_MESSAGE_ID: &str = "messaging.message.id";
/// What ties a question to its answer.
pub const MESSAGING_CONVERSATION_ID: &str = "messaging.message.conversation_id";
/// The size of the payload in bytes.
pub const MESSAGING_BODY_SIZE: &str = "messaging.message.body.size";
/// RabbitMQ's routing key.
pub const RABBITMQ_ROUTING_KEY: &str = "messaging.rabbitmq.destination.routing_key";
/// RabbitMQ's delivery tag.
pub const RABBITMQ_DELIVERY_TAG: &str = "messaging.rabbitmq.message.delivery_tag";
/// The class of an error.
pub const ERROR_TYPE: &str = "error.type";

/// An event: a value that no code can compute again, such as the time, was taken. A replay gives it back.
pub const VALUE: &str = "spanbridge.value";
/// What the program calls the value.
pub const VALUE_NAME: &str = "spanbridge.value.name";
/// The value, as text.
pub const VALUE_TEXT: &str = "spanbridge.value.text";

/// What became of a hand-off: `confirmed`, `rejected`, `returned`, `sent`, `unknown`, `committed`, `rolled_back`.
pub const HANDOFF_STATUS: &str = "spanbridge.handoff.status";
/// Which delivery of the same message this is, from 1, where the broker counts.
pub const DELIVERY_ATTEMPT: &str = "spanbridge.delivery.attempt";
/// The broker says that it has delivered the message before.
pub const DELIVERY_REDELIVERED: &str = "spanbridge.delivery.redelivered";
/// A settlement that covers all earlier messages, too.
pub const SETTLE_MULTIPLE: &str = "spanbridge.settle.multiple";
/// A settlement that gives the message back to the queue.
pub const SETTLE_REQUEUE: &str = "spanbridge.settle.requeue";
/// The partition of a destination.
pub const MESSAGING_PARTITION_ID: &str = "messaging.destination.partition.id";
/// The consumer group.
pub const MESSAGING_CONSUMER_GROUP: &str = "messaging.consumer.group.name";
/// The client's id.
pub const MESSAGING_CLIENT_ID: &str = "messaging.client.id";
/// How many messages a batch has. Spans of single messages do not have it.
pub const MESSAGING_BATCH_COUNT: &str = "messaging.batch.message_count";
/// The key of a Kafka message, where it is text.
pub const KAFKA_MESSAGE_KEY: &str = "messaging.kafka.message.key";
/// A Kafka message without a value.
pub const KAFKA_TOMBSTONE: &str = "messaging.kafka.message.tombstone";
/// The offset of a Kafka message in its partition.
pub const KAFKA_OFFSET: &str = "messaging.kafka.offset";

/// How long a message waited in the broker before work on it began, in milliseconds, by the broker's timestamp and the
/// consumer's clock. Not there when the timestamp is not plausible.
pub const QUEUE_TIME_MS: &str = "spanbridge.queue.time_ms";
/// How many messages were behind this one in its partition when work on it began, as far as the consumer had heard (not
/// longer than 50 ms ago).
pub const KAFKA_LAG: &str = "spanbridge.kafka.lag";
/// On a process span: the message's offset was stored with the client, and the next commit covers it. The broker knows
/// nothing of that yet, so it is no settlement of its own.
pub const SETTLE_STORED: &str = "spanbridge.settle.stored";
/// What a commit covers: `topic[partition] first..last`, separated by commas.
pub const SETTLE_RANGES: &str = "spanbridge.settle.ranges";
/// The broker has not been asked yet when the span ends: it is asked later.
pub const SETTLE_ASYNC: &str = "spanbridge.settle.async";
/// The message's partition was revoked before: another member of the group gets the message again.
pub const SETTLE_REVOKED: &str = "spanbridge.settle.revoked";
/// The id that a producer's transactions have (Kafka's `transactional.id`).
pub const TRANSACTION_ID: &str = "spanbridge.transaction.id";
/// Failed operations of a transaction that is still open: what failed.
pub const TRANSACTION_OPERATION: &str = "spanbridge.transaction.operation";
/// The path of a source file.
pub const CODE_FILE_PATH: &str = "code.file.path";
/// The line of a source file, from 1.
pub const CODE_LINE_NUMBER: &str = "code.line.number";
/// What an error says, in an event about it.
pub const EXCEPTION_MESSAGE: &str = "exception.message";

/// Where an error came from, in an event about it.
pub const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";
/// The class of an error, in an event about it.
pub const EXCEPTION_TYPE: &str = "exception.type";
/// What the consumer has to do for a message to be settled: `ack`, `store_offset` (the client commits what is stored) or
/// `commit`. Not there where nobody has to ([`SETTLE_AUTOMATIC`]), or where that is not known.
pub const SETTLE_EXPECTED: &str = "spanbridge.settle.expected";
/// Nobody settles the message: the broker took it for settled when it delivered it, or the client stores and commits
/// offsets by itself.
pub const SETTLE_AUTOMATIC: &str = "spanbridge.settle.automatic";

/// How the work on a message hangs together with what sent it: `new_run` or `link`. Not there when the sender's span is
/// its parent.
pub const RELATION: &str = "spanbridge.relation";
/// The queue that a message was taken from, where its destination says more than that.
pub const QUEUE_NAME: &str = "spanbridge.queue.name";
/// The queue in which a message died that came through a dead-letter exchange. On a publish, this and the following are what
/// the message that is sent has behind it.
pub const DEAD_LETTER_QUEUE: &str = "spanbridge.dead_letter.queue";
/// Why it died: `rejected`, `expired`, `maxlen`, `delivery_limit`.
pub const DEAD_LETTER_REASON: &str = "spanbridge.dead_letter.reason";
/// How often it has died there for that reason.
pub const DEAD_LETTER_COUNT: &str = "spanbridge.dead_letter.count";
/// The exchange that it had come through before it died; empty for the default exchange.
pub const DEAD_LETTER_EXCHANGE: &str = "spanbridge.dead_letter.exchange";

/// Diagnostic: a received header could not be read, or not all of it.
pub const HEADER_MALFORMED: &str = "header.malformed";
/// Diagnostic: of the context of a message that was sent something was left out, because there was no room for it.
pub const INJECTION_DROPPED: &str = "injection.dropped";
/// Diagnostic: a broker refused a message as too large that had a context of ours in it.
pub const INJECTION_REFUSED: &str = "injection.refused";
/// Diagnostic: a call carries no context, because what it sends cannot hold one.
pub const INJECTION_NOT_POSSIBLE: &str = "injection.not_possible";
/// Diagnostic: of the baggage that came with a message something was left out, as the consumer was told to.
pub const BAGGAGE_FILTERED: &str = "baggage.filtered";
/// Diagnostic: the context that came with a message was not continued, as the consumer was told to.
pub const CONTEXT_IGNORED: &str = "context.ignored";
/// Diagnostic: a payload or headers were not recorded, because the redaction hook failed.
pub const REDACTION_FAILED: &str = "redaction.failed";
/// Diagnostic: of the rows that statements changed something could not be recorded.
pub const STATE_CAPTURE_FAILED: &str = "state.capture_failed";
/// Diagnostic: of what was said about a span something was cut, or left out, because there is no room for so much.
pub const ATTRIBUTES_CUT: &str = "cut.attributes";
/// Diagnostic: values of a row, or the whole change of it, were left out, because there is no room for so much in a record.
pub const MUTATION_CUT: &str = "cut.mutation";
/// The code of a diagnostic: of a payload that was to be recorded whole, only the beginning was recorded.
pub const ARTIFACT_CUT: &str = "cut.artifact";
/// Diagnostic: the time at which a message was sent lies in the future here: one of the two clocks is wrong.
pub const CLOCK_SKEW: &str = "clock.skew";
/// Diagnostic: a header of the Runtime API could not be read by `lambda_runtime`, and was mended or left out.
pub const RUNTIME_HEADER: &str = "runtime.header";
/// Diagnostic: a function's time is nearly over, and its handler has not ended.
pub const DEADLINE_NEAR: &str = "deadline.near";
/// Diagnostic: the flush after the invocation before was given up.
pub const FLUSH_INCOMPLETE: &str = "flush.incomplete";
/// Diagnostic: a function's answer did not come to Lambda.
pub const RESPONSE_LOST: &str = "response.lost";

/// The size of the body of an HTTP request in bytes.
pub const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
/// The method of an HTTP request: a known one, or `_OTHER`.
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
/// The method of an HTTP request as it is, if it is not a known one.
pub const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
/// How many times the HTTP request was sent before.
pub const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
/// The status of an HTTP response.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// The route that an HTTP request took, as it is configured.
pub const HTTP_ROUTE: &str = "http.route";
/// A whole URL, without secrets.
pub const URL_FULL: &str = "url.full";
/// The path of a URL.
pub const URL_PATH: &str = "url.path";
/// The query of a URL, without the `?`.
pub const URL_QUERY: &str = "url.query";
/// The scheme of a URL: `https`.
pub const URL_SCHEME: &str = "url.scheme";
/// What stands for all URLs of a kind: `/orders/{id}`.
pub const URL_TEMPLATE: &str = "url.template";
/// What a client calls itself.
pub const USER_AGENT_ORIGINAL: &str = "user_agent.original";
/// The version of the protocol that was spoken: `1.1`, `2`.
pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
/// The address of a client: of the one that began the request, if proxies are in between.
pub const CLIENT_ADDRESS: &str = "client.address";
/// The name of the host that a request was sent to, or of the broker.
pub const SERVER_ADDRESS: &str = "server.address";
/// Its port.
pub const SERVER_PORT: &str = "server.port";

/// The name of the function that runs.
pub const FAAS_NAME: &str = "faas.name";
/// The version of the function that runs.
pub const FAAS_VERSION: &str = "faas.version";
/// The id of the invocation: AWS's request id.
pub const FAAS_INVOCATION_ID: &str = "faas.invocation_id";
/// What triggered the function: `http`, `pubsub`, `datasource`, `timer`, `other`.
pub const FAAS_TRIGGER: &str = "faas.trigger";
/// Whether this is the first invocation of its process.
pub const FAAS_COLDSTART: &str = "faas.coldstart";
/// The memory of the function in bytes.
pub const FAAS_MAX_MEMORY: &str = "faas.max_memory";
/// The name of the function that is called.
pub const FAAS_INVOKED_NAME: &str = "faas.invoked_name";
/// The cloud of the function that is called.
pub const FAAS_INVOKED_PROVIDER: &str = "faas.invoked_provider";
/// The region of the function that is called.
pub const FAAS_INVOKED_REGION: &str = "faas.invoked_region";
/// Where the document is kept whose change triggered the function: a bucket, a table.
pub const FAAS_DOCUMENT_COLLECTION: &str = "faas.document.collection";
/// What was done to the document: `insert`, `edit`, `delete`.
pub const FAAS_DOCUMENT_OPERATION: &str = "faas.document.operation";
/// The name of the document: an object's key.
pub const FAAS_DOCUMENT_NAME: &str = "faas.document.name";
/// When it was done.
pub const FAAS_DOCUMENT_TIME: &str = "faas.document.time";
/// When a timer triggered the function.
pub const FAAS_TIME: &str = "faas.time";

/// The cloud: `aws`.
pub const CLOUD_PROVIDER: &str = "cloud.provider";
/// The region.
pub const CLOUD_REGION: &str = "cloud.region";
/// The account that a resource belongs to.
pub const CLOUD_ACCOUNT_ID: &str = "cloud.account.id";
/// The name of a resource in its cloud: an ARN, without an alias.
pub const CLOUD_RESOURCE_ID: &str = "cloud.resource_id";
/// The ARN that was invoked, with the alias or version if one was named.
pub const AWS_LAMBDA_INVOKED_ARN: &str = "aws.lambda.invoked_arn";
/// The id that AWS gave a request.
pub const AWS_REQUEST_ID: &str = "aws.request_id";
/// The URL of an SQS queue.
pub const AWS_SQS_QUEUE_URL: &str = "aws.sqs.queue.url";
/// The ARN of an SNS topic.
pub const AWS_SNS_TOPIC_ARN: &str = "aws.sns.topic.arn";
/// The bucket of an S3 object.
pub const AWS_S3_BUCKET: &str = "aws.s3.bucket";
/// The key of an S3 object.
pub const AWS_S3_KEY: &str = "aws.s3.key";

/// The remote-call system: `aws-api`.
pub const RPC_SYSTEM: &str = "rpc.system";
/// The service that is called.
pub const RPC_SERVICE: &str = "rpc.service";
/// How a remote call ended, in its system's own word: gRPC's `OK`, `DEADLINE_EXCEEDED`.
pub const RPC_RESPONSE_STATUS_CODE: &str = "rpc.response.status_code";
/// The operation that is called.
pub const RPC_METHOD: &str = "rpc.method";

/// When the function must have answered, in milliseconds since 1970.
pub const FUNCTION_DEADLINE_MS: &str = "spanbridge.function.deadline_ms";
/// How much time is left of that, in milliseconds.
pub const FUNCTION_TIME_LEFT_MS: &str = "spanbridge.function.time_left_ms";
/// How long the flush after the invocation before took, in milliseconds: it is over when that is known.
pub const FLUSH_PREVIOUS_MS: &str = "spanbridge.flush.previous_ms";
/// How many messages of a batch failed, or were left because one before them did.
pub const BATCH_FAILED_COUNT: &str = "spanbridge.batch.failed_count";
/// Who sent an event to EventBridge: its `source`.
pub const EVENTBRIDGE_SOURCE: &str = "spanbridge.eventbridge.source";
/// What an event of EventBridge is: its `detail-type`.
pub const EVENTBRIDGE_DETAIL_TYPE: &str = "spanbridge.eventbridge.detail_type";

/// How a function is called, where not so that the caller waits: `Event`, `DryRun`.
pub const FUNCTION_INVOCATION_TYPE: &str = "spanbridge.function.invocation_type";
/// Where an HTTP client was redirected to, without secrets: the URL of the response.
pub const HTTP_REDIRECTED_URL: &str = "spanbridge.http.redirected_url";
/// How many times a client sent a request until it was answered, where more than once.
pub const REQUEST_ATTEMPTS: &str = "spanbridge.request.attempts";
/// How many bytes of a response's body were handed to the server, if the response ended before the body did.
pub const RESPONSE_SENT_BYTES: &str = "spanbridge.response.sent_bytes";
/// What a check at the gateway answered: `allowed` or `denied`.
pub const GATEWAY_RESULT: &str = "spanbridge.gateway.result";

/// The database: `postgresql`, `sqlite`, …
pub const DB_SYSTEM_NAME: &str = "db.system.name";
/// What a query does, without values: `SELECT orders`.
pub const DB_QUERY_SUMMARY: &str = "db.query.summary";
/// The name of the database.
pub const DB_NAMESPACE: &str = "db.namespace";
/// The operation, if a query has one alone: `SELECT`.
pub const DB_OPERATION_NAME: &str = "db.operation.name";
/// The table, if a query has one alone.
pub const DB_COLLECTION_NAME: &str = "db.collection.name";
/// How many rows a query returned.
pub const DB_RESPONSE_RETURNED_ROWS: &str = "db.response.returned_rows";
/// The code with which the database refused a query: a SQLSTATE, the name of SQLite's result code.
pub const DB_RESPONSE_STATUS_CODE: &str = "db.response.status_code";
/// How many rows a statement changed.
pub const DB_AFFECTED_ROWS: &str = "spanbridge.db.affected_rows";
/// How a transaction ended: `committed`, `rolled_back`. Not there if that is not known.
pub const DB_TRANSACTION: &str = "spanbridge.db.transaction";

/// What is done, in one of the conventions' words: `chat`, `embeddings`, `execute_tool`, `invoke_agent`, …
pub const GEN_AI_OPERATION_NAME: &str = "gen_ai.operation.name";
/// Who serves the model, as the conventions call them: `openai`, `anthropic`, `aws.bedrock`, …
pub const GEN_AI_PROVIDER_NAME: &str = "gen_ai.provider.name";
/// The model that is asked for.
pub const GEN_AI_REQUEST_MODEL: &str = "gen_ai.request.model";
/// The answer is asked for as a stream. Not there if it is not.
pub const GEN_AI_REQUEST_STREAM: &str = "gen_ai.request.stream";
/// The model that answered.
pub const GEN_AI_RESPONSE_MODEL: &str = "gen_ai.response.model";
/// The id of the answer.
pub const GEN_AI_RESPONSE_ID: &str = "gen_ai.response.id";
/// Why the model stopped, for each choice that it gave: an array of texts.
pub const GEN_AI_RESPONSE_FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
/// How long the first piece of a stream took, in seconds.
pub const GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
/// All tokens that were read, those from a cache as well.
pub const GEN_AI_USAGE_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// All tokens that were written, those of reasoning as well.
pub const GEN_AI_USAGE_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// Tokens that were read from the provider's cache.
pub const GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
/// Tokens that were written to the provider's cache.
pub const GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: &str = "gen_ai.usage.cache_write.input_tokens";
/// Tokens that were written for reasoning.
pub const GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
/// The id of a conversation, where the application or the provider has one.
pub const GEN_AI_CONVERSATION_ID: &str = "gen_ai.conversation.id";
/// What the model was shown is a compacted view of the conversation. Not there if it is not.
pub const GEN_AI_CONVERSATION_COMPACTED: &str = "gen_ai.conversation.compacted";
/// The number of dimensions of an embedding.
pub const GEN_AI_EMBEDDINGS_DIMENSION_COUNT: &str = "gen_ai.embeddings.dimension.count";
/// The name of an agent, or of a workflow.
pub const GEN_AI_AGENT_NAME: &str = "gen_ai.agent.name";
/// The name of a tool.
pub const GEN_AI_TOOL_NAME: &str = "gen_ai.tool.name";
/// The id that the model gave a call of a tool.
pub const GEN_AI_TOOL_CALL_ID: &str = "gen_ai.tool.call.id";
/// The type of a tool: `function`, `extension`, `datastore`.
pub const GEN_AI_TOOL_TYPE: &str = "gen_ai.tool.type";
/// What is searched in: an index, a collection.
pub const GEN_AI_DATA_SOURCE_ID: &str = "gen_ai.data_source.id";
/// The maximum number of documents that are asked for.
pub const GEN_AI_RETRIEVAL_TOP_K: &str = "gen_ai.retrieval.top_k";
/// The store of memories.
pub const GEN_AI_MEMORY_STORE_ID: &str = "gen_ai.memory.store.id";
/// How many memories were found, written or deleted.
pub const GEN_AI_MEMORY_RECORD_COUNT: &str = "gen_ai.memory.record.count";
/// Event: an answer was judged.
pub const GEN_AI_EVALUATION_RESULT: &str = "gen_ai.evaluation.result";
/// The metric by which an answer is judged.
pub const GEN_AI_EVALUATION_NAME: &str = "gen_ai.evaluation.name";
/// The score, as a number.
pub const GEN_AI_EVALUATION_SCORE_VALUE: &str = "gen_ai.evaluation.score.value";
/// The score, as a word: `pass`.
pub const GEN_AI_EVALUATION_SCORE_LABEL: &str = "gen_ai.evaluation.score.label";

/// Content: the messages that a model is shown, as JSON.
pub const GEN_AI_INPUT_MESSAGES: &str = "gen_ai.input.messages";
/// Content: the messages that a model answered, as JSON.
pub const GEN_AI_OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
/// Content: the instructions that a model is given beside the messages, as JSON.
pub const GEN_AI_SYSTEM_INSTRUCTIONS: &str = "gen_ai.system_instructions";
/// Content: the tools that a model is offered, as JSON.
pub const GEN_AI_TOOL_DEFINITIONS: &str = "gen_ai.tool.definitions";
/// Content: what a tool is called with, as JSON.
pub const GEN_AI_TOOL_CALL_ARGUMENTS: &str = "gen_ai.tool.call.arguments";
/// Content: what a tool returned, as JSON.
pub const GEN_AI_TOOL_CALL_RESULT: &str = "gen_ai.tool.call.result";
/// Content: what is searched for.
pub const GEN_AI_RETRIEVAL_QUERY_TEXT: &str = "gen_ai.retrieval.query.text";
/// Content: the documents that were found, as JSON.
pub const GEN_AI_RETRIEVAL_DOCUMENTS: &str = "gen_ai.retrieval.documents";
/// Content: what is searched for in memories.
pub const GEN_AI_MEMORY_QUERY_TEXT: &str = "gen_ai.memory.query.text";
/// Content: the memories that were found or written, as JSON.
pub const GEN_AI_MEMORY_RECORDS: &str = "gen_ai.memory.records";
/// Content: why an answer got its score.
pub const GEN_AI_EVALUATION_EXPLANATION: &str = "gen_ai.evaluation.explanation";

/// What became smaller by compaction: its size afterwards, divided by the size before.
pub const COMPACTION_RATIO: &str = "spanbridge.compaction.ratio";
/// How many agents a composition has.
pub const COMPOSITION_AGENT_COUNT: &str = "spanbridge.composition.agent_count";
/// How they work together: `parallel`, `pipeline`, `consensus`, `swarm`, `branch`, `join`.
pub const COMPOSITION_KIND: &str = "spanbridge.composition.kind";
/// Sources that are new in a corpus.
pub const CORPUS_ADDED_COUNT: &str = "spanbridge.corpus.added_count";
/// How many chunks a source was cut into.
pub const CORPUS_CHUNK_COUNT: &str = "spanbridge.corpus.chunk_count";
/// A sync that changes nothing and only counts.
pub const CORPUS_DRY_RUN: &str = "spanbridge.corpus.dry_run";
/// The id of a corpus.
pub const CORPUS_ID: &str = "spanbridge.corpus.id";
/// The hash of a namespace: `xxh3:` and 32 hex digits.
pub const CORPUS_NAMESPACE_HASH: &str = "spanbridge.corpus.namespace.hash";
/// Sources that are no longer in a corpus.
pub const CORPUS_REMOVED_COUNT: &str = "spanbridge.corpus.removed_count";
/// What is done to a source: `add`, `update`, `remove`, `skip`.
pub const CORPUS_SOURCE_ACTION: &str = "spanbridge.corpus.source.action";
/// The hash of a source's id: `xxh3:` and 32 hex digits.
pub const CORPUS_SOURCE_HASH: &str = "spanbridge.corpus.source.hash";
/// Sources of a corpus that stayed as they were.
pub const CORPUS_UNCHANGED_COUNT: &str = "spanbridge.corpus.unchanged_count";
/// Sources of a corpus that have changed.
pub const CORPUS_UPDATED_COUNT: &str = "spanbridge.corpus.updated_count";
/// What something cost, in [`COST_CURRENCY`].
pub const COST_AMOUNT: &str = "spanbridge.cost.amount";
/// The currency of costs, by ISO 4217. Not there for US dollars.
pub const COST_CURRENCY: &str = "spanbridge.cost.currency";
/// What is said about costs: `report`; `warn`, if a threshold comes near; `limit`, if it is reached.
pub const COST_EVENT: &str = "spanbridge.cost.event";
/// What the cost is of: a model, a tool.
pub const COST_SOURCE: &str = "spanbridge.cost.source";
/// The amount that must not be exceeded.
pub const COST_THRESHOLD: &str = "spanbridge.cost.threshold";
/// What everything has cost until then.
pub const COST_TOTAL: &str = "spanbridge.cost.total";
/// The id of what an agent was asked to do.
pub const DELEGATION_ID: &str = "spanbridge.delegation.id";
/// The id of a flow.
pub const FLOW_ID: &str = "spanbridge.flow.id";
/// The id of a step in its flow.
pub const FLOW_STEP_ID: &str = "spanbridge.flow.step.id";
/// What a step is called.
pub const FLOW_STEP_LABEL: &str = "spanbridge.flow.step.label";
/// Where a flow waits, and goes on.
pub const FLOW_SUSPENSION_POINT: &str = "spanbridge.flow.suspension.point";
/// What kind of memory it is, in the application's word: `episodic`, `profile`.
pub const MEMORY_TYPE: &str = "spanbridge.memory.type";
/// How many bytes of a tool's output the model is shown.
pub const TOOL_OUTPUT_MODEL_BYTES: &str = "spanbridge.tool.output.model_bytes";
/// How many bytes a tool returned.
pub const TOOL_OUTPUT_RAW_BYTES: &str = "spanbridge.tool.output.raw_bytes";
/// How many tokens were saved by what the model is not shown of a tool's output, as estimated.
pub const TOOL_OUTPUT_SAVED_TOKENS: &str = "spanbridge.tool.output.saved_tokens";
/// What a tool returned: `text`, `json`, `table`, …
pub const TOOL_OUTPUT_TYPE: &str = "spanbridge.tool.output.type";

/// Of a span in OTLP: its run, if that is another than the trace's own.
pub const RUN_ID: &str = "spanbridge.run.id";
/// Of a span in OTLP: its primitive, if that is another than `custom.operation`.
pub const PRIMITIVE: &str = "spanbridge.primitive";
/// Of a span in OTLP: how it ended, if OTLP has no word for that: `cancelled`, `panicked`; or `open`, if it had to be given an end.
pub const SPAN_STATUS: &str = "spanbridge.status";
/// Of a link in OTLP: the type of the edge that it stands for.
pub const EDGE_TYPE: &str = "spanbridge.edge.type";
/// An event in OTLP: a diagnostic.
pub const DIAGNOSTIC: &str = "spanbridge.diagnostic";
/// The code of a diagnostic.
pub const DIAGNOSTIC_CODE: &str = "spanbridge.diagnostic.code";
/// What a diagnostic says.
pub const DIAGNOSTIC_MESSAGE: &str = "spanbridge.diagnostic.message";
/// How often that was.
pub const DIAGNOSTIC_COUNT: &str = "spanbridge.diagnostic.count";
/// An event in OTLP: an artifact.
pub const ARTIFACT: &str = "spanbridge.artifact";
/// The id of an artifact.
pub const ARTIFACT_ID: &str = "spanbridge.artifact.id";
/// What an artifact is to its span: `input`, `output`, …
pub const ARTIFACT_KIND: &str = "spanbridge.artifact.kind";
/// Its media type.
pub const ARTIFACT_CONTENT_TYPE: &str = "spanbridge.artifact.content_type";
/// How its preview is encoded.
pub const ARTIFACT_ENCODING: &str = "spanbridge.artifact.encoding";
/// The size of the whole payload, in bytes.
pub const ARTIFACT_SIZE: &str = "spanbridge.artifact.size_bytes";
/// A hash of the whole payload.
pub const ARTIFACT_HASH: &str = "spanbridge.artifact.hash";
/// The beginning of the payload.
pub const ARTIFACT_PREVIEW: &str = "spanbridge.artifact.preview";

/// What [`MESSAGING_OPERATION_TYPE`] was called before 1.26.
pub const OLD_MESSAGING_OPERATION: &str = "messaging.operation";
/// What [`HTTP_REQUEST_METHOD`] was called before 1.21.
pub const OLD_HTTP_METHOD: &str = "http.method";
/// What [`HTTP_RESPONSE_STATUS_CODE`] was called before 1.21.
pub const OLD_HTTP_STATUS_CODE: &str = "http.status_code";
/// What [`DB_SYSTEM_NAME`] was called before 1.29.
pub const OLD_DB_SYSTEM: &str = "db.system";
/// What [`FAAS_INVOCATION_ID`] was called before 1.19.
pub const OLD_FAAS_EXECUTION: &str = "faas.execution";

/// Of a resource: the name of the service.
pub const SERVICE_NAME: &str = "service.name";
/// Of a resource: the library that records.
pub const TELEMETRY_SDK_NAME: &str = "telemetry.sdk.name";
/// Of a resource: the language of that library.
pub const TELEMETRY_SDK_LANGUAGE: &str = "telemetry.sdk.language";
/// Of a resource: the version of that library.
pub const TELEMETRY_SDK_VERSION: &str = "telemetry.sdk.version";

/// The text of a query for a database.
pub const DB_QUERY_TEXT: &str = "db.query.text";
/// Begins the names of a query's parameters.
pub const DB_QUERY_PARAMETER: &str = "db.query.parameter.";

/// Metric: messages that were sent, or tried to.
pub const METRIC_SENT_MESSAGES: &str = "messaging.client.sent.messages";
/// Metric: messages that came to the application.
pub const METRIC_CONSUMED_MESSAGES: &str = "messaging.client.consumed.messages";
/// Metric: how long a call of a client took.
pub const METRIC_OPERATION_DURATION: &str = "messaging.client.operation.duration";
/// Metric: how long the work on a message took.
pub const METRIC_PROCESS_DURATION: &str = "messaging.process.duration";
/// Metric: records that were lost.
pub const METRIC_RECORDS_LOST: &str = "spanbridge.records.lost";
/// Metric: what became of the spans of an exporter.
pub const METRIC_EXPORTED_SPANS: &str = "spanbridge.exporter.spans";
/// Of a metric: why records were lost: `memory`, `behind`, `rejected`.
pub const LOST_REASON: &str = "spanbridge.lost.reason";
/// Of a metric: the sink.
pub const SINK_NAME: &str = "spanbridge.sink.name";
/// Of a metric: the exporter.
pub const EXPORTER_NAME: &str = "spanbridge.exporter.name";
/// Of a metric: what became of spans: `accepted`, `lost`, `not_chosen`.
pub const EXPORTER_OUTCOME: &str = "spanbridge.exporter.outcome";
/// Of a metric: there were too many combinations of attributes, and this stands for the rest.
pub const METRIC_OVERFLOW: &str = "otel.metric.overflow";

/// Attributes whose values are content, not names or measures. Of URLs, only a part is; they are not among these.
const CONTENT: [&str; 19] = [
    AWS_S3_KEY,
    CODE_FILE_PATH,
    DB_QUERY_TEXT,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    FAAS_DOCUMENT_NAME,
    KAFKA_MESSAGE_KEY,
    GEN_AI_EVALUATION_EXPLANATION,
    GEN_AI_INPUT_MESSAGES,
    GEN_AI_MEMORY_QUERY_TEXT,
    GEN_AI_MEMORY_RECORDS,
    GEN_AI_OUTPUT_MESSAGES,
    GEN_AI_RETRIEVAL_DOCUMENTS,
    GEN_AI_RETRIEVAL_QUERY_TEXT,
    GEN_AI_SYSTEM_INSTRUCTIONS,
    GEN_AI_TOOL_CALL_ARGUMENTS,
    GEN_AI_TOOL_CALL_RESULT,
    GEN_AI_TOOL_DEFINITIONS,
    VALUE_TEXT,
];

/// Whether the value of an attribute is content: a message's key, the text of an error or a query, what a model was asked, the name
/// of a file. An exporter that is not allowed to show content leaves it out.
pub fn is_content(key: &str) -> bool {
    CONTENT.contains(&key) || key.starts_with(DB_QUERY_PARAMETER)
}
