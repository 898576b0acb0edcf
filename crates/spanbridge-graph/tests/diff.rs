//! Two runs compared: nothing but what was changed on purpose.

#[path = "stories/planted.rs"]
mod planted;
#[path = "stories/story.rs"]
mod story;

use proptest::prelude::*;
use spanbridge_graph::{Diff, DiffOptions, Difference, DifferenceKind, Graph, Verdict};
use std::time::Duration;
use story::*;

fn diff(left: &Story, right: &Story) -> Diff {
    Diff::of(&left.graphs(), &right.graphs(), &DiffOptions::default()).unwrap()
}

fn tell(story: impl FnOnce(&mut Story)) -> Story {
    let mut s = Story::default();
    story(&mut s);
    s
}

/// Verdict, then a line for each difference.
fn told(diff: &Diff) -> String {
    let mut out = format!("{}\n", diff.verdict.as_str());
    for one in &diff.differences {
        out += &format!(
            "{} {}",
            one.kind.as_str(),
            one.path.iter().chain([&one.name]).cloned().collect::<Vec<_>>().join(" > ")
        );
        if let (DifferenceKind::Status, Some(left), Some(right)) = (one.kind, &one.left, &one.right) {
            out += &format!(": {} -> {}", left.status, right.status);
        }
        let value = |value: &Option<serde_json::Value>| value.as_ref().map_or("-".to_owned(), ToString::to_string);
        for change in &one.changes {
            out += &format!(" {}: {} -> {}", change.key, value(&change.left), value(&change.right));
        }
        if one.below > 0 {
            out += &format!(" (+{})", one.below);
        }
        if one.count > 1 {
            out += &format!(" x{}", one.count);
        }
        out += "\n";
    }
    out
}

/// An order: reserve, three equal lines, a message.
fn order(s: &mut Story) -> [Id; 3] {
    let request = s.add(server("gateway", "POST /orders", 0, 0, 100).is("http.route", "/orders"));
    let reserve = s.add(step("gateway", "reserve", request, 1, 10));
    for n in 0..3 {
        s.add(client("gateway", "GET", reserve, 2 + n, 8).is("url.full", &format!("http://stock/items/{n}7")));
    }
    let sent = s.add(publish("gateway", "orders", request, 20));
    [request, reserve, s.add(process("billing", "orders", sent, 30, 40))]
}

#[test]
fn an_equal_run_is_identical() {
    let left = tell(|s| _ = order(s));
    assert_eq!(told(&diff(&left, &left)), "identical\n");
    // Later, on other machines, with other ids.
    let right = tell(|s| {
        s.ahead = [("gateway", 86_400_000), ("billing", 86_400_000)].into();
        s.add(step("gateway", "of another run", 0, 0, 1).of_run(9));
        order(s);
        s.records.remove(0);
    });
    let answer = diff(&left, &right);
    assert_eq!((told(&answer).as_str(), answer.matched), ("identical\n", 7));
}

#[test]
fn a_changed_child_leaves_its_parent_alone() {
    let left = tell(|s| _ = order(s));
    let right = tell(|s| {
        let [request, _, _] = order(s);
        let audit = s.add(step("gateway", "audit", request, 50, 60));
        s.add(step("gateway", "write", audit, 51, 59));
    });
    assert_eq!(told(&diff(&left, &right)), "changed\nadded POST /orders > audit (+1)\n");
    assert_eq!(told(&diff(&right, &left)), "changed\nremoved POST /orders > audit (+1)\n");
}

#[test]
fn one_of_several_equal_siblings_is_matched() {
    let lines = |failed: usize| {
        tell(|s| {
            let request = s.add(server("gateway", "POST /orders", 0, 0, 100));
            for n in 0..5 {
                let call = client("gateway", "GET", request, 5 * n as u64, 50);
                s.add(if n == failed { call.fails("busy") } else { call });
            }
        })
    };
    assert_eq!(told(&diff(&lines(9), &lines(3))), "regressed\nstatus POST /orders > GET: ok -> error\n");
    assert_eq!(told(&diff(&lines(3), &lines(9))), "fixed\nstatus POST /orders > GET: error -> ok\n");
    assert_eq!(told(&diff(&lines(1), &lines(4))), "identical\n");
}

/// One of several that take different times failed, or is new: the others are still matched with their counterparts.
#[test]
fn a_missing_quick_step_shifts_no_other() {
    let lines = |failed: usize, times: &[u64]| {
        tell(|s| {
            let request = s.add(server("gateway", "POST /orders", 0, 0, 3_000));
            for (n, took) in times.iter().enumerate() {
                let call = client("gateway", "GET", request, 5, 5 + took);
                s.add(if n == failed { call.fails("busy") } else { call });
            }
        })
    };
    let (all, fewer) = ([10, 10, 300, 1_000], [10, 300, 1_000]);
    let kinds = |left: &Story, right: &Story| told(&diff(left, right));
    assert_eq!(kinds(&lines(9, &all), &lines(0, &all)), "regressed\nstatus POST /orders > GET: ok -> error\n");
    assert_eq!(kinds(&lines(2, &all), &lines(9, &all)), "fixed\nstatus POST /orders > GET: error -> ok\n");
    // The own time of the request is the same: it waits for the longest.
    assert_eq!(kinds(&lines(9, &fewer), &lines(9, &all)), "changed\nadded POST /orders > GET\n");
    assert_eq!(kinds(&lines(9, &all), &lines(9, &fewer)), "changed\nremoved POST /orders > GET\n");
}

/// The work goes through another run and comes back: what happens there is one difference, not two.
#[test]
fn a_step_below_another_run_counts_once() {
    let asked = |error: Option<&'static str>| {
        tell(|s| {
            let ask = s.add(step("shop", "ask", 0, 0, 50));
            let sent = s.add(publish("shop", "prices", ask, 1));
            let job = s.add(process("pricing", "prices", sent, 5, 9).of_run(2));
            let reply = s.add(publish("pricing", "replies", job, 6));
            let reply = process("shop", "replies", reply, 12, 14).of_run(1);
            s.add(match error {
                Some(error) => reply.fails(error),
                None => reply,
            });
        })
    };
    let answer = diff(&asked(None), &asked(Some("too dear")));
    assert_eq!((answer.matched, answer.differences.len(), answer.differences[0].count), (5, 1, 1));
}

/// Each of several calls has an attribute of its own, and one of them answers differently.
#[test]
fn a_failed_call_is_matched_by_what_it_called() {
    let calls = |failed: i64, status: i64| {
        tell(|s| {
            let request = s.add(server("gateway", "POST /orders", 0, 0, 100));
            for n in 0..4 {
                let call = client("gateway", "GET", request, 5, 9).counts("line", n);
                let answered = call.clone().counts("http.response.status_code", if n == failed { status } else { 200 });
                s.add(if n == failed && status >= 500 { answered.fails("busy").class("503") } else { answered });
            }
        })
    };
    assert_eq!(told(&diff(&calls(0, 200), &calls(2, 503))), "regressed\nstatus POST /orders > GET: ok -> error\n");
    // One is mended, and another one broke.
    let answer = diff(&calls(1, 503), &calls(2, 503));
    let kinds: Vec<_> = answer.differences.iter().map(|one| one.kind).collect();
    assert_eq!((answer.verdict, kinds), (Verdict::Regressed, vec![DifferenceKind::Status; 2]));
    let expected = "changed\nattributes POST /orders > GET http.response.status_code: 200 -> 404\n";
    assert_eq!(told(&diff(&calls(0, 200), &calls(2, 404))), expected);
}

#[test]
fn ids_are_no_difference_and_values_are() {
    let with = |id: &str, path: &str, color: &str, n: i64| {
        tell(|s| {
            let work = step("shop", "place", 0, 0, 9).is("order.id", id).is("url.path", path).is("order.color", color);
            s.add(work.counts("server.port", n).counts("messaging.kafka.offset", n));
        })
    };
    let left = with("17", "/orders/17", "red", 1);
    assert_eq!(told(&diff(&left, &with("a-18", "/orders/18", "red", 2))), "identical\n");
    let expected = "changed\nattributes place order.color: \"red\" -> \"blue\"\n";
    assert_eq!(told(&diff(&left, &with("17", "/orders/17", "blue", 1))), expected);
    let expected = "changed\nattributes place url.path: \"/orders/17\" -> \"/refunds/17\"\n";
    assert_eq!(told(&diff(&left, &with("17", "/refunds/17", "red", 1))), expected);
    let failing = |error: &'static str| tell(|s| _ = s.add(step("shop", "place", 0, 0, 9).fails(error)));
    assert_eq!(told(&diff(&failing("no row 12345"), &failing("no row 67890"))), "identical\n");
    let expected = "changed\nattributes place error: \"no row 12345\" -> \"locked\"\n";
    assert_eq!(told(&diff(&failing("no row 12345"), &failing("locked"))), expected);
}

/// The step that is slower itself, by more than both limits; not the steps that waited for it.
#[test]
fn only_the_slow_step_is_slower() {
    let taking = |time: u64| {
        tell(|s| {
            let request = s.add(server("gateway", "POST /orders", 0, 0, 20 + time));
            let call = s.add(client("gateway", "GET", request, 5, 15 + time));
            let work = s.add(server("stock", "GET /stock", call, 6, 10 + time));
            s.add(step("stock", "SELECT", work, 7, 8 + time));
        })
    };
    let expected = "slower\nslower POST /orders > GET > GET /stock > SELECT selfMs: 201.0 -> 401.0\n";
    assert_eq!(told(&diff(&taking(200), &taking(400))), expected);
    assert_eq!(diff(&taking(400), &taking(200)).verdict, Verdict::Faster);
    // By 150 ms, but by less than a fifth; by a half, but by less than 100 ms.
    assert_eq!(told(&diff(&taking(1_000), &taking(1_150))), "identical\n");
    assert_eq!(told(&diff(&taking(100), &taking(150))), "identical\n");
    let options = DiffOptions::default().percent(10.0).least(Duration::from_millis(50));
    let answer = Diff::of(&taking(100).graphs(), &taking(150).graphs(), &options).unwrap();
    assert_eq!((answer.verdict, answer.differences.len()), (Verdict::Slower, 1));
}

#[test]
fn time_in_a_queue_is_compared() {
    let after = |wait: u64| {
        tell(|s| {
            let sent = s.add(publish("shop", "orders", 0, 0));
            s.add(process("billing", "orders", sent, 2 + wait, 10 + wait));
        })
    };
    let expected = "slower\nslower publish orders > process orders queuedMs: 10.0 -> 5000.0\n";
    assert_eq!(told(&diff(&after(10), &after(5_000))), expected);
}

#[test]
fn child_runs_are_part_of_it() {
    let ending = |error: Option<&'static str>| {
        tell(|s| {
            s.begin(1, "shop", "order", 0, None);
            let sent = s.add(publish("shop", "orders", 0, 2).top_of(1));
            s.end(1, "shop", 10);
            s.begin(2, "billing", "bill", 20, Some(sent));
            s.add(step("billing", "charge", 0, 21, 29).top_of(2));
            match error {
                Some(error) => s.fail(2, "billing", 31, error),
                None => s.end(2, "billing", 31),
            }
        })
    };
    let expected = "regressed\nstatus order > publish orders > bill: ok -> error\n";
    assert_eq!(told(&diff(&ending(None), &ending(Some("x")))), expected);
}

/// Runs of two kinds have little in common, and are compared all the same.
#[test]
fn runs_of_different_kinds_are_compared() {
    let left = tell(|s| _ = s.add(step("shop", "order", 0, 0, 9)));
    let right = tell(|s| _ = s.add(step("shop", "refund", 0, 0, 9)));
    assert_eq!(told(&diff(&left, &right)), "changed\nattributes refund name: \"order\" -> \"refund\"\n");
    assert!(Diff::of(&[], &right.graphs(), &DiffOptions::default()).is_none());
}

#[test]
fn many_equal_siblings_take_n_log_n() {
    let many = |failed: u64, n: u64| {
        tell(|s| {
            let work = s.add(step("shop", "import", 0, 0, 1_000_000));
            for i in 0..n {
                let line = step("shop", "line", work, i, i + 1 + i % 7);
                s.add(if i == failed { line.fails("bad") } else { line });
            }
        })
    };
    let left = many(u64::MAX, 100_000);
    assert_eq!(told(&diff(&left, &many(777, 100_000))), "regressed\nstatus import > line: ok -> error\n");
    let answer = diff(&left, &many(u64::MAX, 60_000));
    assert_eq!(told(&answer), "changed\nremoved import > line x40000\n");
}

/// A tree of steps, each with its own work in milliseconds.
#[derive(Clone, Debug)]
struct Tree {
    name: usize,
    color: i64,
    fails: bool,
    work: u64,
    below: Vec<Tree>,
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = (0..3usize, 0..2i64, prop::bool::weighted(0.2), 1..20u64);
    let leaf = leaf.prop_map(|(name, color, fails, work)| Tree { name, color, fails, work, below: Vec::new() });
    leaf.prop_recursive(4, 40, 6, |inner| {
        let leaf = (0..3usize, 0..2i64, prop::bool::weighted(0.2), 1..20u64);
        (leaf, prop::collection::vec(inner, 0..6)).prop_map(|((name, color, fails, work), below)| Tree {
            name,
            color,
            fails,
            work,
            below,
        })
    })
}

const NAMES: [&str; 4] = ["place", "reserve", "charge", "extra"];

/// A small random number generator.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

impl Tree {
    fn size(&self) -> usize {
        1 + self.below.iter().map(Tree::size).sum::<usize>()
    }

    /// How long it takes, when all below it runs at the same time.
    fn time(&self) -> u64 {
        self.work + self.below.iter().map(|below| below.time() + 5).max().unwrap_or(0)
    }

    /// The n-th step, and what is above it.
    fn at(&mut self, n: usize) -> Option<&mut Tree> {
        if n == 0 {
            return Some(self);
        }
        let mut n = n - 1;
        for below in &mut self.below {
            let size = below.size();
            if n < size {
                return below.at(n);
            }
            n -= size;
        }
        None
    }

    /// Records it, concurrent steps in any order.
    fn tell(&self, s: &mut Story, above: Id, at: u64, run: u128, random: &mut Random) {
        let spec = step("shop", NAMES[self.name], above, at, at + self.time()).counts("color", self.color).of_run(run);
        let spec =
            spec.is("order.id", &random.below(1_000_000).to_string()).counts("thread.id", random.below(64) as i64);
        let id = s.add(if self.fails { spec.fails("no luck") } else { spec });
        let mut order: Vec<&Tree> = self.below.iter().collect();
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at as u64 + 1) as usize);
        }
        for below in order {
            let start = at + self.work / 2 + random.below(5);
            below.tell(s, id, start, run, random);
        }
    }

    fn graphs(&self, run: u128, seed: u64) -> Vec<Graph> {
        let mut s = Story::default();
        self.tell(&mut s, 0, seed % 1_000, run, &mut Random(seed));
        s.graphs()
    }
}

fn differences(left: &Tree, right: &Tree, seed: u64) -> Vec<Difference> {
    let diff = Diff::of(&left.graphs(1, seed), &right.graphs(2, seed ^ 0xabcd), &DiffOptions::default()).unwrap();
    assert_eq!(diff.verdict == Verdict::Identical, diff.differences.is_empty());
    diff.differences
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// The same work, with concurrent steps in another order, is identical. One change is found, and nothing else.
    #[test]
    fn one_change_is_one_difference(tree in tree(), place in 0..1_000usize, change in 0..5usize, seed in 1..u64::MAX) {
        prop_assert_eq!(differences(&tree, &tree, seed), vec![]);
        let mut changed = tree.clone();
        let place = place % tree.size();
        let at = changed.at(place).unwrap();
        let kind = match change {
            0 => {
                at.below.push(Tree { name: 3, color: 0, fails: false, work: 1, below: Vec::new() });
                DifferenceKind::Added
            }
            1 if !at.below.is_empty() => {
                at.below.pop();
                DifferenceKind::Removed
            }
            2 => {
                at.color += 100;
                DifferenceKind::Attributes
            }
            3 => {
                at.work += 1_000;
                DifferenceKind::Slower
            }
            _ => {
                at.fails = !at.fails;
                DifferenceKind::Status
            }
        };
        let name = NAMES[at.name];
        let found = differences(&tree, &changed, seed);
        prop_assert_eq!(found.len(), 1, "{:?}", found);
        prop_assert_eq!((found[0].kind, found[0].count), (kind, 1));
        if !matches!(kind, DifferenceKind::Added | DifferenceKind::Removed) {
            prop_assert_eq!(&found[0].name, name);
        }
    }
}

/// Each story is identical with itself, whatever the clocks and ids.
#[test]
fn stories_are_identical_with_themselves() {
    for planted in planted::ALL {
        let [left, right] = [0, 60_000].map(|ahead| {
            tell(|s| {
                s.ahead =
                    [("billing", ahead), ("shop", ahead), ("gateway", ahead), ("orders", ahead), ("stock", ahead)]
                        .into();
                (planted.tell)(s);
            })
        });
        let answer = diff(&left, &right);
        let found = told(&answer);
        let timed =
            answer.differences.iter().all(|d| matches!(d.kind, DifferenceKind::Slower | DifferenceKind::Faster));
        assert!(timed, "{}: {found}", planted.name);
        assert_eq!(told(&diff(&left, &left)), "identical\n", "{}", planted.name);
    }
}

/// A payload that is not the same is a changed step, by kind, size and hash. Where a step failed, only what it was given counts.
#[test]
fn payloads_that_differ_are_changes() {
    let told_of = |size: u64, hash: &'static str, input: &'static str| {
        tell(|s| {
            let [_, reserve, work] = order(s);
            s.payload(reserve, "output", size, hash);
            s.payload(work, "input", 7, input);
        })
    };
    let plain = told_of(12, "sha256:aa", "sha256:01");
    assert_eq!(told(&diff(&plain, &told_of(12, "sha256:aa", "sha256:01"))), "identical\n");
    assert_eq!(
        told(&diff(&plain, &told_of(1, "sha256:bb", "sha256:01"))),
        "changed\nattributes POST /orders > reserve artifact output: \"12 bytes, sha256:aa\" -> \"1 byte, sha256:bb\"\n"
    );
    let other = told(&diff(&plain, &told_of(12, "sha256:aa", "sha256:02")));
    assert!(
        other.ends_with("process orders artifact input: \"7 bytes, sha256:01\" -> \"7 bytes, sha256:02\"\n"),
        "{other}"
    );
    let without = told(&diff(
        &plain,
        &tell(|s| {
            order(s);
        }),
    ));
    assert!(without.contains("reserve artifact output: \"12 bytes, sha256:aa\" -> -"), "{without}");
}
