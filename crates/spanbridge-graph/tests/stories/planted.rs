//! Stories with a planted cause, and the answer that is right.
#![allow(dead_code, reason = "each test binary uses some of it")]

use super::story::*;
use spanbridge::semconv;

/// A story: its name, what happened, and the answer about run 1.
pub(crate) struct Planted {
    pub(crate) name: &'static str,
    pub(crate) tell: fn(&mut Story),
    pub(crate) answer: &'static str,
}

/// A request to `gateway` that `orders` works on. The spans: request, call, work.
fn order(s: &mut Story, to: u64, error: Option<&'static str>) -> [Id; 3] {
    let ends = |spec: Spec| match error {
        Some(error) => spec.fails(error),
        None => spec,
    };
    let request = s.add(ends(server("gateway", "POST /orders", 0, 0, to)));
    let call = s.add(ends(client("gateway", "POST", request, 1, to - 1)));
    let work = s.add(ends(server("orders", "POST /place", call, 2, to - 2)));
    [request, call, work]
}

pub(crate) const ALL: &[Planted] = &[
    Planted {
        name: "error three hops upstream",
        tell: |s| {
            let [_, _, work] = order(s, 100, Some("500"));
            let call = s.add(client("orders", "POST", work, 10, 80).fails("500"));
            let charge = s.add(server("billing", "POST /charge", call, 11, 79).fails("500"));
            s.add(step("billing", "INSERT payments", charge, 20, 30).primitive("db.query").fails("disk full"));
        },
        answer: "\
failed
error: POST /orders @gateway > POST @gateway -call> POST /place @orders > POST @orders -call> POST /charge @billing > INSERT payments @billing \"disk full\"
  took down: POST /charge @billing, POST @orders, POST /place @orders, POST @gateway, POST /orders @gateway
",
    },
    Planted {
        name: "rows before a failure",
        tell: |s| {
            let [_, _, work] = order(s, 100, Some("500"));
            let insert = s.add(query("orders", "INSERT orders", work, 5, 1));
            s.row(insert, r#"{"id":1}"#, "", "new", 6);
            // A call that waits for its answer was done, with all that is below it.
            let call = s.add(client("orders", "POST stock", work, 10, 20));
            let stock = s.add(server("stock", "POST /reserve", call, 11, 19));
            let update = s.add(query("stock", "UPDATE stock", stock, 12, 1));
            s.row(update, r#"{"id":7}"#, "here", "reserved", 13);
            // Nobody waits for this, so nothing says that it was before.
            let sent = s.add(publish("orders", "mails", work, 21));
            let mail = s.add(process("mailer", "mails", sent, 22, 24));
            s.row(mail, r#"{"id":8}"#, "", "sent", 23);
            let charge = s.add(client("orders", "POST /charge", work, 30, 80).fails("500"));
            let billing = s.add(server("billing", "POST /charge", charge, 31, 79).fails("500"));
            let note = s.add(query("billing", "UPDATE bills", billing, 32, 1));
            s.row(note, r#"{"id":9}"#, "open", "tried", 33);
            // What the step did itself, and what came after the failure.
            s.row(work, r#"{"id":2}"#, "a", "b", 29);
            s.row(work, r#"{"id":2}"#, "b", "c", 90);
            let after = s.add(query("orders", "UPDATE orders", work, 85, 1));
            s.row(after, r#"{"id":1}"#, "new", "failed", 86);
            s.loose_row(1, "orders", r#"{"id":3}"#, 4);
        },
        answer: "\
failed
error: POST /orders @gateway > POST @gateway -call> POST /place @orders > POST /charge @orders -call> POST /charge @billing \"500\"
  took down: POST /charge @orders, POST /place @orders, POST @gateway, POST /orders @gateway
  row before: orders id=3 deleted: ? @
  row before: orders id=2 status 'a' → 'b': POST /place @orders
  row before: orders id=1 status '' → 'new': INSERT orders @orders
  row before: orders id=7 status 'here' → 'reserved': UPDATE stock @stock
  row before: orders id=9 status 'open' → 'tried': UPDATE bills @billing
",
    },
    Planted {
        name: "a row that others wrote",
        tell: |s| {
            let early = s.add(query("import", "UPDATE orders", 0, 1, 1).of_run(2));
            s.row(early, r#"{"id":1}"#, "new", "held", 2);
            let work = s.add(server("orders", "POST /place", 0, 10, 30).fails("held"));
            let update = s.add(query("orders", "UPDATE orders", work, 11, 1));
            s.row(update, r#"{"id":1}"#, "held", "tried", 12);
        },
        answer: "\
failed
error: POST /place @orders \"held\"
  row before: orders id=1 status 'held' → 'tried': UPDATE orders @orders
",
    },
    Planted {
        name: "rows of earlier attempts",
        tell: |s| {
            let send = s.add(publish("shop", "orders", 0, 0));
            for n in 0..2 {
                let from = 10 + 20 * n;
                let job = s.add(process("worker", "orders", send, from, from + 9).attempt(n as i64 + 1).fails("no room"));
                let insert = s.add(query("worker", "INSERT parcels", job, from + 1, 1));
                s.row(insert, ["{\"id\":1}", "{\"id\":2}"][n as usize], "", "new", from + 2);
                s.add(step("worker", "pack", job, from + 3, from + 8).fails("no room"));
            }
        },
        answer: "\
failed
error: publish orders @shop -queue> process orders @worker > pack @worker \"no room\"
  attempts: process orders @worker
  took down: process orders @worker
  row before: orders id=1 status '' → 'new': INSERT parcels @worker
  row before: orders id=2 status '' → 'new': INSERT parcels @worker
",
    },
    Planted {
        name: "a transaction that was rolled back",
        tell: |s| {
            let job = s.add(process("worker", "orders", 0, 0, 50).fails("no paper"));
            let before = s.add(transaction("worker", job, 1, 5, "committed"));
            let kept = s.add(query("worker", "UPDATE orders", before, 2, 1));
            s.row(kept, r#"{"id":1}"#, "new", "packing", 4);
            let t = s.add(transaction("worker", job, 10, 45, "rolled_back"));
            let inside = s.add(query("worker", "UPDATE stock", t, 11, 1));
            s.add(query("worker", "SELECT stock", t, 12, 0));
            // A savepoint in it was released, which helps nothing.
            let save = s.add(transaction("worker", t, 13, 15, "committed"));
            s.add(query("worker", "UPDATE shelf", save, 14, 1));
            // A statement below a step of the application says it itself.
            let pick = s.add(step("worker", "pick", job, 20, 23));
            s.add(query("worker", "UPDATE picked", pick, 21, 2).is(semconv::DB_TRANSACTION, "rolled_back"));
            // Whoever says that this was committed is wrong.
            s.row(inside, r#"{"id":2}"#, "12", "11", 40);
            s.add(step("worker", "print label", job, 30, 40).fails("no paper"));
            // Another database is not concerned.
            let log = s.add(query("worker", "INSERT log", t, 16, 1).is(semconv::DB_NAMESPACE, "log"));
            s.row(log, r#"{"id":4}"#, "", "seen", 17);
        },
        answer: "\
failed
error: process orders @worker > print label @worker \"no paper\"
  took down: process orders @worker
  row before: orders id=1 status 'new' → 'packing': UPDATE orders @worker
  row before: orders id=4 status '' → 'seen': INSERT log @worker
  rolled back: transaction @worker [UPDATE stock @worker, UPDATE shelf @worker, UPDATE picked @worker]
note: context_lost
",
    },
    Planted {
        name: "a rollback without a failure",
        tell: |s| {
            let job = s.add(server("worker", "GET /price", 0, 0, 50));
            let t = s.add(transaction("worker", job, 10, 45, "rolled_back"));
            s.add(query("worker", "UPDATE prices", t, 11, 1));
            s.add(query("worker", "UPDATE seen", job, 47, 1).is(semconv::DB_TRANSACTION, "rolled_back"));
        },
        answer: "\
ok
rolled back: transaction @worker [UPDATE prices @worker]
rolled back: UPDATE seen @worker [UPDATE seen @worker]
",
    },
    Planted {
        name: "error three queues downstream",
        tell: |s| {
            let request = s.add(server("gateway", "POST /orders", 0, 0, 10));
            let a = s.add(publish("gateway", "orders", request, 2));
            let a = s.add(process("orders", "orders", a, 20, 30));
            let b = s.add(publish("orders", "bills", a, 22));
            let b = s.add(process("billing", "bills", b, 40, 50));
            let c = s.add(publish("billing", "mails", b, 42));
            let c = s.add(process("mailer", "mails", c, 60, 70).fails("render"));
            s.add(step("mailer", "render", c, 61, 69).fails("no template"));
        },
        answer: "\
failed
error: POST /orders @gateway > publish orders @gateway -queue> process orders @orders > publish bills @orders -queue> process bills @billing > publish mails @billing -queue> process mails @mailer > render @mailer \"no template\"
  took down: process mails @mailer
",
    },
    Planted {
        name: "poison message",
        tell: |s| {
            let request = s.add(server("gateway", "POST /orders", 0, 0, 10));
            let sent = s.add(publish("gateway", "orders", request, 2));
            for n in 0..4 {
                let at = 20 + 20 * n;
                let job = s.add(process("orders", "orders", sent, at, at + 5).attempt(n as i64 + 1).fails("bad JSON"));
                s.add(settle("orders", "nack", job, at + 6));
            }
        },
        answer: "\
failed
error: POST /orders @gateway > publish orders @gateway -queue> process orders @orders \"bad JSON\"
  attempts: process orders @orders, process orders @orders, process orders @orders
",
    },
    Planted {
        name: "time-out because a downstream one hangs",
        tell: |s| {
            let [_, _, work] = order(s, 100, Some("timed out"));
            let call = s.add(client("orders", "GET", work, 10, 95).fails("operation timed out"));
            let stock = s.add(server("stock", "GET /stock", call, 11, 0).never_ends());
            s.add(step("stock", "load cache", stock, 12, 14));
            s.add(step("stock", "SELECT stock", stock, 15, 0).never_ends());
        },
        answer: "\
failed
no_end: POST /orders @gateway > POST @gateway -call> POST /place @orders > GET @orders -call> GET /stock @stock > SELECT stock @stock
  took down: GET /stock @stock, GET @orders, POST /place @orders, POST @gateway, POST /orders @gateway
",
    },
    Planted {
        name: "time-out because the one who should answer a message hangs",
        tell: |s| {
            let ask = s.add(step("shop", "ask for a price", 0, 0, 50).fails("no reply: deadline has elapsed"));
            let sent = s.add(publish("shop", "prices", ask, 1));
            s.add(process("pricing", "prices", sent, 5, 0).never_ends());
        },
        answer: "\
failed
no_end: ask for a price @shop > publish prices @shop -queue> process prices @pricing
  took down: ask for a price @shop
",
    },
    Planted {
        name: "time-out because a downstream one is slow, and the end comes later",
        tell: |s| {
            let [_, _, work] = order(s, 100, Some("timeout"));
            let call = s.add(client("orders", "GET", work, 10, 60).fails("timeout"));
            let stock = s.add(server("stock", "GET /stock", call, 11, 300));
            s.add(step("stock", "parse", stock, 12, 20));
            s.add(step("stock", "SELECT stock", stock, 21, 290));
        },
        answer: "\
failed
too_slow: POST /orders @gateway > POST @gateway -call> POST /place @orders > GET @orders -call> GET /stock @stock > SELECT stock @stock
  took down: GET /stock @stock, GET @orders, POST /place @orders, POST @gateway, POST /orders @gateway
",
    },
    Planted {
        name: "rejected publish",
        tell: |s| {
            let request = s.add(server("gateway", "POST /orders", 0, 0, 10).fails("not accepted"));
            s.add(step("gateway", "validate", request, 1, 2));
            s.add(publish("gateway", "orders", request, 2).handed("rejected").fails("basic.nack"));
        },
        answer: "\
failed
rejected: POST /orders @gateway > publish orders @gateway \"basic.nack\"
  took down: POST /orders @gateway
",
    },
    Planted {
        name: "returned publish that nobody looked at",
        tell: |s| {
            s.begin(1, "shop", "order", 0, None);
            let work = s.add(step("shop", "place", 0, 1, 9).top_of(1));
            s.add(publish("shop", "orders", work, 2).handed("returned").fails("no queue"));
            s.end(1, "shop", 10);
        },
        answer: "\
failed
returned: order @shop > place @shop > publish orders @shop \"no queue\"
  the owner ended the run as ok
",
    },
    Planted {
        name: "rolled-back publish",
        tell: |s| {
            let work = s.add(step("shop", "place", 0, 0, 20).fails("card declined"));
            let tx = s.add(step("shop", "transaction", work, 1, 18).primitive("messaging.publish").handed("rolled_back"));
            s.add(publish("shop", "orders", tx, 2).handed("rolled_back"));
            s.add(step("shop", "charge", work, 5, 17).fails("card declined"));
        },
        answer: "\
failed
error: place @shop > charge @shop \"card declined\"
  took down: place @shop, transaction @shop, publish orders @shop
",
    },
    Planted {
        name: "publish rolled back on purpose",
        tell: |s| {
            let work = s.add(step("shop", "place", 0, 0, 20));
            let tx = s.add(step("shop", "transaction", work, 1, 18).primitive("messaging.publish").handed("rolled_back"));
            s.add(publish("shop", "orders", tx, 2).handed("rolled_back"));
        },
        answer: "\
failed
rolled_back: place @shop > transaction @shop
  took down: publish orders @shop
",
    },
    Planted {
        name: "a retry of a call that succeeded",
        tell: |s| {
            let work = s.add(step("shop", "place", 0, 0, 50));
            s.add(client("shop", "GET", work, 1, 9).is("url.full", "/stock").class("503").fails("busy"));
            s.add(client("shop", "GET", work, 10, 19).is("url.full", "/stock").class("503").fails("busy"));
            s.add(client("shop", "GET", work, 20, 29).is("url.full", "/stock"));
        },
        answer: "\
ok
recovered: GET @shop x2 by GET @shop
",
    },
    Planted {
        name: "a message that was processed at the second attempt",
        tell: |s| {
            let sent = s.add(publish("shop", "orders", 0, 0));
            let job = s.add(process("billing", "orders", sent, 10, 20).attempt(1).fails("locked"));
            s.add(settle("billing", "nack", job, 21));
            let job = s.add(process("billing", "orders", sent, 30, 40).attempt(2));
            s.add(settle("billing", "ack", job, 41));
        },
        answer: "\
ok
recovered: process orders @billing by process orders @billing
",
    },
    Planted {
        name: "of two errors the later one by the clock comes first",
        tell: |s| {
            let [_, _, work] = order(s, 60, Some("504"));
            let call = s.add(client("orders", "GET", work, 10, 50).fails("timeout"));
            // It fails long after its caller has.
            let stock = s.add(server("stock", "GET /stock", call, 11, 400).fails("pool exhausted"));
            s.add(step("stock", "connect", stock, 12, 399).fails("pool exhausted"));
        },
        answer: "\
failed
error: POST /orders @gateway > POST @gateway -call> POST /place @orders > GET @orders -call> GET /stock @stock > connect @stock \"pool exhausted\"
  took down: GET /stock @stock, GET @orders, POST /place @orders, POST @gateway, POST /orders @gateway
",
    },
    Planted {
        name: "an error that led to another one later on",
        tell: |s| {
            let work = s.add(step("shop", "place", 0, 0, 50));
            s.add(step("shop", "load prices", work, 1, 5).fails("cache is empty"));
            let sent = s.add(publish("shop", "orders", work, 6));
            s.add(process("billing", "orders", sent, 20, 30).fails("no price"));
        },
        answer: "\
failed
error: place @shop > publish orders @shop -queue> process orders @billing \"no price\"
  earlier: load prices @shop
handled: load prices @shop by place @shop
",
    },
    Planted {
        name: "lost context",
        tell: |s| {
            let job = s.add(process("billing", "orders", 0, 0, 20).fails("no such order"));
            s.add(step("billing", "find order", job, 1, 9).fails("no such order"));
        },
        answer: "\
failed
error: process orders @billing > find order @billing \"no such order\"
  took down: process orders @billing
note: context_lost
",
    },
    Planted {
        name: "dead letter after three attempts",
        tell: |s| {
            s.begin(1, "shop", "order", 0, None);
            let work = s.add(step("shop", "place", 0, 1, 9).top_of(1));
            let sent = s.add(publish("shop", "orders", work, 2));
            s.end(1, "shop", 10);
            for n in 0..3 {
                let at = 20 + 20 * n;
                let job = s.add(process("billing", "orders", sent, at, at + 9).attempt(n as i64 + 1).fails("charge"));
                s.add(step("billing", "charge", job, at + 1, at + 8).fails("card expired"));
                s.add(settle("billing", "reject", job, at + 10));
            }
            let dead = process("support", "orders.dead", sent, 100, 110);
            s.add(dead.is(semconv::DEAD_LETTER_QUEUE, "orders").counts(semconv::DEAD_LETTER_COUNT, 1));
        },
        answer: "\
failed
error: order @shop > place @shop > publish orders @shop -queue> process orders @billing > charge @billing \"card expired\"
  attempts: process orders @billing, process orders @billing
  took down: process orders @billing
  dead letter: process orders.dead @support
  the owner ended the run as ok
",
    },
    Planted {
        name: "a consumer that refuses without an error",
        tell: |s| {
            let sent = s.add(publish("shop", "orders", 0, 0));
            let job = s.add(process("billing", "orders", sent, 10, 20));
            s.add(settle("billing", "reject", job, 21));
        },
        answer: "\
failed
refused: publish orders @shop -queue> process orders @billing
",
    },
    Planted {
        name: "a batch with one bad message",
        tell: |s| {
            let work = s.add(step("shop", "import", 0, 0, 9));
            let sent: Vec<Id> = (0..3).map(|n| s.add(publish("shop", "orders", work, n + 1))).collect();
            let batch = step("billing", "process orders", 0, 20, 50).primitive("messaging.process").of_run(2);
            let batch = sent.iter().fold(batch, |batch, sent| batch.linked_to(*sent));
            let batch = s.add(batch.counts(semconv::MESSAGING_BATCH_COUNT, 3).fails("1 of 3 failed"));
            s.add(process("billing", "orders", sent[0], 21, 29).linked_to(batch));
            s.add(process("billing", "orders", sent[1], 30, 39).linked_to(batch).fails("bad JSON"));
            s.add(process("billing", "orders", sent[2], 40, 49).linked_to(batch));
        },
        answer: "\
failed
error: import @shop > publish orders @shop -queue> process orders @billing \"bad JSON\"
  took down: process orders @billing
",
    },
    Planted {
        name: "a publish that failed, and a batch that failed for another reason",
        tell: |s| {
            let work = s.add(step("shop", "import", 0, 0, 9));
            let first = publish("shop", "orders", work, 1).is(semconv::MESSAGING_MESSAGE_ID, "a");
            let first = s.add(first.fails("no confirm"));
            let second = s.add(publish("shop", "orders", work, 4).is(semconv::MESSAGING_MESSAGE_ID, "b"));
            let batch = process("billing", "orders", 0, 20, 50).of_run(2).linked_to(first).linked_to(second);
            s.add(batch.counts(semconv::MESSAGING_BATCH_COUNT, 2).fails("disk full"));
        },
        answer: "\
failed
error: process orders @billing \"disk full\"
handled: publish orders @shop by import @shop
",
    },
    Planted {
        name: "a call that hangs, after another one was mended",
        tell: |s| {
            let work = s.add(server("shop", "POST /orders", 0, 0, 100).fails("timed out"));
            s.add(client("shop", "GET stock", work, 1, 5).fails("connection reset"));
            s.add(client("shop", "GET stock", work, 6, 9));
            let call = s.add(client("shop", "GET price", work, 10, 0).never_ends());
            s.add(server("pricing", "GET price", call, 11, 0).never_ends());
        },
        answer: "\
failed
no_end: POST /orders @shop > GET price @shop -call> GET price @pricing
  earlier: GET stock @shop
  took down: GET price @shop, POST /orders @shop
recovered: GET stock @shop by GET stock @shop
",
    },
    Planted {
        name: "a failure of its own, after a call was mended",
        tell: |s| {
            let work = s.add(server("shop", "POST /orders", 0, 0, 100).fails("card declined"));
            s.add(client("shop", "GET stock", work, 1, 5).fails("connection reset"));
            s.add(client("shop", "GET stock", work, 6, 9));
        },
        answer: "\
failed
error: POST /orders @shop \"card declined\"
recovered: GET stock @shop by GET stock @shop
",
    },
    Planted {
        name: "equal steps of a loop, one of which is the reason",
        tell: |s| {
            let work = s.add(step("shop", "check all", 0, 0, 100).fails("1 of 2 failed: no price"));
            s.add(step("shop", "check", work, 1, 5).fails("no price"));
            s.add(step("shop", "check", work, 6, 9));
        },
        answer: "\
failed
error: check all @shop > check @shop \"no price\"
  took down: check all @shop
",
    },
    Planted {
        name: "Lambda killed",
        tell: |s| {
            let work = s.add(step("shop", "place", 0, 0, 40).fails("invoke"));
            let invoke = s.add(client("shop", "score", work, 1, 39).primitive("function.invoke").fails("Unhandled"));
            let handler = server("scorer", "score", invoke, 2, 0).primitive("function.handle").never_ends();
            let handler = s.add(handler);
            s.add(client("scorer", "GET", handler, 3, 0).never_ends());
            s.note(handler, semconv::DEADLINE_NEAR);
        },
        answer: "\
failed
out_of_time: place @shop > score @shop -call> score @scorer > GET @scorer
  took down: score @scorer, score @shop, place @shop
",
    },
    Planted {
        name: "Lambda killed without a warning",
        tell: |s| {
            let invoke = s.add(client("shop", "score", 0, 1, 39).primitive("function.invoke").fails("Unhandled"));
            s.add(server("scorer", "score", invoke, 2, 0).primitive("function.handle").never_ends());
        },
        answer: "\
failed
no_end: score @shop -call> score @scorer
  took down: score @shop
",
    },
    Planted {
        name: "response lost",
        tell: |s| {
            let invoke = s.add(client("shop", "score", 0, 1, 39).primitive("function.invoke").fails("Unhandled"));
            let handler = s.add(server("scorer", "score", invoke, 2, 30).primitive("function.handle"));
            s.note(handler, semconv::RESPONSE_LOST);
        },
        answer: "\
failed
response_lost: score @shop -call> score @scorer
  took down: score @shop
",
    },
    Planted {
        name: "panic",
        tell: |s| {
            let request = s.add(server("gateway", "POST /orders", 0, 0, 10).panics("at src/lib.rs:3:5"));
            s.add(step("gateway", "parse", request, 1, 2).panics("at src/lib.rs:3:5"));
        },
        answer: "\
failed
panic: POST /orders @gateway > parse @gateway \"at src/lib.rs:3:5\"
  took down: POST /orders @gateway
",
    },
    Planted {
        name: "cancelled by the caller",
        tell: |s| {
            let request = s.add(server("gateway", "GET /report", 0, 0, 30).cancelled());
            let call = s.add(client("gateway", "GET", request, 1, 30).cancelled());
            let work = s.add(server("reports", "GET /report", call, 2, 31).cancelled());
            s.add(step("reports", "SELECT", work, 3, 31).cancelled());
        },
        answer: "\
cancelled
cancelled: GET /report @gateway
  took down: GET @gateway, GET /report @reports, SELECT @reports
",
    },
    Planted {
        name: "cancelled because a sibling failed",
        tell: |s| {
            let work = s.add(step("shop", "place", 0, 0, 30).fails("out of stock"));
            s.add(step("shop", "reserve", work, 1, 20).fails("out of stock"));
            s.add(step("shop", "charge", work, 1, 20).cancelled());
        },
        answer: "\
failed
error: place @shop > reserve @shop \"out of stock\"
  took down: place @shop, charge @shop
",
    },
    Planted {
        name: "cancelled by a time limit",
        tell: |s| {
            let work = s.add(step("shop", "place", 0, 0, 30).fails("deadline has elapsed"));
            let call = s.add(client("shop", "GET", work, 1, 30).cancelled());
            let stock = s.add(server("stock", "GET /stock", call, 2, 31).cancelled());
            s.add(step("stock", "lock", stock, 3, 31).cancelled());
        },
        answer: "\
failed
too_slow: place @shop > GET @shop -call> GET /stock @stock > lock @stock
  took down: GET /stock @stock, GET @shop, place @shop
",
    },
    Planted {
        name: "error handled by the caller",
        tell: |s| {
            let request = s.add(server("gateway", "GET /", 0, 0, 30));
            let ad = s.add(step("gateway", "load ad", request, 1, 9).fails("no ad"));
            s.add(client("gateway", "GET", ad, 2, 8).fails("refused"));
            s.add(step("gateway", "render", request, 10, 20));
        },
        answer: "\
ok
handled: GET @gateway by GET / @gateway
",
    },
    Planted {
        name: "a server that answered 400 because of an error",
        tell: |s| {
            let work = s.add(step("shop", "place", 0, 0, 30).fails("400"));
            let call = s.add(client("shop", "POST", work, 1, 20).fails("400"));
            let answer = s.add(server("billing", "POST /charge", call, 2, 19).counts("http.response.status_code", 400));
            s.add(step("billing", "validate", answer, 3, 4).fails("amount is negative"));
        },
        answer: "\
failed
error: place @shop > POST @shop -call> POST /charge @billing > validate @billing \"amount is negative\"
  took down: POST @shop, place @shop
",
    },
    Planted {
        name: "failure in a child run",
        tell: |s| {
            s.begin(1, "shop", "order", 0, None);
            let work = s.add(step("shop", "place", 0, 1, 9).top_of(1));
            let sent = s.add(publish("shop", "orders", work, 2));
            s.end(1, "shop", 10);
            s.begin(2, "billing", "bill", 20, Some(sent));
            let job = s.add(process("billing", "orders", 0, 21, 30).top_of(2).is(semconv::RELATION, "new_run").fails("x"));
            s.add(step("billing", "charge", job, 22, 29).fails("card expired"));
            s.fail(2, "billing", 31, "card expired");
        },
        answer: "\
failed
error: order @shop > place @shop > publish orders @shop -child_run> bill @billing > process orders @billing > charge @billing \"card expired\"
  took down: process orders @billing, bill @billing
  the owner ended the run as ok
",
    },
    Planted {
        name: "failure in a child run that its parent waits for",
        tell: |s| {
            s.begin(1, "agent", "answer", 0, None);
            let call = s.add(step("agent", "delegate", 0, 1, 30).top_of(1).primitive("delegate.invoke").fails("researcher"));
            s.begin(2, "agent", "research", 2, Some(call));
            s.add(step("agent", "search", 0, 3, 9).top_of(2).fails("quota"));
            s.fail(2, "agent", 10, "quota");
            s.fail(1, "agent", 31, "researcher");
        },
        answer: "\
failed
error: answer @agent > delegate @agent -child_run> research @agent > search @agent \"quota\"
  took down: research @agent, delegate @agent, answer @agent
",
    },
    Planted {
        name: "failure in a linked run",
        tell: |s| {
            let sent = s.add(publish("shop", "orders", 0, 0));
            let job = process("billing", "orders", 0, 5_000, 5_010).of_run(2).linked_to(sent);
            s.add(job.is(semconv::RELATION, "link").fails("too old"));
        },
        answer: "\
failed
error: publish orders @shop -link> process orders @billing \"too old\"
",
    },
    Planted {
        name: "two unrelated failures",
        tell: |s| {
            let request = s.add(server("gateway", "POST /orders", 0, 0, 10));
            let sent = s.add(publish("gateway", "orders", request, 2));
            s.add(process("billing", "orders.bill", sent, 30, 40).fails("card expired"));
            s.add(process("mailer", "orders.mail", sent, 20, 25).fails("no address"));
        },
        answer: "\
failed
error: POST /orders @gateway > publish orders @gateway -queue> process orders.bill @billing \"card expired\"
error: POST /orders @gateway > publish orders @gateway -queue> process orders.mail @mailer \"no address\"
",
    },
    Planted {
        name: "two failures of one caller",
        tell: |s| {
            let work = s.add(step("shop", "place", 0, 0, 30).fails("2 errors"));
            s.add(step("shop", "charge", work, 1, 9).fails("card expired"));
            s.add(step("shop", "reserve", work, 2, 8).fails("out of stock"));
        },
        answer: "\
failed
error: place @shop > charge @shop \"card expired\"
  took down: place @shop
error: place @shop > reserve @shop \"out of stock\"
  took down: place @shop
",
    },
    Planted {
        name: "failure after the owner said ok",
        tell: |s| {
            s.begin(1, "shop", "order", 0, None);
            let sent = s.add(publish("shop", "orders", 0, 2).top_of(1));
            s.end(1, "shop", 10);
            s.add(process("billing", "orders", sent, 20, 30).fails("card expired"));
        },
        answer: "\
failed
error: order @shop > publish orders @shop -queue> process orders @billing \"card expired\"
  the owner ended the run as ok
",
    },
    Planted {
        name: "suspended, and failed after resume",
        tell: |s| {
            s.begin(1, "web", "approval", 0, None);
            s.add(step("web", "ask", 0, 1, 9).top_of(1));
            s.suspend(1, "web", 10);
            s.resume(1, "worker", 5_000);
            s.add(step("worker", "pay", 0, 5_001, 5_009).top_of(1).fails("account closed"));
            s.fail(1, "worker", 5_010, "account closed");
        },
        answer: "\
failed
error: approval @web -resume> pay @worker \"account closed\"
  took down: approval @web
",
    },
    Planted {
        name: "one of three queues fails",
        tell: |s| {
            let sent = s.add(publish("shop", "orders", 0, 0));
            for (queue, service) in [("a", "billing"), ("b", "mailer"), ("c", "stock")] {
                let job = process(service, queue, sent, 10, 20);
                let job = s.add(if queue == "b" { job.fails("no address") } else { job });
                s.add(settle(service, "ack", job, 21));
            }
        },
        answer: "\
failed
error: publish orders @shop -queue> process b @mailer \"no address\"
",
    },
    Planted {
        name: "only slow",
        tell: |s| {
            let request = s.add(server("gateway", "POST /orders", 0, 0, 9_000));
            s.add(step("gateway", "SELECT", request, 1, 8_999));
        },
        answer: "ok\n",
    },
    Planted {
        name: "missing root",
        tell: |s| {
            let job = s.add(process("billing", "orders", 77, 0, 20).fails("no such order"));
            s.add(step("billing", "find order", job, 1, 9).fails("no such order"));
        },
        answer: "\
failed
error: process orders @billing > find order @billing \"no such order\"
  took down: process orders @billing
note: parent_missing
",
    },
    Planted {
        name: "conflicted records",
        tell: |s| {
            s.begin(1, "shop", "order", 0, None);
            s.add(step("shop", "charge", 0, 1, 9).top_of(1).fails("card expired"));
            s.fail(1, "shop", 10, "card expired");
            s.fail(1, "worker", 20, "card expired");
        },
        answer: "\
failed
error: order @shop > charge @shop \"card expired\"
  took down: order @shop
note: conflict
",
    },
    Planted {
        name: "declared as failed by its owner",
        tell: |s| {
            s.begin(1, "shop", "order", 0, None);
            s.add(step("shop", "charge", 0, 1, 9).top_of(1));
            s.fail(1, "shop", 10, "the sum is wrong");
        },
        answer: "\
failed
declared: order @shop \"the sum is wrong\"
",
    },
    Planted {
        name: "not ended yet",
        tell: |s| {
            s.begin(1, "shop", "order", 0, None);
            let work = s.add(step("shop", "place", 0, 1, 0).top_of(1).never_ends());
            s.add(client("shop", "GET", work, 2, 0).never_ends());
        },
        answer: "\
unfinished
unfinished: GET @shop
",
    },
    Planted {
        name: "killed in the middle of a message, and done by another consumer",
        tell: |s| {
            let sent = s.add(publish("shop", "orders", 0, 0));
            let job = s.add(process("billing", "orders", sent, 10, 0).attempt(1).never_ends());
            s.add(step("billing", "charge", job, 11, 0).never_ends());
            s.add(process("billing", "orders", sent, 40, 50).attempt(2));
        },
        answer: "\
ok
recovered: charge @billing by process orders @billing
",
    },
    Planted {
        name: "many messages fail alike",
        tell: |s| {
            let work = s.add(step("shop", "import", 0, 0, 9));
            for n in 0..1_000 {
                let sent = s.add(publish("shop", "orders", work, n).counts("n", n as i64));
                s.add(process("billing", "orders", sent, 2_000 + n, 2_001 + n).fails("no row 12345"));
            }
        },
        answer: "\
failed
error: import @shop > publish orders @shop -queue> process orders @billing \"no row 12345\"
  alike: 999
",
    },
];
