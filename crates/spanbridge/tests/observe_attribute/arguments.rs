//! What the attribute takes.

use crate::tree;
use spanbridge::{Primitive, observe};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

mod elsewhere {
    pub(crate) use spanbridge as hidden;
}

#[observe(crate = crate::arguments::elsewhere::hidden, kind = "client")]
fn renamed() -> Result<(), ()> {
    Err(())
}

macro_rules! by_macro {
    ($name:ident) => {
        #[observe(crate = $crate::arguments::elsewhere::hidden, primitive = "custom.x", attributes(n = 1))]
        fn $name() {}
    };
}
by_macro!(made);

const PRIMITIVE: Primitive = Primitive::FLOW_RUN;

#[observe(primitive = "custom.mine", kind = "server", name = "by literal")]
fn literal() {}

#[observe(primitive = PRIMITIVE, kind = "producer", name = format!("by {what}"))]
fn expression(what: &str) {
    let _ = what;
}

#[test]
fn name_primitive_kind_crate() {
    assert_eq!(tree::of(renamed), "renamed error {client}\n");
    assert_eq!(tree::of(made), "made ok {custom.x, n=I64(1)}\n");
    assert_eq!(tree::of(literal), "by literal ok {custom.mine, server}\n");
    assert_eq!(tree::of(|| expression("value")), "by value ok {flow.run, producer}\n");
}

struct Customer {
    name: String,
    id: Id,
}

#[derive(Clone, Debug)]
struct Id(u8);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[observe(attributes(
    order.id = id,
    customer = %customer.id,
    customer.raw = ?customer.id,
    customer.name = customer.name,
    size = items.len(),
    first = items[0],
    text = text,
    owned = owned,
    "a-literal.key" = "static",
    r#type.match = true,
    sum = id + 1,
    ratio = -0.5,
    tail = text[1..],
))]
fn place(id: u64, customer: Customer, items: &[u8], text: &str, owned: String) -> (Customer, String) {
    let _ = (id, items, text);
    (customer, owned)
}

/// Attributes are what was named, and arguments are not moved.
#[test]
fn attributes_are_named_and_nothing_is_moved() {
    let customer = Customer { name: "Ann".to_owned(), id: Id(7) };
    let (returned, text) = tree::with(|| place(1, customer, &[5, 6], "xyz", "o".to_owned()));
    assert_eq!((returned.0.id.0, returned.1.as_str()), (7, "o"));
    let expected = [
        r"order.id=I64(1)",
        r##"customer=Str("#7")"##,
        r#"customer.raw=Str("Id(7)")"#,
        r#"customer.name=Str("Ann")"#,
        r"size=I64(2)",
        r"first=I64(5)",
        r#"text=Str("xyz")"#,
        r#"owned=Str("o")"#,
        r#"a-literal.key=Static("static")"#,
        r"type.match=Bool(true)",
        r"sum=I64(2)",
        r"ratio=F64(-0.5)",
        r#"tail=Str("yz")"#,
    ];
    assert_eq!(
        text.replace("Static(", "Str("),
        format!("place ok {{{}}}\n", expected.join(", ")).replace("Static(", "Str(")
    );
}

static LOOKS: AtomicU32 = AtomicU32::new(0);

struct Loud;

impl fmt::Display for Loud {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        LOOKS.fetch_add(1, Relaxed);
        panic!("looked at")
    }
}

#[observe(attributes(loud = %loud))]
fn quiet(loud: &Loud) {
    let _ = loud;
}

#[test]
fn attributes_are_read_only_when_recorded() {
    LOOKS.store(0, Relaxed);
    quiet(&Loud);
    assert_eq!(LOOKS.load(Relaxed), 0);
    // and there a panic, or a text without end, is no concern of the function's
    assert_eq!(tree::of(|| quiet(&Loud)), "quiet ok {loud=Str(\"\")}\n");
    assert_eq!(LOOKS.load(Relaxed), 1);
}

struct Cart {
    items: Vec<String>,
}

impl Cart {
    #[observe(attributes(items = self.items.len(), first = ?self.items.first(), coupon = coupon))]
    async fn pay(&mut self, coupon: String) -> Option<String> {
        self.items.push(coupon);
        self.items.pop()
    }
}

#[test]
fn attributes_of_async_methods() {
    let mut cart = Cart { items: vec!["a".to_owned()] };
    let (_, text) = tree::polled(|| cart.pay("c".to_owned()));
    assert_eq!(text, "pay ok {items=I64(1), first=Str(\"Some(\\\"a\\\")\"), coupon=Str(\"c\")}\n");
}

/// Names of the macro's own are not the user's.
#[test]
fn names_do_not_clash() {
    #[observe(attributes(span = span, value = value))]
    fn clash(span: u8, value: u8) -> u8 {
        span + value
    }
    assert_eq!(tree::with(|| clash(1, 2)).0, 3);
}
