//! Rows of PostgreSQL: two services change one order, and each change is recorded with who made it.
//!
//! `cargo xtask postgres -- cargo run --example state_postgres`, then `spanbridge state history orders 1`. Creates the table `orders` in
//! the database at `POSTGRES_URL`, and removes it, with everything that was installed, at the end.

use anyhow::Context as _;
use spanbridge::{Recorder, observe};
use spanbridge_db::tokio_postgres::{ClientExt, ObservedClient};
use spanbridge_db::{StatePolicy, postgres};
use spanbridge_store::StoreSink;
use tokio_postgres::{Client, Error, NoTls};

async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn place(db: &ObservedClient<Client>) -> Result<u64, Error> {
    db.execute("INSERT INTO orders VALUES ($1, 'new', '4111 1111')", &[&1i32]).await
}

/// The second update is taken back, so it is not recorded.
async fn pay(db: &mut ObservedClient<Client>) -> Result<(), Error> {
    let mut tx = db.transaction().await?;
    tx.execute("UPDATE orders SET status = 'paid' WHERE id = $1", &[&1i32]).await?;
    let attempt = tx.transaction().await?;
    attempt.execute("UPDATE orders SET status = 'shipped' WHERE id = $1", &[&1i32]).await?;
    attempt.rollback().await?;
    tx.commit().await
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::var("POSTGRES_URL").context("POSTGRES_URL is not set")?;
    let recorder = Recorder::builder("shop").sink(StoreSink::open_default()?).install()?;
    let policy = StatePolicy::values().redact_column("orders", "card");

    // In an application, this is a migration.
    let owner = connect(&url).await?;
    owner.batch_execute(postgres::INSTALL).await?;
    owner.batch_execute("CREATE TABLE orders (id int PRIMARY KEY, status text, card text)").await?;
    owner.batch_execute(&postgres::watch(&policy, "orders")).await?;

    let shop = connect(&url).await?.observed(policy.clone());
    let mut billing = connect(&url).await?.observed(policy);
    observe::run("place order").run(|| place(&shop)).await?;
    observe::run("pay order").run(|| pay(&mut billing)).await?;
    // By a program without spanbridge. The next of our commits would record it, too.
    owner.batch_execute("UPDATE orders SET status = 'archived'").await?;
    println!("{} change was made by nobody known", shop.take_changes().await?);

    owner.batch_execute("DROP TABLE orders").await?;
    owner.batch_execute(postgres::REMOVE).await?;
    drop(recorder);
    Ok(())
}
