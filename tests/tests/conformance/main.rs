//! One story over every transport: the bodies are the kit's, and what differs between transports is data.

mod amqp;
mod in_process;
mod kafka;

use spanbridge::conformance::{Abilities, ChapterResult, Transport};

/// A test for each chapter and transport, so that a failure names both.
macro_rules! over_every_transport {
    ($($chapter:ident)*) => {
        mod over_in_process {
            $(#[tokio::test]
            async fn $chapter() {
                let transport = crate::in_process::InProcess::new();
                crate::report(spanbridge::conformance::$chapter(&transport).await);
            })*
        }

        mod over_amqp {
            $(#[tokio::test]
            async fn $chapter() {
                let Some(transport) = crate::amqp::Amqp::connect().await else { return };
                crate::report(spanbridge::conformance::$chapter(&transport).await);
            })*
        }

        mod over_kafka {
            $(#[tokio::test]
            async fn $chapter() {
                let transport = crate::kafka::Kafka::connect().await;
                crate::report(spanbridge::conformance::$chapter(&transport).await);
            })*
        }
    };
}
spanbridge::conformance_chapters!(over_every_transport);

/// Which chapters do not apply to a transport is settled by its abilities; nothing is skipped for want of a service.
fn report(told: ChapterResult) {
    if let ChapterResult::NotApplicable(what) = told {
        println!("does not apply: the transport cannot {what}")
    }
}

/// What an adapter can do is told in all of its parts: of what it leaves out nothing would be tested.
#[tokio::test]
async fn adapters_leave_out_what_their_brokers_lack() {
    let all = all_abilities();
    assert_eq!(kafka::Kafka::connect().await.abilities(), all);
    let Some(amqp) = amqp::Amqp::connect().await else { return };
    let amqp = amqp.abilities();
    // AMQP's headers are a table whose names are text, and classic queues do not count deliveries.
    let mut expected = all;
    (expected.binary_names, expected.duplicate_headers, expected.redelivery_count) = (false, false, false);
    expected.header_limit = amqp.header_limit;
    assert_eq!(amqp, expected);
}

/// Those of a transport that can do everything, and has no limit of its own.
fn all_abilities() -> Abilities {
    let mut all = Abilities::default();
    all.own_headers = true;
    all.binary_values = true;
    all.binary_names = true;
    all.null_values = true;
    all.duplicate_headers = true;
    all.confirms = true;
    all.redelivery = true;
    all.redelivery_count = true;
    all.settlement = true;
    all.batches = true;
    all.ordering = true;
    all
}

/// Chapters leave the queue empty, so that the whole story can be told over one.
#[tokio::test]
async fn the_story_as_a_whole() {
    let transport = in_process::InProcess::new();
    let told = spanbridge::conformance::story(&transport).await;
    let cannot: Vec<_> =
        told.iter().filter(|(_, t)| *t != ChapterResult::Passed).map(|(chapter, _)| *chapter).collect();
    assert_eq!(
        cannot,
        [
            "of_duplicates_the_last_counts",
            "names_in_other_case_are_replaced",
            "what_has_no_room_is_left_out",
            "a_settlement_is_recorded",
            "a_batch_is_linked_to_every_sender"
        ]
    );
    assert!(transport.abilities().confirms);
}
