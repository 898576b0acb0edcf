//! What is left out of a message that has no room for all of the context, and in which order.

use spanbridge::carrier::{Budget, extract, inject_within};
use std::collections::BTreeMap;

type Headers = BTreeMap<String, String>;

fn carried(bytes: usize) -> (Headers, Option<String>) {
    within(Budget::new(bytes, 6, 3))
}

fn within(budget: Budget) -> (Headers, Option<String>) {
    let long = "z".repeat(130);
    let received = Headers::from([
        ("traceparent".into(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        ("tracestate".into(), format!("sb=r:11112222333344445555666677778888,long={long},a=1,b=2")),
        ("baggage".into(), "tier=gold".into()),
    ]);
    let context = extract(&received).context;
    let mut headers = Headers::from([("baggage".into(), "of=an earlier hop".into())]);
    let left_out = inject_within(&context, budget, &mut headers);
    assert!(headers.iter().map(|(k, v)| k.len() + v.len() + 6).sum::<usize>() <= budget.bytes, "{budget:?}");
    assert!(headers.len() <= budget.headers, "{budget:?}");
    (headers, left_out)
}

#[test]
fn what_has_no_room_goes_in_a_fixed_order() {
    let show = |bytes| {
        let (mut headers, left_out) = carried(bytes);
        headers.remove("traceparent");
        let state =
            headers.remove("tracestate").map(|s| s.replace(&"z".repeat(130), "…").replace("1111222233334444", ""));
        format!(
            "{} | {} | {}",
            state.unwrap_or_default(),
            headers.remove("baggage").unwrap_or_default(),
            left_out.unwrap_or_default()
        )
    };
    let all = [1000, 275, 265, 200, 135, 131, 125, 100, 71, 60].map(|n| format!("{n}: {}", show(n))).join("\n");
    assert_eq!(
        all,
        "1000: sb=r:5555666677778888,long=…,a=1,b=2 | tier=gold | \n\
         275: sb=r:5555666677778888,long=…,a=1,b=2 |  | no room for the baggage (9 bytes)\n\
         265: sb=r:5555666677778888,a=1,b=2 |  | no room for the baggage (9 bytes) and 1 members of tracestate\n\
         200: sb=r:5555666677778888,a=1,b=2 |  | no room for the baggage (9 bytes) and 1 members of tracestate\n\
         135: sb=r:5555666677778888,a=1,b=2 |  | no room for the baggage (9 bytes) and 1 members of tracestate\n\
         131: sb=r:5555666677778888,a=1 |  | no room for the baggage (9 bytes) and 2 members of tracestate\n\
         125: sb=r:5555666677778888 |  | no room for the baggage (9 bytes) and 3 members of tracestate\n\
         100:  |  | no room for the baggage (9 bytes) and 4 members of tracestate\n\
         71:  |  | no room for the context\n\
         60:  |  | no room for the context"
    );
}

#[test]
fn headers_are_counted_too() {
    for (most, names, left_out) in [
        (4, &["baggage", "traceparent", "tracestate"][..], None),
        (3, &["baggage", "traceparent", "tracestate"], None),
        (2, &["traceparent", "tracestate"], Some("no room for the baggage (9 bytes)")),
        (1, &["traceparent"], Some("no room for the baggage (9 bytes) and 4 members of tracestate")),
        (0, &[], Some("no room for the context")),
    ] {
        let (headers, said) = within(Budget::new(1000, 6, most));
        assert_eq!(headers.keys().collect::<Vec<_>>(), names);
        assert_eq!(said.as_deref(), left_out);
    }
}
