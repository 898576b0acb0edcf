//! What a receiver may answer, and what becomes of the spans.

use crate::chance::sometimes;
use crate::receiver::{Receiver, Reply, Silent};
use crate::support::*;
use spanbridge_otel::{ExportCounter, Exporter, Telemetry};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What becomes of three spans in one delivery, and what the report of the flush says: records that were taken and rejected.
fn send(
    receiver: &Receiver,
    set_up: impl FnOnce(Exporter<spanbridge_otel::export::Url>) -> Exporter<spanbridge_otel::export::Url>,
) -> (ExportCounter, [u64; 2]) {
    let exporter = set_up(Exporter::url(receiver.url()).timeout(LONG));
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["a", "b", "c"]);
    let report = flush(&recorder);
    let sink = &report.sinks[0];
    assert_eq!((sink.dropped, sink.left), (0, 0));
    (counter, [sink.delivered, sink.rejected])
}

#[test]
fn four_statuses_are_retried() {
    for status in [429, 502, 503, 504] {
        let receiver = Receiver::scripted([Reply::status(status), Reply::status(status)], Reply::ok());
        let (counter, records) = send(&receiver, |exporter| exporter);
        assert_eq!((receiver.requests().len(), counts(&counter)), (3, [3, 0, 0, 0]), "{status}");
        assert_eq!(records[1], 0);
        assert_eq!(receiver.names(), ["a", "b", "c"]);
        // The same spans each time.
        let [first, _, last] = &receiver.requests()[..] else { panic!() };
        assert_eq!(first.spans(), last.spans());
    }
}

#[test]
fn all_others_are_a_loss_at_once() {
    for status in [100, 304, 400, 401, 403, 404, 408, 413, 500, 501, 505, 599] {
        let body = br#"{"code":3,"message":"bad key"}"#.to_vec();
        let receiver = Receiver::scripted([], Reply::Answer(status, "content-type: application/json\r\n", body));
        // After 100, another answer has to come.
        let timeout = if status == 100 { Duration::from_millis(50) } else { LONG };
        let (counter, [_, rejected]) = send(&receiver, |exporter| exporter.timeout(timeout));
        assert_eq!((counts(&counter), rejected), ([0, 3, 0, 0], 3), "{status}");
        if ![100, 304].contains(&status) {
            assert_eq!(receiver.requests().len(), 1, "{status}");
            let error = counter.counts().last_error;
            assert_eq!(error, Some(format!("the receiver answered {status}: bad key")));
        }
    }
}

#[test]
fn a_lost_connection_is_retried() {
    for lost in [Reply::Close, Reply::Reset] {
        let receiver = Receiver::scripted([lost.clone(), lost.clone()], Reply::ok());
        let (counter, [_, rejected]) = send(&receiver, |exporter| exporter);
        assert_eq!((counts(&counter), rejected), ([3, 0, 0, 0], 0), "{lost:?}");
    }
}

/// It may have taken them each time.
#[test]
fn what_is_never_answered_is_sent_five_times() {
    let receiver = Receiver::scripted([], Reply::Close);
    let (counter, [_, rejected]) = send(&receiver, |exporter| exporter);
    assert_eq!((counts(&counter), rejected, receiver.requests().len()), ([0, 3, 0, 0], 3, 5));
    let receiver = Receiver::scripted([], Reply::Hang);
    let (counter, [_, rejected]) = send(&receiver, |exporter| exporter.timeout(Duration::from_millis(100)));
    assert_eq!((counts(&counter), rejected), ([0, 3, 0, 0], 3));
    // An attempt may be over before the receiver has read it whole.
    until("a request", || (!receiver.requests().is_empty()).then_some(()));
    assert!(receiver.requests().len() <= 5);
}

/// A receiver that is started later gets what was recorded before.
#[test]
fn who_cannot_be_reached_is_waited_for() {
    let address = Silent::new();
    let exporter = Exporter::url(address.url());
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["a"]);
    let flushed = recorder.flush(LONG);
    until("an attempt", || counter.counts().last_error);
    assert_eq!(counts(&counter), [0, 0, 0, 1]);
    let receiver = Receiver::at(address);
    until("the next attempt", || (counts(&counter) == [1, 0, 0, 0]).then_some(()));
    drop(flushed);
    assert_eq!(receiver.names(), ["a"]);
}

/// The next attempt would have been after the end.
#[test]
fn who_is_back_at_the_end_gets_the_rest() {
    sometimes("the last attempt is not later than without an end", |_| {
        let receiver = Receiver::scripted([], Reply::status(503));
        let exporter = Exporter::url(receiver.url()).timeout(LONG);
        let counter = exporter.counter();
        let recorder = builder(Telemetry::new("my-app").exporter(exporter)).build().unwrap();
        record(&recorder, &["a"]);
        // After that the pause is between 1.6 and 3.2 seconds.
        until("seven attempts", || (receiver.requests().len() == 7).then_some(()));
        receiver.now(Reply::ok());
        let report = recorder.shutdown(LONG);
        assert_eq!((counts(&counter), receiver.names()), ([1, 0, 0, 0], vec!["a".to_owned()]), "{report:?}");
        let [.., before, last] = &receiver.requests()[..] else { panic!("two requests") };
        last.at - before.at < Duration::from_millis(1500)
    });
}

#[test]
fn garbage_is_a_loss() {
    let receiver = Receiver::scripted([], Reply::Garbage);
    let (counter, [_, rejected]) = send(&receiver, |exporter| exporter);
    assert_eq!((counts(&counter), rejected, receiver.requests().len()), ([0, 3, 0, 0], 3, 1));
}

/// It has said that it took them. A retry would double them.
#[test]
fn a_success_with_a_strange_body_is_one() {
    for body in [&b"<html>"[..], &[0xff; 100], &[0x0a; 100]] {
        let reply = Reply::Answer(200, "content-type: application/x-protobuf\r\n", body.to_vec());
        let receiver = Receiver::scripted([], reply);
        let (counter, [_, rejected]) = send(&receiver, |exporter| exporter);
        assert_eq!((counts(&counter), rejected, receiver.requests().len()), ([3, 0, 0, 0], 0, 1));
        assert_eq!(counter.counts().last_error.as_deref(), Some("the receiver's answer cannot be read"));
    }
    let receiver = Receiver::scripted([], Reply::Flood);
    let (counter, _) = send(&receiver, |exporter| exporter);
    assert_eq!((counts(&counter), receiver.requests().len()), ([3, 0, 0, 0], 1));
    // 4 MiB, and what the system buffers.
    assert!(receiver.written() < 32 << 20, "{}", receiver.written());
    sometimes("a success whose body comes too slowly is sent again", |_| {
        let receiver = Receiver::scripted([], Reply::Drip);
        let (counter, _) = send(&receiver, |exporter| exporter.timeout(Duration::from_millis(500)));
        counts(&counter) == [3, 0, 0, 0] && receiver.requests().len() == 1
    });
}

#[test]
fn a_partial_success_is_counted_and_not_retried() {
    let protobuf = |rejected: u8| {
        Reply::Answer(
            200,
            "content-type: application/x-protobuf\r\n",
            [b"\x0a\x09\x08", &[rejected][..], b"\x12\x05large"].concat(),
        )
    };
    let json = |body: &str| Reply::Answer(200, "content-type: application/json; charset=utf-8\r\n", body.into());
    for (reply, rejected) in [
        (protobuf(1), 1),
        (protobuf(3), 3),
        (protobuf(99), 3),
        (protobuf(0), 0),
        (json(r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"large"}}"#), 2),
        (json(r#"{"partialSuccess":{"rejectedSpans":2,"errorMessage":"large"}}"#), 2),
        (json(r#"{"partialSuccess":{"rejectedSpans":"-2","errorMessage":"large"}}"#), 0),
    ] {
        let receiver = Receiver::scripted([], reply.clone());
        let (counter, [delivered, of_records]) = send(&receiver, |exporter| exporter);
        assert_eq!(counts(&counter), [3 - rejected, rejected, 0, 0], "{reply:?}");
        assert_eq!((receiver.requests().len(), of_records), (1, rejected));
        assert!(delivered > 0);
        let error = counter.counts().last_error;
        assert_eq!(error, Some(format!("the receiver rejected {rejected} spans: large")));
    }
}

#[test]
fn retry_after_is_kept() {
    type Header = fn() -> (String, Instant);
    let headers: [Header; 3] = [
        || ("1".to_owned(), Instant::now() + Duration::from_secs(1)),
        || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let then = now.as_secs() + 2;
            (http_date(then), Instant::now() + (Duration::from_secs(then) - now))
        },
        || ("0".to_owned(), Instant::now()),
    ];
    for header in headers {
        let (value, due) = header();
        let header = format!("retry-after: {value}\r\n").leak();
        let receiver = Receiver::scripted([Reply::Answer(503, header, vec![])], Reply::ok());
        let (counter, _) = send(&receiver, |exporter| exporter);
        let [_, second] = &receiver.requests()[..] else { panic!("{:?}", receiver.requests()) };
        // The clocks for dates and for pauses are not the same.
        assert!(second.at + Duration::from_millis(20) >= due, "{value}: {:?} too early", due - second.at);
        assert_eq!(counts(&counter), [3, 0, 0, 0]);
    }
}

/// The day of the week does not count.
fn http_date(seconds: u64) -> String {
    let (days, of_day) = ((seconds / 86_400) as i64, seconds % 86_400);
    // By Howard Hinnant's rule, the reverse of what the exporter reads with.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 2, 0) } else { (month - 10, 1) };
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, name) = (year_of_era + era * 400 + next, names[month as usize]);
    format!("Mon, {day:02} {name} {year} {:02}:{:02}:{:02} GMT", of_day / 3600, of_day / 60 % 60, of_day % 60)
}
