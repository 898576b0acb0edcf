//! Runs that are suspended, resumed, handed over and ended: their status, how long they waited, and what is a conflict.

mod common;

use common::*;
use spanbridge::Status;
use spanbridge::record::{self, *};
use spanbridge_graph::{Graph, RunStatus};

/// One segment of the run: a process on a host.
struct Segment(Recording, Vec<Record<'static>>);

impl Segment {
    fn on(
        host: &'static str,
        number: u64,
        service: &'static str,
        at: u64,
        via: Via,
        after: Option<&'static str>,
    ) -> Self {
        let resource = attributes(&[("host.name", AttributeValue::Str(host.into()))]);
        let body =
            Body::Segment(record::Segment::new(T0 + at * MS, resource, via).with_suspension_id(after.map(Into::into)));
        Segment(Recording::of(run(1), number, service), vec![]).and(body)
    }

    fn start(number: u64, at: u64) -> Self {
        Self::on("h", number, "flows", at, Via::Start, None).and(run_start("approval", at, None))
    }

    /// Resumes a suspension.
    fn resume(number: u64, suspension: &'static str, at: u64) -> Self {
        Self::resume_on("h", number, suspension, at)
    }

    fn resume_on(host: &'static str, number: u64, suspension: &'static str, at: u64) -> Self {
        let resumed = Body::RunResume(RunResume::new(suspension, T0 + at * MS));
        Self::on(host, number, "flows", at, Via::Resume, Some(suspension)).and(resumed)
    }

    /// Resumes a run that another segment left.
    fn take_over(number: u64, at: u64) -> Self {
        Self::on("h", number, "flows", at, Via::Resume, None)
    }

    /// Resumes after a resumption by another segment, on another host. It is a resumption, too.
    fn after_on(
        host: &'static str,
        number: u64,
        resumption: &'static str,
        after: Option<&'static str>,
        at: u64,
    ) -> Self {
        let mut segment = Self::on(host, number, "flows", at, Via::Resume, None);
        if let Body::Segment(record::Segment { resumption_id, previous_resumption_id, .. }) = &mut segment.1[0].body {
            (*resumption_id, *previous_resumption_id) = (Some(resumption.into()), after.map(Into::into));
        }
        segment
    }

    fn and(mut self, body: Body<'static>) -> Self {
        self.1.push(self.0.record(body));
        self
    }

    fn span(mut self, id: u64, from: u64, to: u64) -> Self {
        self.1.push(self.0.span(id, 0, "step", from, to));
        self
    }

    fn suspend(self, suspension: &'static str, at: u64) -> Vec<Record<'static>> {
        let reason = Some("a person".into());
        self.and(Body::RunSuspend(RunSuspend::new(suspension, T0 + at * MS).with_reason(reason))).1
    }

    fn end(self, at: u64, status: Status) -> Vec<Record<'static>> {
        self.and(Body::RunEnd(RunEnd::new(T0 + at * MS, status))).1
    }

    fn crash(self) -> Vec<Record<'static>> {
        self.1
    }
}

/// The graph. It is the same for any order of the records, and if they come twice.
#[track_caller]
fn graph(segments: &[Vec<Record<'static>>]) -> Graph {
    let records = segments.concat();
    let graph = Graph::build(run(1), &records);
    let reversed: Vec<_> = records.iter().chain(&records).rev().cloned().collect();
    assert_eq!(Graph::build(run(1), &reversed).to_json(), graph.to_json());
    graph
}

#[track_caller]
fn is(segments: &[Vec<Record<'static>>], status: RunStatus, diagnostics: &[&str]) {
    let graph = graph(segments);
    let told: Vec<_> = graph.diagnostics.iter().map(|d| (d.code.as_str(), d.message.as_str())).collect();
    let expected: Vec<_> = diagnostics.iter().map(|message| ("conflict", *message)).collect();
    assert_eq!((graph.run.status, told), (status, expected));
}

#[test]
fn a_run_continues_until_someone_ends_it() {
    let a = Segment::start(1, 0).suspend("s", 10);
    let b = Segment::resume(2, "s", 20);
    is(std::slice::from_ref(&a), RunStatus::Suspended, &[]);
    is(&[a.clone(), b.crash()], RunStatus::Open, &[]);
    is(&[a.clone(), Segment::resume(2, "s", 20).suspend("t", 30)], RunStatus::Suspended, &[]);
    for (status, expected) in
        [(Status::Ok, RunStatus::Ok), (Status::Error, RunStatus::Error), (Status::Cancelled, RunStatus::Cancelled)]
    {
        is(&[a.clone(), Segment::resume(2, "s", 20).end(30, status)], expected, &[]);
    }
    // Ending a suspended run without resuming it is no conflict.
    let ended = Segment::on("h", 2, "flows", 20, Via::Resume, Some("s")).end(20, Status::Cancelled);
    is(&[a.clone(), ended], RunStatus::Cancelled, &[]);
    // A run that was left and resumed was never suspended.
    is(&[Segment::start(1, 0).crash(), Segment::take_over(2, 20).end(30, Status::Ok)], RunStatus::Ok, &[]);
    is(&[Segment::take_over(2, 20).crash()], RunStatus::Open, &[]);
}

#[test]
fn lost_records_are_not_invented() {
    // The start and the suspension were lost with their process.
    let b = || Segment::resume(2, "s", 20);
    is(&[b().crash()], RunStatus::Open, &[]);
    is(&[b().end(30, Status::Ok)], RunStatus::Ok, &[]);
    let suspension = &graph(&[b().crash()]).run.suspensions[0];
    assert_eq!(
        (suspension.suspended_at, suspension.resumed_at, suspension.segment_id),
        (None, Some(T0 + 20 * MS), None)
    );
    // Only the segment of a resume is recorded.
    let only_segment = Segment::on("h", 2, "flows", 20, Via::Resume, Some("s")).span(1, 20, 21);
    is(&[Segment::start(1, 0).suspend("s", 10), only_segment.crash()], RunStatus::Open, &[]);
}

#[test]
fn five_may_resume_at_once() {
    let a = Segment::start(1, 0).suspend("s", 10);
    let worker = |n: u64| Segment::resume(n, "s", 20 + n).span(n, 20 + n, 40 + n);
    let mut all = vec![a];
    all.extend((2..6).map(|n| worker(n).crash()));
    is(&all, RunStatus::Open, &[]);
    all.push(worker(6).end(60, Status::Ok));
    is(&all, RunStatus::Ok, &[]);
    let run = graph(&all).run;
    assert_eq!(run.suspensions.len(), 1);
    assert_eq!(run.suspensions[0].resumed_at, Some(T0 + 22 * MS), "the first ended the wait");
    let concurrent = run.segments.iter().filter(|s| s.suspension_id.as_deref() == Some("s"));
    assert_eq!(concurrent.count(), 5);
}

#[test]
fn two_ends_conflict_and_the_first_is_shown() {
    let all = [
        Segment::start(1, 0).suspend("s", 10),
        Segment::resume(2, "s", 20).end(40, Status::Error),
        Segment::resume(3, "s", 21).end(30, Status::Ok),
    ];
    is(
        &all,
        RunStatus::Conflicted,
        &[
            "the run was ended twice: as ok by flows (segment 00000000), as an error by flows (segment 00000000); the earliest \
           is shown",
        ],
    );
    assert_eq!(graph(&all).run.ended_at, Some(T0 + 30 * MS));
    // The process was restarted from the same saved context, and ended the run again: the same.
    let [a, b] = [Segment::take_over(2, 20).end(30, Status::Ok), Segment::take_over(3, 40).end(50, Status::Ok)];
    let twice = graph(&[Segment::start(1, 0).crash(), a, b]);
    assert_eq!((twice.run.status, twice.diagnostics.len()), (RunStatus::Conflicted, 1));
}

#[test]
fn many_ends_are_one_conflict() {
    let ends = (2..1_000).map(|n| Segment::take_over(n, 20).end(30 + n, Status::Ok));
    let all: Vec<_> = std::iter::once(Segment::start(1, 0).crash()).chain(ends).collect();
    let graph = graph(&all);
    assert_eq!(graph.diagnostics.len(), 1);
    let message = &graph.diagnostics[0].message;
    assert!(message.starts_with("the run was ended 998 times: ") && message.len() < 300, "{message}");
}

#[test]
fn resuming_after_the_end_is_a_conflict() {
    let ended = || vec![Segment::start(1, 0).suspend("s", 10), Segment::resume(2, "s", 20).end(30, Status::Ok)];
    let with = |late: Vec<Record<'static>>| [ended(), vec![late]].concat();
    let resumed = "the run was resumed by flows (segment 00000000) after flows (segment 00000000) had ended it";
    let suspended = "the run was suspended by flows (segment 00000000) after flows (segment 00000000) had ended it";
    // An old saved context is used again.
    is(&with(Segment::resume(3, "s", 40).crash()), RunStatus::Conflicted, &[resumed]);
    is(&with(Segment::resume(3, "s", 40).suspend("t", 50)), RunStatus::Conflicted, &[resumed]);
    is(&with(Segment::take_over(3, 40).span(1, 40, 50).crash()), RunStatus::Conflicted, &[resumed]);
    // It resumed before the end, and suspends after it.
    is(&with(Segment::resume(3, "s", 25).suspend("t", 40)), RunStatus::Conflicted, &[suspended]);
    // It resumed before the end, and only works after it. Queued work may come later.
    is(&with(Segment::resume(3, "s", 25).span(1, 40, 50).crash()), RunStatus::Ok, &[]);
    let many: Vec<_> = (3..100).map(|n| Segment::resume(n, "s", 40).crash()).collect();
    let many = graph(&[ended(), many].concat()).diagnostics;
    assert_eq!((many.len(), many[4].message.as_str()), (5, "93 more segments came after the run had ended"));
    // Records that conflict with the end are kept.
    let graph = graph(&with(Segment::resume(3, "s", 40).span(1, 40, 50).crash()));
    assert_eq!((graph.spans.len(), graph.run.segments.len()), (1, 3));
    assert_eq!(graph.run.ended_at, Some(T0 + 30 * MS));
}

#[test]
fn clocks_that_differ_are_no_conflict() {
    // B's clock is an hour ahead of C's, but B suspended what C resumed and ended.
    const HOUR: u64 = 3_600_000;
    let all = [
        Segment::start(1, 0).suspend("s", 10),
        Segment::resume_on("b", 2, "s", HOUR).suspend("t", HOUR + 5),
        Segment::resume_on("c", 3, "t", 40).end(50, Status::Ok),
    ];
    is(&all, RunStatus::Ok, &[]);
    // Without an order, a difference that clocks of two hosts may have says nothing.
    let side_by_side = |at| {
        [
            Segment::start(1, 0).suspend("s", 10),
            Segment::resume_on("b", 2, "s", at).crash(),
            Segment::resume_on("c", 3, "s", 20).end(30, Status::Ok),
        ]
    };
    is(&side_by_side(30 + 1_000), RunStatus::Ok, &[]);
    assert_eq!(graph(&side_by_side(30 + 1_001)).run.status, RunStatus::Conflicted);
}

/// Suspensions and resumptions say which segment came first, whatever the clocks say.
#[test]
fn clocks_do_not_decide_who_came_after_the_end() {
    const HOUR: u64 = 3_600_000;
    let a = || Segment::start(1, 0).crash();
    let b = || Segment::after_on("b", 2, "one", None, HOUR).span(2, HOUR, HOUR + 5);
    let c = |after| Segment::after_on("c", 3, "two", after, 40).end(50, Status::Ok);
    // A left the run to B, whose clock is an hour ahead, and B left it to C, who ended it.
    is(&[a(), b().crash(), c(Some("one"))], RunStatus::Ok, &[]);
    // With one more between them, whose clock is ahead, too.
    let d = Segment::after_on("d", 4, "three", Some("two"), 60).end(70, Status::Ok);
    let between = Segment::after_on("c", 3, "two", Some("one"), 2 * HOUR).crash();
    is(&[a(), b().crash(), between.clone(), d.clone()], RunStatus::Ok, &[]);
    // A resumption has two segments if its recorder began a new one.
    let again = Segment::after_on("b", 5, "one", None, HOUR + 9).span(5, HOUR + 9, HOUR + 10).crash();
    is(&[a(), b().crash(), again, between.clone(), d.clone()], RunStatus::Ok, &[]);
    // If one between them is not recorded, or names no resumption, the clocks decide.
    let resumed = "the run was resumed by flows (segment 00000000) after flows (segment 00000000) had ended it";
    is(&[a(), b().crash(), d], RunStatus::Conflicted, &[resumed]);
    is(&[a(), b().crash(), c(None)], RunStatus::Conflicted, &[resumed]);
    // B gave away a copy of the saved run, and suspended the run itself an hour after that copy had ended it.
    let suspended = "the run was suspended by flows (segment 00000000) after flows (segment 00000000) had ended it";
    is(&[a(), b().suspend("s", HOUR + 9), c(Some("one"))], RunStatus::Conflicted, &[suspended]);
    // Cycles end.
    let circle = Segment::after_on("c", 3, "one", Some("one"), 40).end(50, Status::Ok);
    is(&[a(), b().crash(), circle], RunStatus::Ok, &[]);
}

#[test]
fn the_same_record_with_other_content() {
    let a = Segment::start(1, 0).suspend("s", 10);
    let mut other = a[2].clone();
    other.body = Body::RunSuspend(RunSuspend::new("t", T0 + 11 * MS));
    let graph = Graph::build(run(1), &[a, vec![other]].concat());
    assert_eq!(graph.run.status, RunStatus::Conflicted);
    assert_eq!(
        graph.diagnostics[0].message,
        "a record came twice with the same id and different content; the first is shown"
    );
    assert_eq!(graph.run.suspensions[0].suspension_id, "s", "nothing is overwritten");
}

#[test]
fn waiting_and_working_are_separate() {
    let times = |segments: &[Vec<Record<'static>>]| {
        let run = graph(segments).run;
        let end = run.ended_at.unwrap_or(run.started_at);
        (run.waited / MS, run.worked(end) / MS)
    };
    let a = || Segment::start(1, 0).span(1, 0, 10);
    let c = |at, end| Segment::resume(3, "t", at).end(end, Status::Ok);
    let b = || Segment::resume(2, "s", 1_000).suspend("t", 1_100);
    assert_eq!(times(&[a().suspend("s", 10), b(), c(3_000, 3_050)]), (990 + 1_900, 10 + 100 + 50));
    // What ran meanwhile is work: a job that was handed over before, and a span around the suspension itself.
    let mut job = Recording::of(run(1), 9, "mail");
    let job = vec![job.span(8, 0, "job", 500, 600), job.span(9, 0, "around", 5, 20)];
    assert_eq!(times(&[a().suspend("s", 10), job, b(), c(3_000, 3_050)]), (990 - 110 + 1_900, 10 + 110 + 100 + 50));
    // Two waits at once count once, and the end of the run ends open waits.
    let fan = [
        a().suspend("s", 10),
        Segment::resume(2, "s", 20).suspend("t", 30),
        Segment::resume(3, "s", 20).suspend("u", 40),
        Segment::resume(4, "t", 60).end(100, Status::Ok),
    ];
    assert_eq!(times(&fan), (10 + 70, 20));
    // A wait inside another does not count twice, whatever ran meanwhile.
    let nested = [
        a().suspend("s", 10),
        Segment::take_over(2, 20).span(2, 30, 85).suspend("t", 20),
        Segment::resume(3, "t", 40).crash(),
        Segment::resume(4, "s", 80).end(90, Status::Ok),
    ];
    assert_eq!(times(&nested), (20, 70));
    // How long it will still wait is not known.
    let waiting = graph(&[a().suspend("s", 10)]).to_json();
    assert_eq!((&waiting["run"]["waitedMs"], waiting["run"].get("workedMs")), (&0.0.into(), None));
    let done = graph(&[a().suspend("s", 10), Segment::resume(2, "s", 30).end(45, Status::Ok)]).to_json();
    assert_eq!((&done["run"]["waitedMs"], &done["run"]["workedMs"]), (&20.0.into(), &25.0.into()));
    let plain = graph(&[Segment::start(1, 0).end(5, Status::Ok)]).to_json();
    assert!(plain["run"].get("waitedMs").is_none() && plain["run"].get("workedMs").is_none());
}

/// Says how much is to be approved.
fn amount(value: i64) -> Body<'static> {
    Body::RunAttributes(RunAttributes::new(attributes(&[("amount", AttributeValue::I64(value))])))
}

#[track_caller]
fn amounts_to(segments: &[Vec<Record<'static>>], value: i64) {
    let run = graph(segments).run;
    let amount: Vec<_> = run.attributes.iter().map(|(key, value)| (key.as_str(), value.as_i64())).collect();
    assert_eq!(amount, [("amount", Some(value))]);
}

/// Of a key that several processes gave, the value counts that the last of them gave, whatever the clocks say.
#[test]
fn attributes_go_by_who_goes_on() {
    let a = Segment::start(1, 100).and(amount(1)).and(amount(2));
    amounts_to(std::slice::from_ref(&a.1), 2);
    // The clock of the next host is behind.
    let b = Segment::resume_on("other", 2, "s", 50).and(amount(3));
    amounts_to(&[a.suspend("s", 110), b.crash()], 3);
    let a = Segment::start(1, 100).and(amount(1)).crash();
    let x = Segment::after_on("h1", 2, "x", None, 90).and(amount(2)).crash();
    let y = Segment::after_on("h2", 3, "y", Some("x"), 20).and(amount(3)).crash();
    let z = Segment::after_on("h3", 4, "z", Some("y"), 10).and(amount(4)).crash();
    amounts_to(&[a.clone(), x.clone()], 2);
    amounts_to(&[a.clone(), y.clone(), x.clone()], 3);
    amounts_to(&[z, a, x, y], 4);
    // If no record says who goes on from whom, the clocks do.
    let (early, late) = (Segment::take_over(2, 10).and(amount(1)), Segment::take_over(1, 20).and(amount(2)));
    amounts_to(&[late.crash(), early.crash()], 2);
}

/// What the records say may go in circles, or not be there.
#[test]
fn attributes_of_damaged_records() {
    let x = Segment::after_on("h1", 2, "x", Some("y"), 10).and(amount(1)).crash();
    let y = Segment::after_on("h2", 3, "y", Some("x"), 20).and(amount(2)).crash();
    assert_eq!(graph(&[x.clone(), y.clone()]).run.attributes.len(), 1);
    amounts_to(&[x[1..].to_vec(), y[1..].to_vec()], 2);
}
