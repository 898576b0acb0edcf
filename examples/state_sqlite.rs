//! Who made this row what it is: an order in SQLite, written by two services.
//!
//! ```sh
//! cargo run --example state_sqlite
//! cargo run -q -p spanbridge-cli -- state history orders 1
//! cargo run -q -p spanbridge-cli -- state blame orders 1
//! ```

use anyhow::ensure;
use clap::Parser;
use rusqlite::Connection;
use spanbridge::observe;
use spanbridge_db::StatePolicy;
use spanbridge_db::rusqlite::{ConnectionExt, SqliteConnection};
use spanbridge_examples::{Records, finish};

/// Writes an order with two services, and shows what `spanbridge state` says of it.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    records: Records,
}

fn main() -> anyhow::Result<()> {
    let Arguments { records } = Arguments::parse();
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("shop.db");
    // One word more than without spanbridge, and the policy: keys and values, but no card numbers.
    let connect = || -> anyhow::Result<SqliteConnection> {
        let policy = StatePolicy::values().redact_column("orders", "card");
        Ok(Connection::open(&file)?.observed(policy))
    };
    let shop = records.recorder("shop")?.build()?;
    shop.in_scope(|| observe::run("place order").in_scope(|| place(&mut connect()?)))?;
    let billing = records.recorder("billing")?.build()?;
    let refused = billing.in_scope(|| observe::run("charge twice").in_scope(|| charge(&mut connect()?, true)));
    ensure!(refused.is_err(), "it was rolled back");
    billing.in_scope(|| observe::run("charge").in_scope(|| charge(&mut connect()?, false)))?;
    finish(shop);
    finish(billing);
    println!("Ask who wrote the order:");
    println!("  cargo run -q -p spanbridge-cli -- state history orders 1");
    println!("  cargo run -q -p spanbridge-cli -- state blame orders 1");
    Ok(())
}

/// The order is inserted, in one transaction with its items.
fn place(db: &mut SqliteConnection) -> anyhow::Result<()> {
    db.execute_batch(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT, cents INTEGER, card TEXT);
        CREATE TABLE items (order_id INTEGER REFERENCES orders, sku TEXT, PRIMARY KEY (order_id, sku)) WITHOUT ROWID;",
    )?;
    let transaction = db.transaction()?;
    transaction.execute("INSERT INTO orders VALUES (1, 'new', 1999, ?1)", ["4111 1111 1111 1111"])?;
    let mut item = transaction.prepare("INSERT INTO items VALUES (1, ?1)")?;
    for sku in ["umbrella", "boots"] {
        item.execute([sku])?;
    }
    drop(item);
    transaction.commit()?;
    Ok(())
}

/// The order is paid. If the customer is charged twice, everything is rolled back, and the row has no trace of it.
fn charge(db: &mut SqliteConnection, twice: bool) -> anyhow::Result<()> {
    let transaction = db.transaction()?;
    transaction.execute("UPDATE orders SET status = 'paid', card = NULL WHERE id = 1", ())?;
    ensure!(!twice, "the customer was charged twice");
    transaction.commit()?;
    Ok(())
}
