//! The sources of events.

/// Where an event comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// A direct call, and everything that is none of the others.
    #[default]
    Direct,
    /// API Gateway: REST, HTTP and WebSocket APIs.
    ApiGateway,
    /// An Application Load Balancer.
    LoadBalancer,
    /// The function's own URL.
    FunctionUrl,
    /// VPC Lattice.
    VpcLattice,
    /// SQS.
    Sqs,
    /// SNS.
    Sns,
    /// EventBridge.
    EventBridge,
    /// A schedule of EventBridge.
    Schedule,
    /// Kinesis.
    Kinesis,
    /// A stream of DynamoDB.
    DynamoDb,
    /// Kafka: MSK, or self-managed.
    Kafka,
    /// Amazon MQ with RabbitMQ.
    RabbitMq,
    /// Amazon MQ with ActiveMQ.
    ActiveMq,
    /// S3.
    S3,
    /// CloudWatch Logs.
    CloudWatchLogs,
}

impl Source {
    /// What triggered the function, by OpenTelemetry's conventions
    /// ([`faas.trigger`](https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/#function-trigger-type)).
    pub fn trigger(self) -> &'static str {
        match self {
            Source::ApiGateway | Source::LoadBalancer | Source::FunctionUrl | Source::VpcLattice => "http",
            Source::Sqs
            | Source::Sns
            | Source::EventBridge
            | Source::Kinesis
            | Source::Kafka
            | Source::RabbitMq
            | Source::ActiveMq => "pubsub",
            Source::DynamoDb | Source::S3 => "datasource",
            Source::Schedule => "timer",
            Source::Direct | Source::CloudWatchLogs => "other",
        }
    }

    /// The messaging system (`messaging.system`), by OpenTelemetry's conventions where they have a name for it. `None` if the
    /// source does not send messages.
    pub fn messaging_system(self) -> Option<&'static str> {
        Some(match self {
            Source::Sqs => "aws_sqs",
            Source::Sns => "aws.sns",
            Source::EventBridge => "aws.eventbridge",
            Source::Kinesis => "aws.kinesis",
            Source::DynamoDb => "aws.dynamodb",
            Source::Kafka => "kafka",
            Source::RabbitMq => "rabbitmq",
            Source::ActiveMq => "activemq",
            _ => return None,
        })
    }

    /// Whether an event is an HTTP request.
    #[cfg(feature = "runtime")]
    pub(crate) fn is_request(self) -> bool {
        matches!(self, Source::ApiGateway | Source::LoadBalancer | Source::FunctionUrl | Source::VpcLattice)
    }

    /// Whether records have headers or attributes.
    #[cfg(feature = "runtime")]
    pub(crate) fn has_headers(self) -> bool {
        matches!(self, Source::Sqs | Source::Sns | Source::Kafka | Source::RabbitMq | Source::ActiveMq)
    }
}
