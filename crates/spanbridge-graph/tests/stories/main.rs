//! Stories with a planted cause: `why` finds it, in any order of the records and with any clocks.

mod planted;
mod story;

use planted::{ALL, Planted};
use spanbridge_graph::Why;
use story::{Story, run_id, told};

fn tell(planted: &Planted, ahead: &[(&'static str, i64)]) -> Story {
    let mut story = Story::default();
    story.ahead.extend(ahead.iter().copied());
    (planted.tell)(&mut story);
    story
}

fn answer(story: &Story) -> String {
    told(&Why::of(&story.graphs(), &[run_id(1)]).unwrap())
}

/// Without the note that clocks disagree.
fn without_clocks(answer: &str) -> String {
    answer.lines().filter(|line| *line != "note: clock_skew").map(|line| format!("{line}\n")).collect()
}

#[test]
fn why_finds_the_planted_cause() {
    let told = |planted: &Planted| (planted.name, answer(&tell(planted, &[])));
    let wrong = |(name, answer): &(&str, String)| ALL.iter().any(|p| p.name == *name && p.answer != answer);
    let wrong: Vec<_> = ALL.iter().map(told).filter(wrong).collect();
    let text: String = wrong.iter().map(|(name, answer)| format!("{name}:\n{answer}\n")).collect();
    assert!(wrong.is_empty(), "{} of {} are wrong\n\n{text}", wrong.len(), ALL.len());
}

/// Records come in any order.
#[test]
fn the_order_of_records_does_not_matter() {
    for planted in ALL {
        let mut story = tell(planted, &[]);
        let mut state = 88_172_645_463_325_252u64;
        for _ in 0..5 {
            for at in (1..story.records.len()).rev() {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                story.records.swap(at, (state % (at as u64 + 1)) as usize);
            }
            assert_eq!(answer(&story), planted.answer, "{}", planted.name);
        }
    }
}

/// Each service has a clock that is a minute ahead, or behind, of all others.
#[test]
fn a_minute_of_skew_changes_nothing() {
    const SERVICES: [&str; 14] = [
        "gateway", "orders", "billing", "mailer", "stock", "shop", "pricing", "support", "scorer", "reports", "agent",
        "web", "worker", "nobody",
    ];
    for planted in ALL {
        for service in SERVICES {
            for ahead in [60_000, -60_000] {
                let answer = answer(&tell(planted, &[(service, ahead)]));
                assert_eq!(without_clocks(&answer), planted.answer, "{} with {service} {ahead}", planted.name);
            }
        }
    }
}
